"""What an alert shows of its findings is the same whether they came one by one or all at once."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.findings import Finding
from streams.judging.episodes import EVIDENCE_LIMIT
from streams.reasons import HeldReason
from streams.records import unpacked
from streams.respond import Respond
from streams.respond.picture import Picture, View, is_instant, view_of
from streams.respond.rows import AlertState, Part
from streams.respond.slots import Slot
from streams.respond.state import HEAD
from tests.responses import bundle, finding, rule, tell


def slowly(parts: Collection[Finding]) -> View:
    """The meaning, said with all findings at hand."""
    lead = max(parts, key=lambda part: part.count)
    open_first = sorted(parts, key=lambda part: part.closed is not None)
    last = open_first[0] if open_first[0].closed is None else max(parts, key=lambda part: part.closed or 0)
    union = list(dict.fromkeys(event for part in parts for event in part.evidence))
    return View(
        min(part.opened for part in parts), last.closed, all(is_instant(part) for part in parts), lead.value,
        max(len(union), lead.count), union[:EVIDENCE_LIMIT], lead.bound, lead.key, lead.facts,
        sum(part.corrections for part in parts), last.ended)


@st.composite
def contents(draw: st.DrawFn) -> Finding:
    opened = draw(st.integers(0, 5))
    ended = draw(st.sampled_from(["", "no_data", HeldReason.RULE_REMOVED.value]))
    first, many = draw(st.integers(0, 150)), draw(st.integers(1, 60))
    return finding(
        draw(st.sampled_from("abc")), opened=opened, closed=draw(st.sampled_from([None, opened, opened + 1, 9])),
        evidence=" ".join(f"e{number}" for number in range(first, first + many)), value=draw(st.integers(0, 3)),
        count=many + draw(st.sampled_from([0, 0, 50])), corrections=draw(st.integers(0, 2)), ended=ended)


STEPS = st.lists(st.tuples(st.integers(0, 6), st.none() | contents()), max_size=40)


@given(STEPS)
def test_what_came_one_by_one_is_seen_as_if_it_came_at_once(steps: list[tuple[int, Finding | None]]) -> None:
    picture, parts = Picture(), dict[int, Finding]()
    youngest = -1
    for choice, content in steps:
        known = sorted(parts)
        number = known[choice] if choice < len(known) else youngest + 1
        if content is not None:
            picture.put(number, content)
            parts[number] = content
            youngest = max(youngest, number)
        elif number in parts:
            picture.remove(number)
            del parts[number]
        if parts:
            ordered = [parts[one] for one in sorted(parts)]
            assert picture.view() == slowly(ordered) == view_of(ordered)


def test_alerts_that_were_kept_with_their_parts_are_read() -> None:
    fold = Respond(bundle(rule("crash", spec={"near": 100.0})))
    tell(fold, finding("a", evidence="e1 e2"), finding("b", evidence="e2 e3"))
    again = Respond(fold.bundle)
    again.restore(with_parts(fold.state()))
    closings = [finding(name, 2, "closed", closed=9, evidence=proof) for name, proof in (("a", "e1 e2"), ("b", "e2"))]
    assert tell(again, *closings) == tell(fold, *closings) == ["audit unchanged", "alerts resolved 3"]
    assert again.snapshot() == fold.snapshot()


def with_parts(rows: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The rows of a state as they were before parts had rows."""
    values = {name: msgspec.msgpack.decode(unpacked(row), type=Slot) for name, row in rows.items() if name != HEAD}
    parts = {name: values.pop(name) for name in list(values) if name.startswith(b"part/")}
    found = sorted((msgspec.msgpack.decode(slot.new or b"", type=Part) for slot in parts.values()),
                   key=lambda part: part.number)
    for name, slot in values.items():
        if name.startswith(b"alert/"):
            alert = msgspec.msgpack.decode(slot.new or b"", type=AlertState)
            alert.parts = {part.finding.id: part.finding for part in found if part.alert == alert.id}
            values[name] = Slot(slot.stamp, msgspec.msgpack.encode(alert), None)
    return {HEAD: rows[HEAD]} | {name: msgspec.msgpack.encode(slot) for name, slot in values.items()}
