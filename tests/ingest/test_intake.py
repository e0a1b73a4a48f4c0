"""ingest: every record has exactly one fate, whatever the cut, the restarts and the dirt."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import MINUTE, SECOND, parse_rfc3339
from streams.conditions import EvalError, Expression, Failure
from streams.frames import AcceptedRow, ClockRow, MemberRow
from streams.ingest.intake import RECORD_LIMIT, Intake, Record, Taken, summary
from streams.ingest.route import Router
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from streams.reasons import DeadReason, Fate
from streams.rules import (
    Bundle,
    City,
    EventType,
    FieldType,
    RecordMapping,
    Rule,
    Selector,
    Source,
    TimeMapping,
)

T0 = parse_rfc3339("2026-03-02T08:00:00Z")


def reads(path: str) -> Expression:
    """An expression that reads one path of a record, or of an event's fields."""

    def read(record: Any, row: int = 0) -> Any:
        found = record.fields if hasattr(record, "fields") else record
        if path not in found:
            raise EvalError(Failure.MISSING, f"no field {path}")
        return found[path]

    return Expression(path, "dyn", read)


def city(disorder: int = 10 * SECOND, lateness: int = MINUTE, idle: int | None = None) -> Bundle:
    mapping = RecordMapping(reads("id"), reads("type"), TimeMapping(reads("time")),
                            fields={"level": reads("level"), "name": reads("name")})
    source = Source("s", "city.s", "json", mapping, disorder=disorder, lateness=lateness, idle=idle)
    kind = EventType("a", fields={"level": FieldType("level", "int", required=True),
                                  "name": FieldType("name", "string", personal=True)})
    rule = Rule("r", "match", "r", (Selector(("a",), None, (reads("name"),)),), ("name",), Match(HoldOptions()), "x",
                frozenset(["s"]))
    return Bundle("b", City(), {"a": kind}, {"s": source}, {}, {}, {"r": rule})


def intake(bundle: Bundle | None = None, work_partitions: int = 1) -> Intake:
    bundle = bundle if bundle is not None else city()
    return Intake(bundle, bundle.sources["s"], Router(bundle), work_partitions=work_partitions, personal_key=b"secret")


def record(offset: int, stamp: int = T0, headers: dict[str, bytes] | None = None, **fields: Any) -> Record:
    return Record(offset, stamp, orjson.dumps(fields), headers or {})


def good(offset: int, at: int = 0, **fields: Any) -> Record:
    from streams.clocks import rfc3339

    base = {"id": f"e{offset}", "type": "a", "time": rfc3339(T0 + at), "level": 1, "name": "Li"}
    return record(offset, T0 + at, **{**base, **fields})


BAD: dict[str, tuple[Record, DeadReason]] = {
    "not JSON": (Record(0, T0, b"{not json"), DeadReason.NOT_JSON),
    "not an object": (Record(0, T0, b"[1]"), DeadReason.NOT_AN_OBJECT),
    "not UTF-8": (Record(0, T0, b'{"id": "\xff\xfe"}'), DeadReason.NOT_UTF8),
    "5 MB": (Record(0, T0, b'{"id": "' + b"x" * 5_000_000 + b'"}'), DeadReason.TOO_LARGE),
    "missing time": (record(0, id="1", type="a", level=1), DeadReason.MISSING_TIME),
    "empty time": (good(0, time=""), DeadReason.MISSING_TIME),
    "bad time": (good(0, time="yesterday"), DeadReason.BAD_TIME),
    "before time": (good(0, time="0001-01-01T00:00:00Z"), DeadReason.BAD_TIME),
    "long id": (good(0, id="x" * 1001), DeadReason.TOO_LONG),
    "year 2099": (good(0, time="2099-01-01T00:00:00Z"), DeadReason.TIME_IN_FUTURE),
    "wrong type": (good(0, level="many"), DeadReason.WRONG_TYPE),
    "missing field": (good(0, level=None), DeadReason.MISSING_FIELD),
    "missing id": (good(0, id=""), DeadReason.MISSING_ID),
    "unknown type": (good(0, type="z"), DeadReason.UNKNOWN_TYPE),
    "unknown source": (record(0, headers={"source": b"other"}, id="1"), DeadReason.UNKNOWN_SOURCE),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_a_dead_letter_with_its_reason_and_the_stream_goes_on(name: str) -> None:
    bad, reason = BAD[name]
    fold = intake()
    taken = fold.take([bad, good(1)])
    assert [letter.reason for letter in taken.dead] == [reason]
    letter = taken.dead[0]
    assert (letter.source, letter.offset, letter.size) == ("s", 0, len(bad.value))
    assert letter.problem
    assert len(letter.record) <= 4 * 16_384
    assert [row.event.id for row in taken.events] == ["e1"]
    assert summary(fold.counts) == {"records": 2, "event": 1, "late": 0, "duplicate": 0, "dead": 1}


def test_personal_fields_are_hashed_and_equal_persons_stay_equal() -> None:
    taken = intake().take([good(0), good(1), good(2, name="Wang")])
    names = [row.event.fields["name"] for row in taken.events]
    assert names[0] == names[1] != names[2]
    assert "Li" not in names[0]
    assert b"Li" not in repr(taken.work).encode()


def test_late_is_decided_by_the_clock_before_the_record() -> None:
    fold = intake(city(disorder=10 * SECOND, lateness=20 * SECOND))
    taken = fold.take([good(0, 100 * SECOND), good(1, 70 * SECOND), good(2, 70 * SECOND - 1)])
    assert [row.event.id for row in taken.events] == ["e0", "e1"]
    assert [(row.event.id, row.clock) for row in taken.late] == [("e2", T0 + 90 * SECOND)]


def test_a_duplicate_is_one_within_lateness_only() -> None:
    fold = intake(city(disorder=0, lateness=20 * SECOND))
    taken = fold.take([good(0, id="x"), good(1, SECOND, id="x"), good(2, 30 * SECOND), good(3, 31 * SECOND, id="x")])
    assert [row.event.offset for row in taken.events] == [0, 2, 3]
    assert fold.counts[Fate.DUPLICATE] == 1


def test_the_clock_follows_the_wall_only_forward() -> None:
    fold = intake(city(idle=MINUTE))
    fold.take([good(0)])
    taken = fold.follow(T0 + 5 * MINUTE)
    assert taken is not None
    assert [row.clock for row in taken.work[0] if isinstance(row, ClockRow)] == [T0 + 5 * MINUTE - 10 * SECOND]
    assert fold.follow(T0 + 4 * MINUTE) is None


@st.composite
def streams(draw: st.DrawFn) -> list[Record]:
    """Records of every fate."""
    made = []
    for offset in range(draw(st.integers(0, 12))):
        at = draw(st.integers(0, 200)) * SECOND
        sort = draw(st.sampled_from(["good", "good", "good", "again", "bad"]))
        if sort == "bad":
            bad = BAD[draw(st.sampled_from(sorted(BAD.keys() - {"5 MB"})))][0]
            made.append(Record(offset, T0 + at, bad.value, bad.headers))
        else:
            number = draw(st.integers(0, 3)) if sort == "again" else offset
            made.append(good(offset, at, id=f"e{number}", name=draw(st.sampled_from(["Li", "Wu", ""]))))
    return made


def told(taken: Taken) -> tuple[list[AcceptedRow], list[AcceptedRow], list[tuple[int, str]], list[MemberRow]]:
    members = [row for rows in taken.work.values() for row in rows if isinstance(row, MemberRow)]
    return taken.events, taken.late, [(letter.offset, letter.reason) for letter in taken.dead], members


def joined(parts: list[Taken]) -> Any:
    return [[row for part in parts for row in told(part)[n]] for n in range(4)]


@given(streams(), st.lists(st.booleans(), min_size=12, max_size=12), st.integers(0, 12))
def test_any_cut_and_a_restart_anywhere_give_the_same(records: list[Record], cuts: list[bool], restart: int) -> None:
    whole = intake()
    expected = joined([whole.take(records)])
    fold, parts, batch = intake(), [], []
    rows: dict[bytes, bytes] = {}
    for number, one in enumerate(records):
        batch.append(one)
        if cuts[number]:
            parts.append(fold.take(batch))
            keep(rows, fold)
            batch = []
        if number == restart:
            fold = intake()
            fold.restore(rows)
            parts = parts[:]
            batch = [r for r in records[: number + 1] if r.offset > fold.offset]
    parts.append(fold.take(batch))
    assert joined(parts) == expected
    assert sum(whole.counts.values()) == len(records)
    assert Counter(whole.counts) == Counter({
        Fate.EVENT: len(expected[0]), Fate.LATE: len(expected[1]), Fate.DEAD: len(expected[2]),
        Fate.DUPLICATE: len(records) - sum(map(len, expected[:3]))} ) - Counter()


@given(streams())
def test_what_is_delivered_again_is_skipped(records: list[Record]) -> None:
    fold = intake()
    fold.take(records)
    counts = Counter(fold.counts)
    again = fold.take(records)
    assert told(again) == ([], [], [], [])
    assert Counter(fold.counts) == counts


def keep(rows: dict[bytes, bytes], fold: Intake) -> None:
    for key, value in fold.changed().items():
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value


def test_every_work_partition_hears_of_every_clock() -> None:
    taken = intake(work_partitions=3).take([good(0)])
    assert sorted(taken.work) == [0, 1, 2]
    assert all(isinstance(rows[-1], ClockRow) for rows in taken.work.values())


def test_the_limit_is_one_mebibyte() -> None:
    assert RECORD_LIMIT == 1 << 20
