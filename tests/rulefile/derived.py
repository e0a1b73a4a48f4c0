"""A small city for rules that are made of others, and helpers to look at what became of them."""

from __future__ import annotations

from streams.ingest.route import Router
from streams.problems import Problem
from streams.records import Event, Place
from streams.rulefile import check_files, workshop_of
from streams.rulefile.workshop import Workshop
from streams.rules import Bundle

CITY = """
kind: city
districts: [west, east]
---
kind: event_type
id: crash
fields: {road: string, speed: double}
---
kind: event_type
id: cleared
fields: {road: string}
---
kind: event_type
id: level
fields: {device: string, cm: double}
---
kind: register
id: gauges
key: device
fields: {device: string, limit: double, every: duration, district: string, team: string}
---
kind: source
id: feed
topic: feed
format: json
open: false
event: {id: record.id, type: record.type, time: record.time}
"""
GAUGES = b"device,limit,every,district,team\nG 1,30,10m,west,a\nG-2,40.5,1h,east,b\nG-3,,,,\n"


def files(rules: str = "", **more: str) -> dict[str, bytes]:
    """The city with rules; `more` are files by their path, with `__` for `/`."""
    others = {f"{name.replace('__', '/')}.yaml": text.encode() for name, text in more.items()}
    ours = {"rules.yaml": rules.encode()} if rules else {}
    return {"city.yaml": CITY.encode(), "gauges.csv": GAUGES, **ours, **others}


def made(rules: str = "", **more: str) -> Bundle:
    """The bundle; fails with the problems as their author sees them."""
    bundle, problems = check_files(files(rules, **more))
    assert bundle is not None, "\n".join(one.render() for one in problems)
    return bundle


def shop(rules: str = "", **more: str) -> Workshop:
    """The same with the documents behind it."""
    return workshop_of(files(rules, **more))


def told(rules: str = "", **more: str) -> list[Problem]:
    """What stops a load, and what is only to be known."""
    return check_files(files(rules, **more))[1]


def wanted(bundle: Bundle, event: Event) -> list[str]:
    """The rules that take an event."""
    return sorted(ref.rpartition("@")[0] for ref, *_ in Router(bundle).route(event))


def event(type: str = "crash", district: str | None = None, **fields: object) -> Event:
    """An event in a district."""
    place = None if district is None else Place(district=district)
    return Event("1", "feed", type, 0, 0, place, None, dict(fields), 0, 0)
