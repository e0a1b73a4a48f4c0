"""A small folder of rules for the tests of the language server, and texts in which `|` is the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from streams.tools.lsp.checking import Checked, checked
from streams.tools.lsp.folder import Folder

TODAY = date(2026, 7, 1)
FILES = {
    "city.yaml": "kind: city\nname: test\nzone: Europe/Berlin\ndistricts: [east, west]\n",
    "events.yaml": """\
kind: event_type
id: sensor.gas
title: A gas reading
description: what a detector measured
fields:
  device: {type: string, required: true, register: sensors}
  substance: {type: string, enum: [chlorine, methane], description: which gas}
  ppm: {type: double, unit: ppm}
  indoors: bool
---
kind: event_type
id: sensor.rain
fields: {device: string, mm: double}
---
kind: event_type
id: lift.trapped
fields: {incident: string, lift: string}
""",
    "sources.yaml": """\
kind: source
id: sensors
topic: city.sensors
format: json
open: true
event: {id: record.id, type: record.type, time: record.time, place: {lat: record.lat, lon: record.lon},
        fields: {device: record.device}}
""",
    "registers/sensors.yaml": """\
kind: register
id: sensors
key: device
fields: {device: {type: string}, report_interval: {type: duration}, team: {type: string, description: who mends it}}
""",
    "registers/sensors.csv": "device,report_interval,team\nd1,10m,north\n",
    "lists.yaml": """\
kind: list
id: known_leaks
title: Leaks that are known
values: [d1, d2]
---
kind: macro
id: strong
description: a reading that matters
parameters: {level: double}
expression: level >= 20.0
""",
    "detect/gas.yaml": """\
kind: threshold
id: gas-often
title: Gas, again and again
event: sensor.gas
where: ppm >= 20.0 && !(device in lists.known_leaks)
by: device
window: 10m
condition: {gte: 3}
severity: moderate
owner: gas-works
""",
    "areas/school.geojson": (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "school-12", "properties": {}, '
        '"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}}]}\n'
    ),
}


def written(directory: Path, more: Mapping[str, str] | None = None) -> Path:
    """The files in a folder."""
    for path, text in {**FILES, **(more or {})}.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


def check(directory: Path, opened: Mapping[str, str] | None = None) -> Checked:
    """The first check of a folder; `opened` are texts in place of the files."""
    return checked(directory, opened or {}, Folder(), TODAY)


def cut(text: str) -> tuple[str, int]:
    """The text without its cursor, and where that is."""
    offset = text.index("|")
    return text[:offset] + text[offset + 1 :], offset
