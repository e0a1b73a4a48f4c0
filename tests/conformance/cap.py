"""CAP 1.2 against the schema of OASIS: what it takes we read, what it refuses we refuse, what we write it takes.

The cases are one alert with everything in it, changed in every place in every way that is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from lxml import etree

from streams.formats import FormatError, decoder
from streams.formats.cap.grammar import NAMESPACE, write
from tests.conformance.counts import Counts

SCHEMA = "CAP-v1.2.xsd"
TEXTS = (
    "", " ", "Actual", " Met ", "2026-07-01T10:00:00Z", "2026-07-01T10:00:00+08:00", " 2026-07-01T10:00:00-00:00\n",
    "2026-02-30T10:00:00+00:00", "2026-07-01T10:00:00+15:00", "2026-07-01T10:00:00,08:00", "2026-07-01", "1.5", "-2",
    "+.5", "1e3", "en_US", "zh-Hans-CN", "\u4f60\u597d",
)
PAIRS = [{"valueName": "a", "value": "b"}, {"valueName": "", "value": "c"}]
WHOLE: dict[str, Any] = {
    "identifier": "i1", "sender": "s@city.example", "sent": "2026-07-01T10:00:00+08:00", "status": "Actual",
    "msgType": "Update", "source": "x", "scope": "Restricted", "restriction": "r", "addresses": "a b",
    "code": ["c", "d"], "note": "n", "references": "s@city.example,i0,2026-07-01T09:00:00+08:00", "incidents": "k",
    "info": [{
        "language": "en-US", "category": ["Fire", "Infra"], "event": "e", "responseType": ["Avoid", "AllClear"],
        "urgency": "Immediate", "severity": "Severe", "certainty": "Observed", "audience": "all", "eventCode": PAIRS,
        "effective": "2026-07-01T10:00:00+08:00", "onset": "2026-07-01T09:50:00+08:00",
        "expires": "2026-07-02T10:00:00+08:00", "senderName": "City", "headline": "h", "description": "d<&>",
        "instruction": "i", "web": "https://city.example/a", "contact": "c", "parameter": PAIRS,
        "resource": [{"resourceDesc": "map", "mimeType": "image/png", "size": "12", "uri": "https://city.example/m.png",
                      "derefUri": "AAAA", "digest": "00"}],
        "area": [{"areaDesc": "west", "polygon": ["1,1 1,2 2,2 1,1"], "circle": ["1.5,1.5 0.25"], "geocode": PAIRS,
                  "altitude": "10", "ceiling": "20.5"}],
    }, {"category": ["Other"], "event": "e", "urgency": "Past", "severity": "Unknown", "certainty": "Likely"}],
}
ATTRIBUTES = "attributes are passed over, as those of a signature or of a sender's own would be"


def run(path: Path) -> Counts:
    """All cases, against the schema in this folder, or in this file."""
    schema = etree.XMLSchema(etree.parse(path / SCHEMA if path.is_dir() else path))
    counts = Counts()
    for family, name, value in cases():
        wanted = bool(schema.validate(etree.fromstring(value)))
        fits = read(value) == wanted
        why = f"the schema {'takes' if wanted else 'refuses'} it, we do not"
        counts.add(family, name, fits, ATTRIBUTES if family == "attribute" else None, "" if fits else why)
    return counts


def read(value: bytes) -> bool:
    """Whether it is an alert to us."""
    try:
        decoder("cap")(value, {})
    except FormatError:
        return False
    return True


def cases() -> Iterator[tuple[str, str, bytes]]:
    """(family, id, alert): first the whole, then with each element changed."""
    whole = etree.fromstring(write(WHOLE))
    yield "whole", "whole", etree.tostring(whole)
    for number, one in enumerate(whole.iter()):
        name = f"{number}/{etree.QName(one).localname}"
        for family, change in _changes(one):
            changed = deepcopy(whole)
            change(list(changed.iter())[number])
            yield family, f"{family}/{name}", etree.tostring(changed)


def _changes(one: Any) -> Iterator[tuple[str, Any]]:
    if one.getparent() is not None:
        yield "without", lambda it: it.getparent().remove(it)
        yield "twice", lambda it: it.addnext(deepcopy(it))
        yield "last", lambda it: it.getparent().append(it)
        yield "between", lambda it: setattr(it, "tail", "text")
        yield "first", lambda it: it.getparent().insert(0, it)
    yield "renamed", lambda it: setattr(it, "tag", f"{{{NAMESPACE}}}unheard")
    yield "namespace", lambda it: setattr(it, "tag", etree.QName(it).localname)
    yield "inner", lambda it: etree.SubElement(it, f"{{{NAMESPACE}}}value")
    yield "signed", lambda it: etree.SubElement(it, "{http://www.w3.org/2000/09/xmldsig#}Signature")
    yield "attribute", lambda it: it.set("lang", "en")
    for text in TEXTS:
        yield f"text {text!r}", lambda it, text=text: setattr(it, "text", text)
