"""A storm day: ten times the calls; who is on duty reads at most a tenth of what is found, and nothing is missing."""

from __future__ import annotations

import heapq
from collections import Counter
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from streams.actions import Action
from streams.clocks import AFTER_ALL, HOUR, MINUTE, SECOND
from streams.findings import OPENED, ActionRow, Finding, FindingRow, ResponseFrame, Row, TickRow
from streams.records import Micros
from streams.respond import Respond
from streams.rulefile import load
from streams.rules import Bundle
from streams.tools.backtest import Backtest
from streams.tools.simulate import Incident, Span, arrivals, span
from streams.tools.simulate.spelling import FEEDS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

TIMES = 10.0
UNITS = ((30 * SECOND, "accept"), (5 * MINUTE, "arrive"), (30 * MINUTE, "dispose"))
Event = dict[str, Any]


class Desk:
    """respond, and units that take on every case soon after it is theirs."""

    def __init__(self, bundle: Bundle) -> None:
        self.fold = Respond(bundle)
        self.events: dict[str, list[Event]] = {}
        self._coming: list[tuple[Micros, str, str]] = []

    def hear(self, finding: Finding, number: int) -> None:
        """A finding is told, after all that units did by then."""
        at = finding.at if finding.at < AFTER_ALL else finding.opened
        while self._coming and self._coming[0][0] <= at:
            moment, case, name = heapq.heappop(self._coming)
            done = Action(f"{case}/{name}", moment, "crew", ("unit",), f"case.{name}", case, "", details={"code": "1"})
            self._take(ActionRow(done), moment)
        self._take(FindingRow("told", 0, number, 0, finding), at)

    def end(self, at: Micros) -> None:
        """The day is over."""
        self._take(TickRow(at), at)

    def _take(self, row: Row, at: Micros) -> None:
        for one in self.fold.step(self.fold.offset + 1, ResponseFrame([row])):
            event = orjson.loads(one.value)
            self.events.setdefault(one.topic, []).append(event)
            if event["type"] == "tocsin.case.dispatched":
                for after, name in UNITS:
                    heapq.heappush(self._coming, (at + after, event["subject"], name))


class Storm:
    """The day's findings, and what becomes of them."""

    def __init__(self, folder: Path) -> None:
        self.span: Span = msgspec.structs.replace(span(1, date(2026, 3, 2)), scale=TIMES)
        _write(self.span, folder)
        bundle = load(ROOT / "rules")
        told = Backtest(bundle, sorted((name, folder / feed.file) for name, feed in FEEDS.items())).emissions()
        self.findings: list[Finding] = []
        desk = Desk(bundle)
        for number, one in enumerate(told):
            desk.hear(one, number)
            if one.change == OPENED and not one.shadow:
                self.findings.append(one)
        desk.end(self.span.end + HOUR)
        self.notifications = [one["data"] for one in desk.events["notifications"]]
        self.heirs: dict[str, str] = {}
        self.alerts: dict[str, set[str]] = {}  # by finding: the alerts that it made news of
        for event in desk.events["alerts"]:
            self.alerts.setdefault(event.get("causationid", "").partition("/")[0], set()).add(event["subject"])
            if event["data"].get("merged_into"):
                self.heirs[event["subject"]] = event["data"]["merged_into"]

    def told(self) -> tuple[set[str], Counter[str]]:
        """The alerts that notifications name, or the one that each is part of by now; and what digests count."""
        counted: Counter[str] = Counter()
        for one in self.notifications:
            counted.update((one["digest"] or {}).get("rules", {}))
        named = {alert["alert"] for one in self.notifications for alert in one["alerts"]}
        return named | {self._heir(alert) for alert in named}, counted

    def alerts_of(self, incident: Incident) -> set[str]:
        """The alerts that stand for what was found of a planted incident."""
        found = {one.id for one in self.findings if one.rule == incident.rule and one.opened == incident.opened
                 and tuple(one.key.values()) == incident.key}
        return {self._heir(alert) for one in found for alert in self.alerts.get(one, ())}

    def _heir(self, alert: str) -> str:
        while alert in self.heirs:
            alert = self.heirs[alert]
        return alert


def _write(wanted: Span, folder: Path) -> None:
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / feed.file).open("wb")) for name, feed in FEEDS.items()}
        for name, feed in FEEDS.items():
            files[name].write(feed.head)
        for record in arrivals(wanted):
            files[record.source].write(record.body + b"\n")


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Storm:
    return Storm(tmp_path_factory.mktemp("storm"))


def test_who_is_on_duty_reads_a_tenth_of_what_is_found_and_nothing_that_was_planted_is_missing(storm: Storm) -> None:
    readers = Counter(one["receiver"] for one in storm.notifications)
    named, counted = storm.told()
    found = [(one, storm.alerts_of(one)) for one in storm.span.incidents]
    print(f"{len(storm.findings)} findings; notifications: {dict(readers.most_common())}, {readers.total()} in all")
    assert [one for one, alerts in found if alerts and not alerts & named and not counted[one.rule]] == []
    assert sum(bool(alerts) for _, alerts in found) >= 80
    assert len(storm.findings) > 2000
    assert max(readers.values()) * 10 <= len(storm.findings)
    assert readers.total() * 5 <= len(storm.findings)
