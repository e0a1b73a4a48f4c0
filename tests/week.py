"""A simulated week of the made-up city for every home of the rules: files, rule files, and what must come out.

A tenth of the people; devices are heard only within hours of what is planted into them, so the week is
folded in seconds. At its end each feed sends one record of some days later: all that waits is concluded.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from streams.clocks import DAY, HOUR, WEEK
from streams.composites import bases
from streams.findings import RETRACTED, Finding
from streams.ingest.intake import Intake
from streams.ingest.route import Router
from streams.records import Event, Micros, Place
from streams.rulefile import load
from streams.rulefile.selection import fits
from streams.rules import Bundle, Rule
from streams.tools.backtest import Backtest
from streams.tools.playing import alone, play
from streams.tools.replay import batches
from streams.tools.simulate import Incident, Record, Span, simulate, span
from streams.tools.simulate.spelling import FEEDS
from streams.tools.simulate.stage import Spell
from streams.tools.timeline import Arrival
from tests.conftest import ROOT

MONDAY, DAYS, SCALE, SEED = date(2026, 3, 2), 7.0, 0.1, 1
AROUND, AFTER = 5 * HOUR, 4 * DAY
LAST_WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "calls": ("call.ems.seizures", {"title": "EMS: SEIZURES", "street": "", "priority": 1, "caller": "x"}),
    "lifts": ("lift.fault", {"device": "LF-END", "fault": "door"}),
    "dispatch": ("dispatch.cancelled", {"incident": "end"}),
    "sensors": ("sensor.gas", {"device": "GD-001", "substance": "methane", "ppm": 1.0}),
    "meters": ("meter.noise", {"device": "NM-001", "laeq_db": 40.0}),
    "hotline": ("request.information", {"request": "end"}),
    "cameras": ("camera.smoke", {"street": "", "confidence": 0.1}),
    "signals": ("signal.state", {"device": "TS end", "state": "normal"}),
    "grid": ("grid.breaker", {"device": "FD-END", "state": "closed"}),
    "reports": ("report.burglary", {"premises": "home", "street": ""}),
    "buildings": ("building.door", {"device": "FX-END", "state": "closed"}),
}
Episode = tuple[Any, ...]


class Week:
    """The week's files in a folder, and the rules as a service reads them there.

    `prefix` stands before the topics of the city. No clock follows the wall: the week is long past.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self.span: Span = span(SEED, MONDAY, DAYS, SCALE)
        self.inputs = sorted((name, folder / feed.file) for name, feed in FEEDS.items())
        self._write(folder)
        self.rules = _rules(folder / "rules", prefix)
        self.bundle: Bundle = load(self.rules)

    @property
    def incidents(self) -> list[Incident]:
        """What is planted into the week."""
        return self.span.incidents

    def backtest(self) -> list[Finding]:
        """The last word on each finding of a backtest."""
        return Backtest(self.bundle, self.inputs).final()

    def known(self, found: Iterable[Finding]) -> list[Finding]:
        """The findings of the week itself; what only the last words close is open."""
        return [one if one.closed is None or one.closed < self.span.end else msgspec.structs.replace(one, closed=None)
                for one in found if one.opened < self.span.end and one.change != RETRACTED]

    def accepted(self) -> list[Event]:
        """The events that ingest accepts, in order of arrival; their offsets count them."""
        router = Router(self.bundle)
        intakes = {name: Intake(self.bundle, self.bundle.sources[name], router) for name, _ in self.inputs}
        rows = [row for name, records in batches(self.bundle, self.inputs, "arrival")
                for row in intakes[name].take(records).events]
        return [msgspec.structs.replace(row.event, offset=number) for number, row in enumerate(rows)]

    def tested(self) -> Iterator[tuple[Rule, list[Finding]]]:
        """Each rule with what `tocsin test` finds in the week, as if it stood there as a time line.

        But the feeds of the week are not always awake: their silences count.
        """
        of_type: dict[str, list[Event]] = defaultdict(list)
        for event in self.accepted():
            of_type[event.type].append(event)
        for rule in self.bundle.rules.values():
            made = alone(self.bundle, rule)
            made = msgspec.structs.replace(made, rules={**made.rules, **{
                one.id: one for one in bases(self.bundle, rule)}})
            patterns = [type for one in made.rules.values() for chosen in one.selectors for type in chosen.types]
            mine = [event for type, events in of_type.items() if any(fits(pattern, type) for pattern in patterns)
                    for event in events]
            mine.sort(key=lambda event: event.offset)
            yield rule, play(made, rule, [Arrival(event.received, event) for event in mine], self.span.start)

    def _write(self, folder: Path) -> None:
        with ExitStack() as stack:
            files = {name: stack.enter_context((folder / feed.file).open("wb")) for name, feed in FEEDS.items()}
            for name, feed in FEEDS.items():
                files[name].write(feed.head)
            for record in self._records():
                files[record.source].write(record.body + b"\n")

    def _records(self) -> Iterator[Record]:
        spells: dict[str, list[tuple[Micros, Micros]]] = defaultdict(list)
        for spell in (spell for story in self.span.stories for spell in story.spells):
            spells[spell.device].append((spell.start - AROUND, spell.end + AROUND))
            for gauge in self._beside(spell):
                spells[gauge].append((spell.start - AROUND, spell.end + AROUND))
        reporting = {device.id for device in self.span.city.reporting if device.kind != "panel"}
        for record in simulate(SEED, MONDAY, DAYS, SCALE):
            device = _device(record)
            time = record.event.time if record.event is not None else 0
            if device not in reporting or any(start <= time < end for start, end in spells[device]):
                yield record
        yield from (self._last(name) for name in FEEDS)

    def _beside(self, spell: Spell) -> list[str]:
        """Who is heard of beside a device that is silent: else its whole district would be."""
        city = self.span.city
        where = {one.district for one in city.sensors if one.id == spell.device}
        return [] if spell.values is not None else [one.id for one in city.devices("rain") if one.district in where]

    def _last(self, source: str) -> Record:
        time = self.span.end + AFTER
        type, fields = LAST_WORDS[source]
        place = self.span.city.streets[0]
        where = Place(place.lat, place.lon, place.district)
        event = Event(f"{source}-end", source, type, time, time, where, None, fields, 0, 0)
        return Record(source, time, FEEDS[source].spell(event), event)


def outlasts_a_week(rule: Rule) -> bool:
    """Whether a week is too short for a rule: to learn what is normal, or to see the end of what it finds."""
    return bool(rule.spec.get("baseline")) or rule.detector.horizon > WEEK


def episodes(found: Iterable[Finding]) -> set[Episode]:
    """Rule, key, opening, closing, value and evidence of each finding.

    Where findings are the evidence they stand for what they say: their ids belong to the log they were born in.
    """
    known = list(found)
    names = {one.id: f"{one.rule} {one.key} {one.opened}" for one in known}
    return {(one.rule, str(one.key), one.opened, one.closed, repr(one.value),
             tuple(sorted(names.get(id, id) for id in one.evidence)), one.count) for one in known}


def _device(record: Record) -> str:
    if record.event is None:
        return ""
    return str(record.event.fields.get("device") or record.event.fields.get("zone") or "")


def _rules(folder: Path, prefix: str) -> Path:
    shutil.copytree(ROOT / "rules", folder)
    (folder / "sources" / "montco911.yaml").unlink()
    for path in (folder / "sources").glob("*.yaml"):
        text = re.sub(r"^idle: .*\n", "", path.read_text(), flags=re.MULTILINE)
        path.write_text(re.sub(r"^topic: (.*)$", rf"topic: {prefix}\1\nidle: off", text, flags=re.MULTILINE))
    return folder
