"""CAP 1.2, the Common Alerting Protocol of OASIS: a city's incoming alerts read, our own written.

A record has CAP's own names (`grammar`), and `point` with `lat` and `lon` where the alert says where it is. What is
read must fit the schema; what it means (`meaning`) is the sender's affair. `telling` makes alerts of ours into CAP.
"""

from __future__ import annotations

from typing import Any

from streams.formats import xml
from streams.formats.cap import grammar, meaning
from streams.formats.contract import Headers


def decode(value: bytes, headers: Headers) -> dict[str, Any]:
    """The alert; headers say nothing here. FormatError too_large, too_deep, not_xml or not_cap."""
    record = grammar.read(xml.parse(value))
    point = meaning.point_of(record)
    return record if point is None else {**record, "point": {"lat": point[0], "lon": point[1]}}
