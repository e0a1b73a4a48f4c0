"""The board of vital signs: what subscribers read of readings, silent sources, roll-ups, other rules, a restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR, MINUTE, WEEK
from streams.findings import CLOSED, OPENED, RETRACTED, Finding, FindingRow, Reading, ReadingRow, ResponseFrame, Row
from streams.respond import Output, Respond
from streams.rules import SILENCE_OF, Bundle, Rule
from streams.specs import Learning, Rarity
from streams.vitals import Bands, Top, Usual, Vital
from tests.responses import NOON, bundle, finding, rule

GOLDEN = Path(__file__).parent / "golden"
WEST, EAST = {"place.district": "west"}, {"place.district": "east"}


def indicator(id: str = "answer", by: tuple[str, ...] = ("place.district",), source: str = "calls",
              **vital: Any) -> Rule:
    parts: dict[str, Any] = {"bands": Bands(15, 30), "unit": "s", "description": "NENA", **vital}
    made = Vital(15 * MINUTE, HOUR, **parts)
    return msgspec.structs.replace(
        rule(id, kind="indicator", by=by, title="Time to answer", owner="ems", sources=frozenset([source])), vital=made)


def city(*indicators: Rule) -> Bundle:
    silent = rule(f"{SILENCE_OF}calls", by=("source",), sources=frozenset(["calls"]))
    return msgspec.structs.replace(bundle(silent), indicators={one.id: one for one in indicators or (indicator(),)})


def reading(minute: float, value: Any, status: str, key: dict[str, Any] | None = None, **parts: Any) -> Reading:
    at = NOON + round(minute * MINUTE)
    return Reading(parts.pop("indicator", "answer"), parts.pop("logic", "logic"), WEST if key is None else key, at,
                   value, parts.pop("count", 7), status, parts.pop("since", at), concluded=at + MINUTE, **parts)


def silence(change: str = OPENED, sequence: int = 1, id: str = "silent", **parts: Any) -> Finding:
    return finding(id, sequence, change, rule=f"{SILENCE_OF}calls", key={"source": "calls"}, **parts)


class Feed:
    """A fold that takes what detect tells, each in a frame of its own."""

    def __init__(self, made: Bundle | None = None) -> None:
        self.fold = Respond(made or city())
        self.offset = -1

    def tell(self, *told: Reading | Finding) -> list[dict[str, Any]]:
        """One frame; what stands on the topic of vital signs because of it."""
        self.offset += 1
        return events(self.fold.step(self.offset, ResponseFrame(rows(self.offset, told))))


def rows(offset: int, told: Sequence[Reading | Finding]) -> list[Row]:
    return [ReadingRow("detect", 0, offset, number, one) if isinstance(one, Reading)
            else FindingRow("detect", 0, offset, number, one) for number, one in enumerate(told)]


def events(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    return [orjson.loads(one.value) for one in outputs if one.topic == "vitals"]


def shown(told: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The statuses that were told, of roll-ups by their level and name."""
    return [(one["data"]["level"], one["data"]["name"], one["data"]["status"]) if one["type"].endswith("rollup")
            else (one["data"]["indicator"], one["data"]["status"], one["data"]["reason"]) for one in told]


def test_a_reading_is_a_cloud_event_with_all_fields() -> None:
    told, *rolled = Feed().tell(reading(15, 12.5, "green"))
    assert (told["type"], told["sequence"], told["time"]) == (
        "tocsin.vital.reading", "1", "2025-07-01T12:15:00.000000Z")
    assert told["data"] == {
        "indicator": "answer", "title": "Time to answer", "description": "NENA", "owner": "ems", "key": WEST,
        "district": "west", "end": "2025-07-01T12:15:00.000000Z", "window": "1h", "every": "15m", "value": 12.5,
        "unit": "s", "events": 7, "top": None, "status": "green", "since": "2025-07-01T12:15:00.000000Z", "reason": "",
        "good": "low", "bands": {"amber": 15, "red": 30}, "weight": 1, "usual": None, "cause": ""}
    assert shown(rolled) == [("city", "", "green"), ("district", "west", "green")]


def test_a_reading_with_a_baseline_tells_what_is_usual() -> None:
    rare = Bands(Rarity("above", p=0.01), Rarity("above", p=0.001))
    feed = Feed(city(indicator(bands=rare, learning=Learning("hour_of_week", 8 * WEEK))))
    told, *_ = feed.tell(reading(15, 17, "red", usual=Usual(4.2, 2, 8, False, 11, 14)))
    assert told["data"]["usual"] == {"expected": 4.2, "low": 2, "high": 8, "warming": False}
    assert told["data"]["bands"] == {"amber": 11, "red": 14}
    assert [(*key.values(), usual.expected) for _, key, usual in feed.fold.board.usuals()] == [("west", 4.2)]
    told, *_ = feed.tell(reading(30, 17, "unknown", usual=Usual(None, None, None, True)))
    assert (told["data"]["reason"], told["data"]["bands"]) == ("warming", {"amber": None, "red": None})


def test_golden() -> None:
    told = Feed().tell(reading(15, 31.5, "red"))
    for name, event in (("reading", told[0]), ("rollup", told[1])):
        assert event == orjson.loads((GOLDEN / f"{name}.json").read_bytes()), name


def test_what_is_sent_again_counts_once_and_a_correction_has_the_subject_of_its_reading() -> None:
    feed = Feed()
    [first, *_] = feed.tell(reading(15, 12.5, "green"))
    feed.tell(reading(30, 13, "green"))
    again = ReadingRow("detect", 0, 0, 0, reading(15, 12.5, "green"))
    feed.offset += 1
    assert feed.fold.step(feed.offset, ResponseFrame([again])) == []
    [corrected] = feed.tell(reading(15, 31, "red", sequence=2, cause="e7"))
    assert corrected["subject"] == first["subject"]
    assert corrected["id"] != first["id"]
    assert (corrected["sequence"], corrected["data"]["cause"]) == ("2", "e7")
    assert [status for *_, status in feed.fold.board.gauges()] == ["green"]  # a newer one is shown


def test_no_value_is_unknown_and_not_zero() -> None:
    assert shown(Feed().tell(reading(15, None, "unknown", count=0))) == [
        ("answer", "unknown", "no_value"), ("city", "", "unknown"), ("district", "west", "unknown")]


def test_what_is_read_from_a_silent_source_is_unknown_until_it_speaks() -> None:
    feed = Feed()
    feed.tell(reading(15, 40, "red"), reading(15, 10, "green", EAST))
    told = feed.tell(silence(at=130))
    assert shown(told) == [
        ("answer", "unknown", "source_silent"), ("answer", "unknown", "source_silent"), ("city", "", "unknown"),
        ("district", "east", "unknown"), ("district", "west", "unknown")]
    assert {one["time"] for one in told} == {"2025-07-01T14:10:00.000000Z"}
    assert shown(feed.tell(reading(135, 0, "green", count=0))) == [("answer", "unknown", "source_silent")]
    assert next(iter(feed.fold.board.gauges()))[2] is None
    feed.tell(silence(CLOSED, 2, closed=150, at=150))
    assert shown(feed.tell(reading(165, 20, "amber"))) == [
        ("answer", "amber", ""), ("city", "", "amber"), ("district", "west", "amber")]
    assert feed.tell(silence(RETRACTED, 3, closed=150, at=151)) == []


def test_a_correction_of_an_earlier_silence_does_not_end_the_one_that_lasts() -> None:
    feed = Feed()
    feed.tell(silence(id="one"), silence(CLOSED, 2, id="one", closed=5))
    feed.tell(silence(id="two", opened=10, at=10))
    feed.tell(silence(CLOSED, 3, id="one", closed=6, at=12))
    assert shown(feed.tell(reading(15, 4, "green")))[0] == ("answer", "unknown", "source_silent")


def test_roll_ups_are_the_weighted_worst_and_name_their_causes() -> None:
    half = indicator("noise", weight=0.5)
    own = indicator("water", rollup="district")
    whole = indicator("alive", by=())
    feed = Feed(city(indicator(), half, own, whole))
    told = feed.tell(reading(15, 31, "red", indicator="noise"), reading(15, 1, "green"),
                     reading(15, 9, "red", EAST, indicator="water"), reading(15, 1, "green", {}, indicator="alive"))
    assert shown(told[4:]) == [("city", "", "amber"), ("district", "east", "red"), ("district", "west", "amber")]
    town = told[4]["data"]
    assert [town[name] for name in ("green", "amber", "red", "unknown")] == [2, 1, 0, 0]
    assert town["causes"] == [{"indicator": "noise", "key": WEST, "value": 31, "status": "red"}]
    [_, green, west] = feed.tell(reading(30, 3, "green", indicator="noise"))
    assert (green["sequence"], green["data"]["status"], green["data"]["causes"]) == ("2", "green", [])
    assert west["subject"] != green["subject"]


def test_a_roll_up_turns_once_in_a_frame() -> None:
    feed = Feed(city(indicator(), indicator("noise")))
    feed.tell(reading(15, 31, "red"), reading(15, 1, "green", indicator="noise"))
    told = feed.tell(reading(30, 1, "green"), reading(30, 31, "red", indicator="noise"))
    assert [one["type"] for one in told] == ["tocsin.vital.reading"] * 2


def test_a_list_of_the_most_frequent_tells_counts_and_changes_and_has_no_status() -> None:
    top = indicator("streets", by=(), bands=None, top=Top(("type", "street"), 2), rollup="none")
    listed = [[["a", "x"], 5, 2, 3, 1.6, False], [["b", "x"], 4, 0, None, 0.0, True]]
    [told] = Feed(city(top)).tell(reading(60, listed, "none", {}, indicator="streets"))
    assert told["data"]["top"] == [
        {"of": {"type": "a", "street": "x"}, "rank": 1, "count": 5, "before": 2, "change": 3, "rank_before": 3,
         "usual": 1.6, "percent": 212, "new": False},
        {"of": {"type": "b", "street": "x"}, "rank": 2, "count": 4, "before": 0, "change": 4, "rank_before": None,
         "usual": 0.0, "percent": None, "new": True}]
    assert (told["data"]["value"], told["data"]["status"], told["data"]["bands"]) == (None, "none", None)


def test_what_is_shown_of_an_indicator_that_is_gone_or_changed_is_forgotten() -> None:
    feed = Feed(city(indicator(), indicator("noise")))
    feed.tell(reading(15, 31, "red"), reading(15, 1, "green", indicator="noise"))
    feed.fold.bundle = city(msgspec.structs.replace(indicator(), logic="other"), indicator("noise"))
    told = feed.tell(reading(30, 40, "red"), reading(30, 1, "green", indicator="noise"))
    assert shown(told) == [("noise", "green", ""), ("city", "", "green"), ("district", "west", "green")]
    assert [name for name, *_ in feed.fold.board.gauges()] == ["noise"]


def test_a_key_without_events_is_forgotten_in_the_end() -> None:
    feed = Feed()
    feed.tell(reading(15, 31, "red", EAST), reading(30, 0, "green", EAST, count=0), reading(30, 31, "red"))
    beyond = 3 * DAY // MINUTE
    assert shown(feed.tell(reading(beyond, 31, "red"))) == [("answer", "red", ""), ("district", "east", "unknown")]
    assert [key for _, key, *_ in feed.fold.board.gauges()] == [WEST]


def test_a_reading_that_is_withdrawn_leaves_the_board() -> None:
    feed = Feed()
    feed.tell(reading(15, 31, "red"))
    told = feed.tell(reading(15, 31, "red", sequence=2, gone=True))
    assert shown(told) == [("answer", "red", "withdrawn"), ("city", "", "unknown"), ("district", "west", "unknown")]


plans = st.lists(st.lists(st.one_of(
    st.builds(lambda minute, status, key, count, name: reading(
        15 * minute, 1 if count else None, status if count else "unknown", key, indicator=name, count=count),
        st.integers(1, 400), st.sampled_from(["green", "amber", "red"]), st.sampled_from([WEST, EAST]),
        st.integers(0, 2), st.sampled_from(["answer", "noise", "other"])),
    st.builds(lambda number, change: silence(change, number, closed=None if change == OPENED else 500, at=number),
              st.integers(1, 6), st.sampled_from([OPENED, CLOSED]))), max_size=4), max_size=12)


@given(plans, st.data())
def test_a_restart_after_any_frame_changes_no_byte(plan: list[list[Reading | Finding]], data: st.DataObject) -> None:
    made = city(indicator(), indicator("noise", weight=0.5, source="other"))
    frames = [ResponseFrame(rows(offset, told)) for offset, told in enumerate(plan)]
    whole = Respond(made)
    expected = [whole.step(offset, frame) for offset, frame in enumerate(frames)]
    at = data.draw(st.integers(0, len(frames)))
    fold = Respond(made)
    first = [fold.step(offset, frame) for offset, frame in enumerate(frames[:at])]
    fold = Respond(made, fold.snapshot())
    assert first + [fold.step(offset, frame) for offset, frame in enumerate(frames[at:], at)] == expected
    assert sorted(map(repr, fold.board.gauges())) == sorted(map(repr, whole.board.gauges()))
