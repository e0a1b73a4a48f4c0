"""EIDO: what is written has what NENA-STA-021 demands, and every reference leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given

from streams.findings import ResponseFrame
from streams.formats import xml
from streams.formats.eido import Agency, Issuer, encode, incident
from streams.respond import Respond
from tests.responses import RULES, finding, frame, logs, read, rows, run

ISSUER = Issuer("tocsin.city.example", Agency("city.example", ("psap",)), {"Fire": "Structure Fire"},
                {"police": Agency("police.city.example", ("police",))})
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
LIST = {"type": "array", "items": TEXT, "minItems": 1}
REF = {"type": "object", "properties": {"$ref": TEXT}, "required": ["$ref"], "additionalProperties": False}
REFS = {"type": "array", "items": REF}


def part(needed: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """A component: the prologue that all have, what it needs, and what it may have; nothing else."""
    at = {**TEXT, "pattern": "T.*Z$"}
    every = {"$id": TEXT, "lastUpdateTimeStamp": at, "updatedByAgencyReference": REF, **needed}
    return {"type": "object", "properties": {**every, **(more or {})}, "required": list(every),
            "additionalProperties": False}


def several(one: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": one}


STATUS = {"enum": ["Active", "ResourcesAssigned", "ResourcesEnroute", "ResourcesOnscene", "FireUnderControl",
                   "StructureCleared", "NewLocation", "Cancelled", "Closed", "ReOpened"]}
ROLE = {"enum": ["CallReceiving", "Dispatching", "Dispatched", "Assisting", "Informational", "TransferredTo"]}
INCIDENT = part({"incidentTypeCommonRegistryText": TEXT}, {
    **{name: {"type": "string"} for name in (
        "incidentTypeInternalText", "incidentTypeInternalCode", "internalIncidentId", "incidentPriorityInternalText",
        "beatOrDispatchGroupText")},
    "incidentStatusCommonRegistryText": several(STATUS), "incidentStatusInternalText": LIST,
    "incidentCommonPriorityNumber": {"type": "integer"}, "notesReference": REFS, "locationReference": REFS,
    "dispositionComponent": several(part({"dispositionCommonRegistryCode": TEXT})),
})
SCHEMA = part({  # the components of NENA911/EIDO-JSON that are written here, with what they require
    "eidoVersion": {"const": "1.0"}, "issuingElementIdentification": TEXT,
    "agencyComponent": {**several(part({"agencyRoleDescriptionRegistryText": several(ROLE), "agencyType": LIST},
                                       {"incidentOwningAgencyIndicator": {"type": "boolean"}})), "minItems": 1},
}, {
    "incidentComponent": INCIDENT, "notesComponent": several(part({"notesActionComments": TEXT})),
    "locationComponent": several(part({"locationTypeDescriptionRegistryText": TEXT},
                                      {"locationByValue": TEXT, "locationDescriptionText": TEXT})),
    "dispatchComponent": several(part({}, {"agencyReference": REF})),
    "mergeComponent": several(part({"incidentMergeDirectionCode": {"enum": ["REPLACING", "REPLACED", "SPLIT"]},
                                    "incidentTrackingIdentifier": TEXT})),
    "@context": {"type": "object"},
})
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def named(found: Any, name: str) -> Iterator[str]:
    """All values of a name in a document."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from [value] if key == name else named(value, name)
    elif isinstance(found, list):
        for one in found:
            yield from named(one, name)


def sound(document: Any) -> None:
    found = orjson.loads(encode(document))
    VALIDATOR.validate(found)
    ids = list(named(found, "$id"))
    assert len(set(ids)) == len(ids)
    assert set(named(found, "$ref")) <= set(ids)
    for text in named(found, "locationByValue"):
        assert xml.parse(text.encode()).name == "presence"


def test_an_alert_with_its_case() -> None:
    facts = {"place.lat": 40.5, "place.lon": -75.25, "place.address": "Elm & 1st"}
    events = [read(one) for one in run(Respond(RULES), [frame(rows([finding(rule="quiet", facts=facts)]))])]
    alert, case = events[0], events[-1]
    assert (alert["type"], case["type"]) == ("tocsin.alert.firing", "tocsin.case.dispatched")
    document = incident(ISSUER, alert, case)
    sound(document)
    assert document["$id"] == f"urn:emergency:uid:incidentid:{case['subject']}:tocsin.city.example"
    about = document["incidentComponent"]
    assert about["incidentStatusCommonRegistryText"] == ["ResourcesAssigned"]
    assert (about["incidentTypeCommonRegistryText"], about["incidentCommonPriorityNumber"]) == ("Other", 1)
    assert [one["$id"] for one in document["agencyComponent"]] == ["city.example", "police.city.example"]
    assert document["dispatchComponent"][0]["agencyReference"] == {"$ref": "police.city.example"}
    [place] = document["locationComponent"]
    assert "<pos>40.500000 -75.250000</pos>" in place["locationByValue"]
    assert place["locationDescriptionText"] == "Elm & 1st"
    alone = incident(Issuer("t.example", Agency("c.example", ("psap",)), {"Other": "Alarm"}), alert)
    sound(alone)
    assert alone["incidentComponent"]["incidentTypeCommonRegistryText"] == "Alarm"
    assert alone["incidentComponent"]["incidentStatusCommonRegistryText"] == ["Active"]


def test_of_nothing_there_is_no_incident() -> None:
    with pytest.raises(ValueError, match="of an alert, of a case, or of both"):
        incident(ISSUER)


@given(logs())
def test_whatever_becomes_of_alerts_and_cases_their_documents_are_sound(log: list[ResponseFrame]) -> None:
    newest: dict[str, Any] = {}
    for event in [read(output) for output in run(Respond(RULES), log) if output.topic in ("alerts", "shadow", "cases")]:
        if event["type"] != "tocsin.alert.operator":
            newest[event["subject"]] = event
    for event in newest.values():
        of_case = event["type"].startswith("tocsin.case.")
        sound(incident(ISSUER, newest.get(event["data"]["alert"]), event) if of_case else incident(ISSUER, event))
