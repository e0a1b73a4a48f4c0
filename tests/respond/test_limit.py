"""The limit of a rule's alerts: so many are sent, one alert counts the others, nothing extreme is held back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE
from streams.conditions import compile_expression, key_scope
from streams.findings import CLOSED, RETRACTED, UPDATED, Finding, ResponseFrame, TickRow
from streams.respond import Output, Respond
from streams.rules import Dispatch, Grading, Limit, Rule
from tests.responses import NOON, Store, bundle, finding, frame, read, rows, rule, run, short, tell

GRADE = compile_expression(
    "value > 100.0 ? 'extreme' : value > 10.0 ? 'severe' : 'minor'", key_scope({"value": "double"}), "string")


def limited(alerts: int = 2, per: int = HOUR, **parts: Any) -> Rule:
    return rule("crash", limit=Limit(alerts, per), **parts)


def opened(number: int, at: float, **parts: Any) -> Finding:
    parts = {"key": {"road": f"r{number}"}, "evidence": f"e{number}", **parts}
    return finding(f"f{number}", opened=at, **parts)


def flood(count: int, at: float = 0, every: float = 1, **parts: Any) -> list[Finding]:
    return [opened(number, at + number * every, **parts) for number in range(count)]


def outputs(fold: Respond, *told: Finding) -> list[Output]:
    start = fold.offset + 1
    return run(fold, [frame(rows([one], offset=start + number)) for number, one in enumerate(told)], start)


def tick(fold: Respond, minutes: float) -> list[str]:
    at = NOON + round(minutes * MINUTE)
    return [short(output) for output in fold.step(fold.offset + 1, frame([TickRow(at)]))]


def about(fold_outputs: list[Output]) -> list[dict[str, Any]]:
    """What was told of the alert that counts."""
    return [event for event in map(read, fold_outputs) if event["data"].get("digest")]


def test_beyond_the_limit_each_is_held_back_and_one_alert_counts_them() -> None:
    fold = Respond(bundle(limited(dispatch=Dispatch("police"))))
    assert tell(fold, *flood(5)) == [
        "alerts firing 1", "dispatches requested 1", "alerts firing 1", "dispatches requested 1",
        "audit over_limit", "alerts firing 1", "audit over_limit", "alerts updated 2", "audit over_limit"]
    assert fold.counts["over_limit"] == 3


def test_the_alert_that_counts_says_how_many_since_when_and_of_which_keys() -> None:
    fold = Respond(bundle(limited(severity="moderate", owner="police")))
    told = about(outputs(fold, *flood(2), *[opened(number, number, key={"road": "G312" if number % 3 else "Ring"})
                                            for number in range(2, 12)]))
    assert [event["data"]["value"] for event in told] == [1, 2, 5, 10]
    assert len({event["subject"] for event in told}) == 1
    last = told[-1]["data"]
    assert last["title"] == "Five crashes in ten minutes: 10 more alerts than its limit allows"
    assert last["summary"] == last["why"] == (
        "2 alerts of this rule are sent within 1h. Since 2025-07-01 20:02:00 10 more were held back, "
        "most of road G312 (7); road Ring (3).")
    assert (last["severity"], last["owner"], last["rule"], last["state"]) == ("moderate", "police", "crash", "firing")
    assert last["digest"] == {
        "held_back": 10, "since": "2025-07-01T12:02:00.000000Z", "last": "2025-07-01T12:11:00.000000Z", "limit": 2,
        "per": "1h", "keys": [{"key": "road G312", "held_back": 7}, {"key": "road Ring", "held_back": 3}]}


def test_what_was_sent_goes_on_and_what_is_held_back_stays_so() -> None:
    fold = Respond(bundle(limited()))
    tell(fold, *flood(3))
    assert tell(fold, opened(0, 0, sequence=2, change=CLOSED, closed=5)) == ["alerts resolved 2"]
    assert tell(fold, opened(2, 2, sequence=2, change=UPDATED, value=6)) == ["audit over_limit"]
    assert tell(fold, opened(2, 2, sequence=3, change=RETRACTED)) == ["audit over_limit"]
    assert tell(fold, opened(2, 2, sequence=4, change=UPDATED)) == ["audit unknown_finding"]


def test_later_alerts_are_sent_again_and_the_count_ends_when_none_was_held_back_for_as_long() -> None:
    fold = Respond(bundle(limited()))
    tell(fold, *flood(3))  # the third at 12:02
    assert tell(fold, opened(3, 61)) == ["alerts firing 1"]
    assert tell(fold, opened(4, 62)) == ["alerts firing 1"]  # the first two left the hour
    assert tell(fold, opened(5, 63)) == ["audit over_limit", "alerts updated 2"]
    assert tell(fold, opened(6, 124)) == ["alerts firing 1", "alerts resolved 3"]


def test_the_count_ends_by_the_time_of_the_feeds() -> None:
    fold = Respond(bundle(limited(), rule("other")))
    tell(fold, *flood(4))
    ended = outputs(fold, finding("x", rule="other", opened=64))
    assert [short(output) for output in ended] == ["alerts firing 1", "alerts resolved 3"]
    data = read(ended[1])["data"]
    assert (data["value"], data["state"], data["closed_at"]) == (2, "resolved", "2025-07-01T13:03:00.000000Z")
    assert not fold.waits
    assert tell(fold, opened(7, 131), opened(8, 132), opened(9, 133))[-2:] == ["audit over_limit", "alerts firing 1"]


def test_the_count_ends_by_the_wall_where_no_feed_moves() -> None:
    fold = Respond(bundle(limited()))
    tell(fold, *flood(3))
    assert fold.waits
    assert tick(fold, 500) == []  # the first tick only says when it became quiet
    assert tick(fold, 559) == []
    tell(fold, opened(4, 3))  # it has not: more come
    assert tick(fold, 561) == []
    assert tick(fold, 620) == []
    assert tick(fold, 621) == ["alerts resolved 3"]
    assert tick(fold, 700) == []


def test_nothing_extreme_is_held_back() -> None:
    fold = Respond(bundle(limited(severity="extreme")))
    assert tell(fold, *flood(4)) == ["alerts firing 1"] * 4


def test_what_becomes_extreme_comes_forward() -> None:
    fold = Respond(bundle(limited(grading=Grading(GRADE, True))))
    assert tell(fold, *flood(3))[-2:] == ["audit over_limit", "alerts firing 1"]
    assert tell(fold, opened(2, 2, sequence=2, change=UPDATED, value=50)) == ["audit over_limit"]
    assert tell(fold, opened(2, 2, sequence=3, change=UPDATED, value=500)) == ["alerts firing 1"]
    assert tell(fold, opened(3, 3, value=101)) == ["alerts firing 1"]


def test_an_opening_that_was_not_sent_suppresses_nothing() -> None:
    fold = Respond(bundle(limited(suppress_for=10 * HOUR)))
    tell(fold, *flood(3))
    assert tell(fold, opened(9, 120, key={"road": "r2"})) == ["alerts firing 1", "alerts resolved 2"]
    assert tell(fold, opened(10, 121, key={"road": "r2"})) == ["audit suppressed"]


def test_what_is_only_observed_is_limited_on_its_own_topic() -> None:
    fold = Respond(bundle(limited(status="test")))
    assert tell(fold, *flood(3)) == ["shadow firing 1", "shadow firing 1", "audit over_limit", "shadow firing 1"]


def test_with_the_rule_or_its_limit_the_count_ends() -> None:
    fold = Respond(bundle(limited()))
    tell(fold, *flood(3))
    fold.bundle = bundle(rule("crash"))
    assert tick(fold, 4) == ["alerts resolved 2"]
    fold = Respond(bundle(limited()))
    tell(fold, *flood(3))
    fold.bundle = bundle(rule("other"))
    assert tick(fold, 4)[-1] == "alerts resolved 2"


def test_one_key_more_than_are_kept_is_counted_though_not_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.respond.limit.KEYS_KEPT", 3)
    fold = Respond(bundle(limited(1)))
    [*_, last] = about(outputs(fold, *flood(6)))
    assert last["data"]["value"] == 5
    assert len(last["data"]["digest"]["keys"]) == 3


STEPS = st.lists(st.tuples(st.sampled_from([0, 0, 1, 20, 61, 130]), st.sampled_from("abc"),
                           st.sampled_from([5, 5, 50, 500]), st.booleans()), max_size=25)


def story(steps: list[tuple[int, str, int, bool]]) -> list[ResponseFrame]:
    """Openings one after the other, ticks among them."""
    log, minute = [], 0
    for number, (wait, key, value, ticks) in enumerate(steps):
        minute += wait
        one = finding(f"f{number}", opened=minute, key={"road": key}, evidence=f"e{number}", value=value)
        log.append(frame([TickRow(NOON + minute * MINUTE)] if ticks else rows([one], offset=number)))
    return log


@given(STEPS, st.integers(1, 3))
def test_within_any_hour_no_more_are_sent_than_the_limit_and_nothing_disappears(
        steps: list[tuple[int, str, int, bool]], most: int) -> None:
    fold = Respond(bundle(limited(most, grading=Grading(GRADE, True))))
    events = [(output.topic, read(output)) for output in run(fold, story(steps))]
    sent = [event for topic, event in events if topic == "alerts" and not event["data"]["digest"]]
    limited_ones = sorted(event["data"]["opened_at"] for event in sent if event["data"]["severity"] != "extreme")
    for index, time in enumerate(limited_ones[most:]):
        assert time[:16] >= limited_ones[index][:16]
        before = limited_ones[index]
        assert minutes(time) - minutes(before) >= 60
    held = [event for topic, event in events if topic == "audit"]
    assert len(sent) + len(held) == sum(not ticks for *_, ticks in steps)
    counted = {event["subject"]: event["data"]["value"] for _, event in events if event["data"].get("digest")}
    assert sum(counted.values()) <= len(held)


def minutes(stamp: str) -> int:
    """Minutes of a month."""
    return (int(stamp[8:10]) * 24 + int(stamp[11:13])) * 60 + int(stamp[14:16])


@given(STEPS, st.data())
def test_a_restart_after_any_frame_changes_no_byte(
        steps: list[tuple[int, str, int, bool]], data: st.DataObject) -> None:
    rules = bundle(limited(1, grading=Grading(GRADE, True), suppress_for=10 * MINUTE))
    log = story(steps)
    cut = data.draw(st.integers(0, len(log)))
    whole = run(Respond(rules), log)
    first, store = Respond(rules), Store()
    begun = []
    for offset, one in enumerate(log[:cut]):
        begun += first.step(offset, one)
        store.write(first.changed())
    second = Respond(rules)
    second.restore(store.rows)
    assert begun + run(second, log[cut:], cut) == whole
    assert second.waits == bool(second._memory.flooding)
