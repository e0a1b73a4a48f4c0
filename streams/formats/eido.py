"""EIDO, the Emergency Incident Data Object of NENA-STA-021 (JSON): an alert and its case for another centre.

Written from what was told of both: the smallest document that says who, what, where and how far. Types of incidents,
of agencies and of places come from registries that a city maps its own to (`Issuer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from streams.formats import xml
from streams.texts import show

VERSION = "1.0"
OTHER = "Other"
RECEIVING, DISPATCHED = "CallReceiving", "Dispatched"
STATES = {"firing": "Active", "resolved": "Closed", "retracted": "Cancelled", "merged": "Closed"}
"""The status of an incident without a case, by its alert's state."""
CONTEXT = "./JSON-LD_Contexts/EmergencyIncidentDataObjectType.jsonld"
Json = dict[str, Any]


class Agency(msgspec.Struct, frozen=True):
    """An agency: its id, a domain name, and its types by IANA (`police`, `fire`, `ambulance`, `psap` ...)."""

    id: str
    types: tuple[str, ...]


class Issuer(msgspec.Struct, frozen=True):
    """Who writes the document. `element` names this deployment, `agency` whose it is; both are domain names.

    `incident_types` maps rules, and categories, to the registry of incident types (APCO 2.103); what is in neither is
    `Other`. `units` says which agency a unit is; one that is not there is named by itself, of `unit_types`.
    """

    element: str
    agency: Agency
    incident_types: Mapping[str, str] = {}
    units: Mapping[str, Agency] = {}
    unit_types: tuple[str, ...] = ("fire",)
    place_type: str = "Incident"


def incident(issuer: Issuer, alert: Mapping[str, Any] | None = None, case: Mapping[str, Any] | None = None) -> Json:
    """The newest of an alert and of its case, decoded CloudEvents, as an incident; ValueError without either."""
    newest = case or alert
    if newest is None:
        raise ValueError("an incident is of an alert, of a case, or of both")
    writer = _Writer(issuer, newest["subject"], newest["recordedtime"])
    seen, told = (None if one is None else one["data"] for one in (alert, case))
    return writer.document(seen, told)


def encode(document: Mapping[str, Any]) -> bytes:
    """The document as JSON."""
    return orjson.dumps(document)


class _Writer:
    """Writes the components of one document; each has an id of its own and says who wrote it when."""

    def __init__(self, issuer: Issuer, subject: str, at: str) -> None:
        self.issuer, self.subject, self.at = issuer, subject, at

    def document(self, seen: Mapping[str, Any] | None, told: Mapping[str, Any] | None) -> Json:
        """The whole."""
        place = self._place(seen)
        notes = self._notes(seen, told)
        unit = None if told is None or not told["unit"] else self._unit(told["unit"])
        found: Json = {
            **self._prologue(self._name("incidentid")), "eidoVersion": VERSION,
            "issuingElementIdentification": self.issuer.element,
            "incidentComponent": self._incident(seen, told, place, notes),
            "agencyComponent": [self._agency(self.issuer.agency, RECEIVING, owns=True),
                                *([] if unit is None else [self._agency(unit, DISPATCHED, owns=False)])],
            "notesComponent": notes, "@context": {"@vocab": CONTEXT},
        }
        if unit is not None:
            found["dispatchComponent"] = [self._part("dispatch") | {"agencyReference": {"$ref": unit.id}}]
        if place is not None:
            found["locationComponent"] = [place]
        heir = (told or seen or {}).get("merged_into")
        if heir:
            found["mergeComponent"] = [self._part("merge") | {
                "incidentMergeDirectionCode": "REPLACED", "incidentTrackingIdentifier": self._name("incidentid", heir)}]
        return found

    def _incident(self, seen: Mapping[str, Any] | None, told: Mapping[str, Any] | None, place: Json | None,
                  notes: list[Json]) -> Json:
        about = told or seen or {}
        types = self.issuer.incident_types
        type = types.get(about["rule"]) or types.get(about["category"]) or OTHER
        status = told["incident_status"] if told is not None else STATES[about["state"]]
        found = self._part("incident") | {
            "incidentTypeCommonRegistryText": type, "incidentTypeInternalText": about["title"],
            "incidentTypeInternalCode": about["rule"], "incidentStatusCommonRegistryText": [status],
            "incidentStatusInternalText": [about["state"]], "internalIncidentId": self.subject,
            "incidentPriorityInternalText": about["severity"],
            "notesReference": [{"$ref": one["$id"]} for one in notes],
        }
        if told is not None:
            found["incidentCommonPriorityNumber"] = told["priority"]
        if told is not None and told["disposition"]:
            found["dispositionComponent"] = [
                self._part("disposition") | {"dispositionCommonRegistryCode": told["disposition"]}]
        if about["district"]:
            found["beatOrDispatchGroupText"] = about["district"]
        if place is not None:
            found["locationReference"] = [{"$ref": place["$id"]}]
        return found

    def _notes(self, seen: Mapping[str, Any] | None, told: Mapping[str, Any] | None) -> list[Json]:
        """Why it was found, and what was last done. HTML5, so texts are escaped."""
        texts = [*([] if seen is None else [seen["summary"], seen["why"]]), *([] if told is None else [told["reason"]])]
        return [self._part(f"note-{number}") | {"notesActionComments": xml.text_of(text)}
                for number, text in enumerate(text for text in texts if text)]

    def _place(self, seen: Mapping[str, Any] | None) -> Json | None:
        """Where it is, as a PIDF-LO; None where nobody knows."""
        place = (seen or {}).get("place") or {}
        lat, lon, address = (place.get(name) for name in ("lat", "lon", "address"))
        found = self._part("location") | {"locationTypeDescriptionRegistryText": self.issuer.place_type}
        if address:
            found["locationDescriptionText"] = show(address)
        if isinstance(lat, int | float) and isinstance(lon, int | float):
            found["locationByValue"] = pidf(self.issuer.element, lat, lon)
        return found if len(found) > len(self._part("location")) + 1 else None

    def _unit(self, name: str) -> Agency:
        return self.issuer.units.get(name) or Agency(f"{_word(name)}.{self.issuer.agency.id}", self.issuer.unit_types)

    def _agency(self, agency: Agency, role: str, *, owns: bool) -> Json:
        return self._prologue(agency.id) | {
            "agencyRoleDescriptionRegistryText": [role], "agencyType": list(agency.types),
            "incidentOwningAgencyIndicator": owns}

    def _part(self, kind: str) -> Json:
        return self._prologue(f"{self._name('incidentid')}:{kind}")

    def _name(self, kind: str, of: str = "") -> str:
        return f"urn:emergency:uid:{kind}:{of or self.subject}:{self.issuer.element}"

    def _prologue(self, id: str) -> Json:
        return {"$id": id, "lastUpdateTimeStamp": self.at,
                "updatedByAgencyReference": {"$ref": self.issuer.agency.id}}


def pidf(element: str, lat: float, lon: float) -> str:
    """A point as a PIDF-LO (RFC 4119, RFC 5491), as text."""
    at = xml.element("Point", [xml.element("pos", f"{float(lat):.6f} {float(lon):.6f}")], "http://www.opengis.net/gml")
    at = at.replace("<Point ", '<Point srsName="urn:ogc:def:crs:EPSG::4326" ', 1)
    told = [xml.element("location-info", [at]), xml.element("usage-rules")]
    geopriv = xml.element("geopriv", told, "urn:ietf:params:xml:ns:pidf:geopriv10")
    inner = f'<tuple id="point">{xml.element("status", [geopriv])}</tuple>'
    whole = xml.element("presence", [inner], "urn:ietf:params:xml:ns:pidf")
    return xml.DECLARATION + whole.replace("<presence ", f'<presence entity="pres:tocsin@{xml.text_of(element)}" ', 1)


def _word(name: str) -> str:
    """A unit's name as a label of a domain name."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return kept.strip("-") or "unit"
