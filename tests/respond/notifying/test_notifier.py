"""Who is told what and when, beyond what the conformance cases hold: what a city asks for more than Alertmanager."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams import intervals, matchers
from streams.clocks import HOUR, MINUTE
from streams.policy import Inhibit, Policy, Receiver, Route, Silence, Storm
from streams.respond.notifying import Notice, Quieting
from tests.respond.notifying.desk import Desk, minutes, said


def condition(text: str) -> Any:
    return matchers.parse(text).compiled()


ROOT = Route("0", "root", "duty", None, (), MINUTE, 5 * MINUTE, HOUR)
PLAIN = Policy(root=ROOT, receivers={"duty": Receiver("duty")})
NOONTIME = intervals.schedule([{"times": [{"start_time": "12:00", "end_time": "12:30"}]}])
MUTED = msgspec.structs.replace(PLAIN, root=msgspec.structs.replace(ROOT, muted=("noon",)), windows={"noon": NOONTIME})


def works(begins: float, ends: float, **parts: Any) -> Quieting:
    """A silence for lights."""
    return Quieting("works", [['kind="light"']], minutes(begins), minutes(ends), "me", "works", **parts)


def test_what_was_told_is_told_to_be_over_in_spite_of_a_silence() -> None:
    desk = Desk(PLAIN)
    desk.alert("a", minutes(0), kind="light")
    desk.until(minutes(2))
    desk.notifier.silence(works(2, 90))
    desk.alert("a", minutes(8), minutes(8), kind="light")
    desk.until(minutes(60))
    assert said(desk.news) == [
        "1 duty first: a firing", "6 a silenced works", "11 duty resolved: a resolved", "11 a heard"]


def test_what_was_not_told_is_listed_when_it_leaves() -> None:
    desk = Desk(PLAIN)
    desk.notifier.silence(works(0, 90))
    desk.alert("a", minutes(0), kind="light")
    desk.alert("b", minutes(0))
    desk.alert("b", minutes(0.5), minutes(0.5))
    desk.until(minutes(1))
    desk.alert("a", minutes(3), minutes(3), kind="light")
    desk.alert("c", minutes(7), minutes(7))
    assert said(desk.news) == [
        "1 a silenced works", "1 b brief untold", "6 a silenced works untold", "7 c brief untold"]
    assert not desk.rows.notices
    assert not desk.rows.groups


def test_when_the_last_reason_goes_it_is_told() -> None:
    """Also if it had been told before; and of two reasons both are listed."""
    policy = msgspec.structs.replace(PLAIN, inhibits=(
        Inhibit("feeder", condition('kind="feeder"'), condition('kind="light"')),))
    desk = Desk(policy)
    desk.alert("a", minutes(0), kind="light")
    desk.until(minutes(2))
    desk.notifier.silence(works(2, 10))
    desk.alert("f", minutes(3), kind="feeder")
    desk.alert("f", minutes(12), minutes(12), kind="feeder")
    desk.until(minutes(20))
    assert said(desk.news) == [
        "1 duty first: a firing", "6 duty new_members: f firing", "6 a inhibited feeder, silenced works",
        "11 a inhibited feeder", "16 duty unsuppressed: a firing, f resolved", "16 a heard"]


def test_hours_put_off_what_is_over_until_they_end() -> None:
    desk = Desk(msgspec.structs.replace(MUTED, windows={"noon": intervals.schedule(
        [{"times": [{"start_time": "12:05", "end_time": "12:30"}]}])}))
    desk.alert("a", minutes(0))
    desk.alert("a", minutes(7), minutes(7))
    desk.until(minutes(60))
    assert said(desk.news) == ["1 duty first: a firing", "6 a muted noon", "31 duty resolved: a resolved", "31 a heard"]


def test_what_is_of_an_instant_is_told_once_and_not_to_be_over() -> None:
    """Hours only put it off; a silence that holds when it is looked at keeps it back for good."""
    desk = Desk(PLAIN)
    desk.notifier.silence(works(0, 3))
    desk.alert("a", minutes(0), fleeting=True)
    desk.alert("b", minutes(0), fleeting=True, kind="light")
    desk.alert("a", minutes(3), fleeting=True)
    desk.until(minutes(200))
    assert said(desk.news) == ["1 duty first: a firing", "1 b silenced works"]
    muted = Desk(MUTED)
    muted.alert("a", minutes(0), fleeting=True)
    muted.until(minutes(200))
    assert said(muted.news) == ["1 a muted noon", "31 duty unsuppressed: a firing", "31 a heard"]
    assert desk.rows.notices == muted.rows.notices == {}


def test_what_becomes_graver_does_not_wait_for_the_interval() -> None:
    desk = Desk(PLAIN)
    desk.alert("a", minutes(0), severity="minor")
    desk.until(minutes(1))
    desk.alert("a", minutes(2), starts=minutes(0), severity="severe")
    desk.alert("a", minutes(4), starts=minutes(0), severity="minor")
    desk.until(minutes(20))
    assert said(desk.news) == ["1 duty first: a firing", "3 duty severity_raised: a firing"]


def test_what_now_belongs_to_others_is_told_to_both() -> None:
    severe = Route("0.0", "severe", "chief", condition('severity="severe"'), (), MINUTE, 5 * MINUTE, HOUR)
    desk = Desk(msgspec.structs.replace(PLAIN, root=msgspec.structs.replace(ROOT, routes=(severe,))))
    desk.alert("a", minutes(0), severity="minor")
    desk.until(minutes(1))
    desk.alert("a", minutes(2), starts=minutes(0), severity="severe")
    desk.until(minutes(10))
    assert said(desk.news) == ["1 duty first: a firing", "2 chief first: a firing", "6 duty resolved: a moved"]


def test_a_storm_is_told_in_digests_and_a_guard_goes_through() -> None:
    policy = msgspec.structs.replace(
        PLAIN, root=msgspec.structs.replace(ROOT, group_by=("...",), group_wait=0), storm=Storm(2, 10 * MINUTE),
        guards={"life": condition('kind="fire"')})
    desk = Desk(policy)
    for number, name in enumerate("abcd"):
        desk.alert(name, minutes(number), rule=name, severity="minor")
    desk.alert("f", minutes(5), kind="fire")
    desk.alert("d", minutes(6), minutes(6), starts=minutes(3), rule="d", severity="minor")
    desk.until(minutes(30))
    assert said(desk.news) == [
        "0 duty first: a firing", "1 duty first: b firing", "2 c storm", "3 d storm", "5 duty first: f firing",
        "8 d storm", "12 duty digest: c firing, d resolved", "12 c heard", "12 d heard"]
    digest = next(one for one in desk.news if getattr(one, "reason", "") == "digest")
    assert digest.digest == {  # type: ignore[union-attr]
        "notifications": 3, "since": minutes(2), "more": 0, "rules": {"c": 1, "d": 1}}


def test_a_silence_for_an_alert_ends_with_it_and_one_for_a_district_holds_there_alone() -> None:
    desk = Desk(PLAIN)
    desk.alert("a", minutes(0), kind="light", district="west")
    desk.alert("b", minutes(0), kind="light", district="east")
    desk.notifier.silence(works(0, 600, with_alert="a", district="east"))
    desk.alert("a", minutes(3), minutes(3), kind="light", district="west")
    desk.until(minutes(10))
    assert said(desk.news) == [
        "1 duty first: a firing", "1 b silenced works", "6 duty unsuppressed: b firing, a resolved", "6 b heard"]


def test_silences_of_the_files_hold_within_their_hours() -> None:
    hours = intervals.schedule([{"times": [{"start_time": "12:00", "end_time": "12:04"}]}])
    silence = Silence("works", condition('kind="light"'), minutes(0), None, "me", "works", schedule=hours)
    desk = Desk(msgspec.structs.replace(PLAIN, silences=(silence,)))
    desk.alert("a", minutes(0), kind="light")
    desk.until(minutes(10))
    assert said(desk.news) == ["1 a silenced works", "6 duty unsuppressed: a firing", "6 a heard"]


@pytest.mark.parametrize(("parts", "kept"), [
    ({}, True), ({"within": 500.0}, True), ({"within": 100.0}, False), ({"equal": ("area",)}, False),
    ({"equal": ("area",), "absent_equal": True}, True), ({"equal": ("kind",)}, False), ({"longest": 30_000_000}, False),
])
def test_what_keeps_another_back(parts: dict[str, Any], kept: bool) -> None:
    """Near enough, alike enough, new enough; what neither has makes them alike only if the rule says so."""
    rule = Inhibit("feeder", condition('kind="feeder"'), condition('kind="light"'), **parts)
    desk = Desk(msgspec.structs.replace(PLAIN, inhibits=(rule,)))
    desk.alert("f", minutes(0), kind="feeder", place=(40.0, -75.0))
    desk.alert("a", minutes(0), kind="light", place=(40.003, -75.0))
    desk.until(minutes(1))
    assert ("1 a inhibited feeder" in said(desk.news)) == kept


def test_another_policy_takes_over_who_is_open() -> None:
    desk = Desk(PLAIN)
    desk.alert("a", minutes(0))
    desk.until(minutes(1))
    other = Desk(Policy(root=Route("0", "new", "chief", None, (), 0, MINUTE, HOUR)))
    other.rows, other.notifier.rows = desk.rows, desk.rows
    other.notifier = type(other.notifier)(other.policy, desk.rows)
    other.notifier.learn(minutes(2))
    other.until(minutes(10))
    assert said(other.news) == ["2 chief first: a firing", "6 duty resolved: a moved"]
    none = type(other.notifier)(Policy(), desk.rows)
    none.learn(minutes(11))
    assert said(none.advance(minutes(20))) == ["11 chief resolved: a moved"]
    assert none.take(Notice("b", {}, minutes(20)), minutes(20)) == []
    assert none.due() is None


def test_who_is_far_behind_looks_once_for_the_last_time_that_was_due() -> None:
    desk = Desk(PLAIN)
    desk.alert("a", minutes(0))
    desk.until(minutes(1))
    desk.until(minutes(10_003))
    assert said(desk.news[1:]) == ["10001 duty repeat: a firing"]
    assert desk.notifier.due() == minutes(10_006)
