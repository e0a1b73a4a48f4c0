"""What stands where in an alert of CAP 1.2: the schema of OASIS as tables, for reading and for writing.

A record is a dict with CAP's own names: texts, dicts for elements that hold others, lists of either for what may be
repeated. What is not there has no entry. Attributes are passed over, and so is a signature behind the last `info`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from streams.formats import xml
from streams.formats.contract import FormatError
from streams.reasons import DeadReason

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = ("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE",
              "Other")
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
URI = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*:|[^:/?#]*([/?#]|\Z)).*", re.DOTALL)
INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
FARTHEST = timedelta(hours=14)
NO_LANGUAGE = "en-US"
"""What an empty `language`, or none, means."""
BLANKS = " \t\r\n"
Record: TypeAlias = dict[str, Any]


class Part(msgspec.Struct, frozen=True):
    """An element within another: how often it stands there, and what it holds.

    `words` are the only ones; `form` is time, language, uri, decimal or integer, "" for any text; `parts` are its own.
    """

    name: str
    needed: bool = False
    many: bool = False
    words: tuple[str, ...] = ()
    form: str = ""
    parts: tuple[Part, ...] = ()


def _pairs(name: str) -> Part:
    return Part(name, many=True, parts=(Part("valueName", True), Part("value", True)))


RESOURCE = (
    Part("resourceDesc", True), Part("mimeType", True), Part("size", form="integer"), Part("uri", form="uri"),
    Part("derefUri"), Part("digest"),
)
AREA = (
    Part("areaDesc", True), Part("polygon", many=True), Part("circle", many=True), _pairs("geocode"),
    Part("altitude", form="decimal"), Part("ceiling", form="decimal"),
)
INFO = (
    Part("language", form="language"), Part("category", True, True, CATEGORIES), Part("event", True),
    Part("responseType", many=True, words=RESPONSES), Part("urgency", True, words=URGENCIES),
    Part("severity", True, words=SEVERITIES), Part("certainty", True, words=CERTAINTIES), Part("audience"),
    _pairs("eventCode"), Part("effective", form="time"), Part("onset", form="time"), Part("expires", form="time"),
    Part("senderName"), Part("headline"), Part("description"), Part("instruction"), Part("web", form="uri"),
    Part("contact"), _pairs("parameter"), Part("resource", many=True, parts=RESOURCE),
    Part("area", many=True, parts=AREA),
)
ALERT = (
    Part("identifier", True), Part("sender", True), Part("sent", True, form="time"),
    Part("status", True, words=STATUSES), Part("msgType", True, words=TYPES), Part("source"),
    Part("scope", True, words=SCOPES), Part("restriction"), Part("addresses"), Part("code", many=True), Part("note"),
    Part("references"), Part("incidents"), Part("info", many=True, parts=INFO),
)


def read(root: xml.Element) -> Record:
    """The record of an alert; FormatError not_cap where it does not fit the schema: it says where, and why."""
    if (root.namespace, root.name) != (NAMESPACE, "alert"):
        raise refused(f"the root is no `alert` of {NAMESPACE}")
    children = root.children
    while children and children[-1].namespace == SIGNATURE:
        children = children[:-1]
    return _inside(root, children, ALERT, "alert")


def write(record: Mapping[str, Any]) -> bytes:
    """The alert as XML, in the schema's order; what the tables do not know is not written."""
    return (xml.DECLARATION + xml.element("alert", _written(record, ALERT), NAMESPACE) + "\n").encode()


def instant(text: str) -> datetime:
    """A time as CAP writes it, with its offset; ValueError if it is none."""
    found = datetime.fromisoformat(text) if TIME.fullmatch(text) else None
    offset = None if found is None else found.utcoffset()
    if found is None or offset is None or abs(offset) > FARTHEST:
        raise ValueError("no time with an offset, such as 2026-07-01T10:00:00-00:00")
    return found


def refused(text: str) -> FormatError:
    """Why this is no alert of CAP."""
    return FormatError(DeadReason.NOT_CAP, f"not CAP 1.2: {text}")


def _inside(parent: xml.Element, children: list[xml.Element], parts: tuple[Part, ...], path: str) -> Record:
    """What an element holds, each child in its turn."""
    if parent.text.strip(BLANKS):
        raise refused(f"{path} holds text between its elements")
    record: Record = {}
    position = 0
    for child in children:
        part = _next(child, parts[position:], path)
        position = parts.index(part) + (not part.many)
        found = record.setdefault(part.name, [])
        found.append(_value(child, part, f"{path}/{part.name}"))
    lacking = [part.name for part in parts if part.needed and part.name not in record]
    if lacking:
        raise refused(f"{path} lacks {', '.join(lacking)}")
    many = {part.name for part in parts if part.many}
    return {name: found if name in many else found[0] for name, found in record.items()}


def _next(child: xml.Element, parts: tuple[Part, ...], path: str) -> Part:
    """The part that a child is, of those that may still come."""
    if child.namespace != NAMESPACE:
        raise refused(f"{path} holds an element of another namespace")
    part = next((one for one in parts if one.name == child.name), None)
    if part is None:
        raise refused(f"{path} holds an element that is not known, stands there twice or stands too late")
    return part


def _value(child: xml.Element, part: Part, path: str) -> Any:
    if part.parts:
        return _inside(child, child.children, part.parts, path)
    if child.children:
        raise refused(f"{path} holds elements, where a text must stand")
    if part.words and child.text not in part.words:
        raise refused(f"{path} is none of {', '.join(part.words)}")
    text = child.text.strip(BLANKS) if part.form else child.text
    if part.form == "language" and not child.text:
        return NO_LANGUAGE
    if not _fits(text, part.form):
        more = " with an offset such as -00:00 (`Z` is none)" if part.form == "time" else ""
        raise refused(f"{path} is no {part.form}{more}")
    return text


def _fits(text: str, form: str) -> bool:
    if form == "time":
        try:
            instant(text)
        except ValueError:
            return False
        return True
    pattern = {"language": LANGUAGE, "decimal": DECIMAL, "integer": INTEGER, "uri": URI}.get(form)
    return pattern is None or pattern.fullmatch(text) is not None


def _written(record: Mapping[str, Any], parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if part.name in record:
            found = record[part.name]
            for one in found if part.many else (found,):
                yield xml.element(part.name, _written(one, part.parts) if part.parts else one)
