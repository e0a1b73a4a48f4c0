"""Our alerts as CAP: an Alert when one fires, an Update when it changes, a Cancel when it is over.

`tell` takes the CloudEvents of one alert in their order (`tocsin.alerts`, decoded) and what was told of it before, and
gives the CAP record and what to remember. Identifiers and times follow from the event: whoever tells it twice, tells
the same. `again` tells it once more before it expires. Where nothing is in force any more, nothing is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

import msgspec

from streams.clocks import DAY, HOUR, SECOND, micros, moment, parse_rfc3339, zone_of
from streams.formats.cap.grammar import CATEGORIES, CERTAINTIES, SEVERITIES, URGENCIES, Record
from streams.formats.cap.meaning import RESERVED
from streams.places import CELL
from streams.records import Micros
from streams.texts import show, show_part

CHANGES = ("firing", "updated", "resolved", "retracted", "merged")
HEADLINE_AT_MOST = 160
REFERENCES_KEPT = 100
OVER = {"resolved": "It is over.", "retracted": "It was a mistake.", "merged": "It is one with another alert."}
LATEST: Micros = 253_402_300_799 * SECOND - 2 * DAY
"""Two days before the end of the year 9999, so that what expires later can still be written."""
EARLIEST: Micros = -62_135_596_800 * SECOND + 2 * DAY
Ring: TypeAlias = Sequence[tuple[float, float]]
"""The corners of an area, (latitude, longitude), the first again at the end."""


class Teller(msgspec.Struct, frozen=True):
    """Who tells it, and how.

    `sender` names the deployment to the world, such as `tocsin@city.example`; by default it is made of the event's
    source. `zone` is that of the times. `scope` is Public, Restricted (by `restriction`) or Private (to
    `addresses`). An alert is in force for `lasts` unless it is told again. A place alone becomes a circle of `radius`
    km; `districts` has the borders of each. `web` is what an alert's page begins with.
    """

    sender: str = ""
    name: str = ""
    zone: str = "UTC"
    language: str = ""
    status: str = "Actual"
    scope: str = "Restricted"
    restriction: str = "For the city's operations."
    addresses: str = ""
    web: str = ""
    contact: str = ""
    lasts: Micros = 24 * HOUR
    radius: float = 0.25
    districts: Mapping[str, Sequence[Ring]] = {}


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What was told of an alert: `references` to what is in force, when the last was `sent`, when it `expires`.

    `times` counts what was told of the last event. Nothing is in force where there are no references.
    """

    references: tuple[str, ...] = ()
    sent: Micros = EARLIEST
    expires: Micros = EARLIEST
    times: int = 0


def tell(teller: Teller, event: Mapping[str, Any], told: Told | None = None) -> tuple[Record | None, Told]:
    """What there is to tell of the next event of an alert, and what to remember; None: nothing.

    What else stands on the alert's topic (what operators did, what keeps it quiet) changes nothing here.
    """
    told = told or Told()
    if event["type"].rpartition(".")[2] not in CHANGES:
        return None, told
    firing = event["data"]["state"] == "firing"
    if not firing and not told.references:
        return None, told
    kind = "Cancel" if not firing else "Update" if told.references else "Alert"
    return _told(teller, event, msgspec.structs.replace(told, times=0), kind, parse_rfc3339(event["recordedtime"]))


def again(teller: Teller, event: Mapping[str, Any], told: Told, now: Micros) -> tuple[Record | None, Told]:
    """The newest event of an alert once more, because what was told `expires` soon; None if nothing is in force."""
    return _told(teller, event, told, "Update", now) if told.references else (None, told)


def _told(teller: Teller, event: Mapping[str, Any], told: Told, kind: str, at: Micros) -> tuple[Record, Told]:
    if event["data"].get("status") == "exercise":
        teller = msgspec.structs.replace(teller, status="Exercise")
    sent = min(max(at, told.sent, EARLIEST), LATEST)
    expires = min(sent + max(teller.lasts, SECOND), LATEST + DAY)
    times = told.times + 1
    identifier = event["id"] if times == 1 else f"{event['id']}-{times}"
    sender = RESERVED.sub("_", teller.sender or event["source"].strip("/").replace("/", ".") or "tocsin")
    written = _stamp(teller, sent)
    record: Record = {
        "identifier": identifier, "sender": sender, "sent": written, "status": teller.status, "msgType": kind,
        "source": _text(event["data"]["rule"]), "scope": teller.scope, **_audience(teller),
        **_note(teller, event["data"], kind), "incidents": event["subject"],
        "info": [_info(teller, event, kind, sent, expires)],
    }
    if told.references:
        record["references"] = " ".join(told.references)
    kept = () if kind == "Cancel" else (*told.references, f"{sender},{identifier},{written}")[-REFERENCES_KEPT:]
    return record, Told(kept, sent, expires, times)


def _audience(teller: Teller) -> Record:
    if teller.scope == "Restricted":
        return {"restriction": teller.restriction or "Restricted."}
    return {"addresses": teller.addresses} if teller.addresses else {}


def _note(teller: Teller, seen: Mapping[str, Any], kind: str) -> Record:
    """Why it is cancelled, and that it is not meant in earnest."""
    why = OVER.get(seen["state"], "") if kind == "Cancel" else ""
    if seen.get("merged_into"):
        why += f" {_text(seen['merged_into'])} stands for both."
    words = [*(["This is an exercise."] if teller.status == "Exercise" else []), *([why] if why else [])]
    return {"note": " ".join(words)} if words else {}


def _info(teller: Teller, event: Mapping[str, Any], kind: str, sent: Micros, expires: Micros) -> Record:
    seen = event["data"]
    title, opened = _text(seen["title"]), parse_rfc3339(seen["opened_at"])
    info: Record = {
        "category": [_word(seen["category"], CATEGORIES, "Other")], "event": _spoken(_text(seen["rule"])),
        "urgency": _word(seen["urgency"], URGENCIES, "Unknown"),
        "severity": _word(seen["severity"], SEVERITIES, "Minor"),
        "certainty": _word(seen["certainty"], CERTAINTIES, "Unknown"),
        "eventCode": [{"valueName": "tocsin:rule", "value": _text(seen["rule"])}],
        "effective": _stamp(teller, sent), "onset": _stamp(teller, min(opened, expires)),
        "expires": _stamp(teller, expires),
        "headline": title if len(title) <= HEADLINE_AT_MOST else title[: HEADLINE_AT_MOST - 1] + "…",
        "description": _description(seen), "parameter": _parameters(event), "area": [_area(teller, seen)],
    }
    named = {"language": teller.language, "senderName": teller.name, "contact": teller.contact or _text(seen["owner"]),
             "web": teller.web and teller.web + event["subject"]}
    if kind == "Cancel" and seen["state"] == "resolved" and not seen["ended"]:  # no word from a device is no all-clear
        info["responseType"] = ["AllClear"]
    return info | {name: value for name, value in named.items() if value}


def _description(seen: Mapping[str, Any]) -> str:
    texts = (_text(seen["title"]), _text(seen["summary"]), _text(seen["why"]))
    return "\n".join(dict.fromkeys(text for text in texts if text))


def _parameters(event: Mapping[str, Any]) -> list[Record]:
    seen = event["data"]
    named = {
        "tocsin:alert": event["subject"], "tocsin:sequence": event["sequence"], "tocsin:cause": event["causationid"],
        "tocsin:district": seen["district"], "tocsin:owner": seen["owner"], "tocsin:count": seen["count"],
        "tocsin:value": seen["value"], "tocsin:ended": seen["ended"], "tocsin:mergedInto": seen["merged_into"],
    }
    return [{"valueName": name, "value": _text(value)} for name, value in named.items() if value not in (None, "")]


def _area(teller: Teller, seen: Mapping[str, Any]) -> Record:
    """Where: a circle around the place, else the borders of the district; always in words."""
    place, district = seen["place"] or {}, _text(seen["district"])
    key = ", ".join(show_part(name, value) for name, value in seen["key"].items() if name != CELL)
    words = (_text(place.get("address")), district, key, teller.name)
    area: Record = {"areaDesc": next((text for text in words if text.strip()), "the city")}
    lat, lon = (_degree(place.get(name), most) for name, most in (("lat", 90), ("lon", 180)))
    rings = teller.districts.get(district, ())
    if lat is not None and lon is not None:
        area["circle"] = [f"{_decimal(lat)},{_decimal(lon)} {_decimal(teller.radius)}"]
    elif rings:
        area["polygon"] = [" ".join(f"{_decimal(lat)},{_decimal(lon)}" for lat, lon in ring) for ring in rings]
    if district:
        area["geocode"] = [{"valueName": "tocsin:district", "value": district}]
    return area


def _degree(value: Any, most: float) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and isfinite(value) and abs(value) <= most else None


def _decimal(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _word(text: Any, words: Sequence[str], otherwise: str) -> str:
    return next((word for word in words if word.lower() == str(text).lower()), otherwise)


def _spoken(rule: str) -> str:
    """The rule's id as words: `crash-series@west` is `crash series (west)`."""
    name, _, district = rule.partition("@")
    words = name.replace("-", " ").replace("_", " ").replace(".", " ").strip()
    return (words or rule) + (f" ({district})" if district else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else show(value)


def _stamp(teller: Teller, time: Micros) -> str:
    """A time in the city's zone, UTC as `-00:00`; offsets of old times that have seconds are written in UTC."""
    at = moment(min(max(time, EARLIEST), LATEST + DAY), zone_of(teller.zone))
    text = at.isoformat(timespec="seconds")
    if len(text) > len("2026-07-01T10:00:00+08:00"):
        text = moment(micros(at)).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text
