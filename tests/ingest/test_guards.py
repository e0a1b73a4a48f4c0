"""Guards: what is off duty or covered by an exception stays out, by the event's own time, and is counted."""

from __future__ import annotations

from typing import Any

import pytest

from streams.clocks import DAY, HOUR
from streams.conditions import compile_expression, event_scope, key_scope
from streams.findings import Finding
from streams.ingest.guards import outlived
from streams.ingest.route import Router
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from streams.records import Event
from streams.rules import Bundle, City, EventType, Exemption, FieldType, Guard, Rule, Selector
from streams.schedules import Duty, Schedule

TYPE = EventType("a.x", fields={"road": FieldType("road", "string")})
SCOPE = event_scope([TYPE])
ROAD = compile_expression("road", SCOPE)
MORNING = Schedule([Duty(begin=6 * 60, end=12 * 60)])


def exemption(name: str, where: str, expires: int = DAY) -> Exemption:
    return Exemption(name, compile_expression(where, SCOPE, "bool"), expires, "works", "roads")


def router(*guards: Guard | None) -> Router:
    selectors = tuple(Selector(("a.x",), None, (ROAD,), guard) for guard in guards)
    rule = Rule("r", "match", "r", selectors, ("road",), Match(HoldOptions()), "x", frozenset(["s"]))
    return Router(Bundle("b", City(), {"a.x": TYPE}, {}, {}, {}, {"r": rule}))


def event(time: int, **fields: Any) -> Event:
    return Event("1", "s", "a.x", time, 5 * DAY, None, None, fields or {"road": "Ring"}, 0, 7)


def roles(made: Router, time: int, **fields: Any) -> list[int]:
    return [member.roles for _, _, member in made.route(event(time, **fields))]


def test_off_duty_by_the_time_of_the_event_not_of_its_receipt() -> None:
    made = router(Guard(MORNING))
    assert roles(made, 6 * HOUR) == [1]
    assert roles(made, 12 * HOUR) == []
    assert dict(made.counts) == {("off_duty", "r"): 1}


def test_an_exception_ends_with_the_first_microsecond_of_its_day() -> None:
    made = router(Guard(None, (exemption("works", 'road == "Ring"'),)))
    assert roles(made, DAY - 1) == []
    assert roles(made, DAY) == [1]
    assert roles(made, 0, road="Main") == [1]
    assert dict(made.counts) == {("excepted", "r"): 1}
    assert dict(made.guardian.exceptions) == {
        ("exception_applied", "r", "works"): 1, ("exception_expired", "r", "works"): 1}


def test_every_exception_that_covers_is_counted_by_its_name() -> None:
    made = router(Guard(None, (exemption("works", 'road == "Ring"'), exemption("all", "road != ''"),
                               exemption("old", 'road == "Ring"', -1))))
    assert roles(made, 0) == []
    assert dict(made.guardian.exceptions) == {
        ("exception_applied", "r", "works"): 1, ("exception_applied", "r", "all"): 1,
        ("exception_expired", "r", "old"): 1}


def test_one_that_cannot_be_evaluated_covers_nothing_and_is_counted() -> None:
    made = router(Guard(None, (exemption("works", 'road == "Ring"'),)))
    assert roles(made, 0, lane="left") == []  # and has no key
    assert dict(made.counts) == {("condition_failed", "r"): 1, ("no_key", "r"): 1}


def test_off_duty_no_exception_is_asked() -> None:
    made = router(Guard(MORNING, (exemption("works", "road == 'Ring'"),)))
    assert roles(made, 0) == []
    assert not made.guardian.exceptions


def test_of_several_selectors_only_the_guarded_one_is_closed() -> None:
    made = router(Guard(MORNING), None)
    assert roles(made, 7 * HOUR) == [3]
    assert roles(made, 0) == [2]


def test_a_guard_that_blocks_nothing_counts_only() -> None:
    made = router(Guard(None, (exemption("repair", "road == 'Ring'"),), blocks=False))
    assert roles(made, 0) == [1]
    assert dict(made.guardian.exceptions) == {("exception_applied", "r", "repair"): 1}
    assert not made.counts


@pytest.mark.parametrize(("opened", "road", "expected"), [
    (DAY, "Ring", [("exception_expired", "r", "repair")]), (DAY - 1, "Ring", []), (DAY, "Main", [])])
def test_what_an_expired_exception_no_longer_keeps_back_is_counted(
        opened: int, road: str, expected: list[tuple[str, str, str]]) -> None:
    over_key = Exemption("repair", compile_expression("road == 'Ring'", key_scope({"road": "string"}), "bool"), DAY,
                         "repair", "roads")
    selector = Selector(("a.x",), None, (ROAD,), Guard(blocks=False))
    rule = Rule("r", "absence", "r", (selector,), ("road",), Match(HoldOptions()), "x", frozenset(["s"]),
                exemptions=(over_key,))
    finding = Finding("f", 1, "opened", "r", "x", {"road": road}, opened, None, None, [], 0)
    assert list(outlived(rule, finding)) == expected
