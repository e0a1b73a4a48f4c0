"""What holds whatever happens: no alert vanishes, nothing is told without a reason, what fires is told to be over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams import intervals, matchers
from streams.clocks import DAY, HOUR, MINUTE, SECOND
from streams.policy import Inhibit, Policy, Receiver, Route, Storm
from streams.reasons import NotifyReason, QuietReason
from streams.respond.notifying import Notice, Notification, Quieting, Suppression
from tests.respond.notifying.desk import Desk
from tests.responses import NOON

Step = tuple[Any, ...]
NAMES, KINDS = "abcd", ("feeder", "light", "fire")
HORIZON = 9 * DAY
"""So long after the last step every silence, storm and window is over and forgotten."""


def condition(*texts: str) -> Any:
    return matchers.all_of([matchers.parse(text) for text in texts])


NIGHT = intervals.schedule([{"times": [{"start_time": "12:20", "end_time": "12:50"}]}])
OTHER = Route("0.1", "other", "other", condition('kind=~"light|feeder"'), ("kind",), 5 * SECOND, MINUTE, 10 * MINUTE,
              muted=("night",))
POLICY = Policy(
    root=Route("0", "root", "duty", None, ("kind",), 30 * SECOND, 5 * MINUTE, HOUR, routes=(
        Route("0.0", "all", "log", condition('severity!=""'), ("...",), 0, 2 * MINUTE, 30 * MINUTE, go_on=True),
        OTHER)),
    receivers={"duty": Receiver("duty"), "log": Receiver("log"), "other": Receiver("other")},
    windows={"night": NIGHT},
    inhibits=(Inhibit("explains", condition('kind="feeder"'), condition('kind="light"'), ("area",)),),
    guards={"life": condition('kind="fire"')},
    storm=Storm(3, 4 * MINUTE),
)

ALERTS = st.tuples(st.just("alert"), st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from(["", "x", "y"]),
                   st.sampled_from(["minor", "severe"]), st.integers(0, 20), st.booleans())
OVER = st.tuples(st.just("over"), st.sampled_from(NAMES), st.sampled_from(["resolved", "retracted"]))
SILENCES = st.tuples(st.just("silence"), st.sampled_from("st"), st.sampled_from(['kind="light"', 'area=""']),
                     st.integers(0, 20), st.integers(1, 60))
EXPIRES = st.tuples(st.just("expire"), st.sampled_from("st"))
STEPS = st.lists(st.tuples(st.integers(0, 15 * 60), st.one_of(ALERTS, ALERTS, OVER, SILENCES, EXPIRES)), max_size=14)


def played(steps: Sequence[tuple[int, Step]], restart: bool = False) -> Desk:
    """All steps, each so many seconds after the one before; then time runs on until nothing is open."""
    desk, now = Desk(POLICY, restart), NOON
    for later, (what, *args) in steps:
        now += later * SECOND
        desk.until(now)
        act(desk, what, args, now)
    for row in list(desk.rows.notices.values()):
        if row.ends is None and not row.fleeting:
            act(desk, "over", [row.id, "resolved"], now)
    end = now + HORIZON
    while (due := desk.notifier.due()) is not None and due <= end:
        desk.until(due)
    desk.until(end)
    return desk


def act(desk: Desk, what: str, args: Sequence[Any], now: int) -> None:
    if what == "alert":
        name, kind, area, severity, before, fleeting = args
        labels = {"kind": kind, "severity": severity} | ({"area": area} if area else {})
        known = desk.rows.notices.get(name)
        starts = now - before * SECOND if known is None else known.starts
        desk.news += desk.notifier.take(Notice(name, labels, starts, fleeting=fleeting), now)
    elif what == "over" and args[0] in desk.rows.notices:
        known = msgspec.structs.replace(desk.rows.notices[args[0]], ends=now, ended=args[1], fleeting=False)
        desk.news += desk.notifier.take(known, now)
    elif what == "silence":
        name, text, begins, last = args
        span = now + begins * MINUTE, now + (begins + last) * MINUTE
        desk.notifier.silence(Quieting(name, [[text]], *span, "me", "works"))
    elif what == "expire" and args[0] in desk.rows.silences:
        desk.notifier.expire(args[0], now)


@given(STEPS)
def test_what_is_promised(steps: list[tuple[int, Step]]) -> None:
    desk = played(steps)
    assert_nothing_is_left(desk)
    assert_no_alert_vanishes(desk, steps)
    for receiver in desk.policy.receivers:
        assert_told_over(desk, receiver, instants(steps))
        assert_storms_end(desk, receiver)
    for one in desk.news:
        if isinstance(one, Suppression) and one.labels.get("kind") == "fire":  # it is guarded
            assert not {hush.reason for hush in one.hushes} - {QuietReason.BRIEF}


@given(STEPS)
def test_a_restart_at_every_step_says_the_same(steps: list[tuple[int, Step]]) -> None:
    assert words(played(steps, restart=True)) == words(played(steps))


def assert_nothing_is_left(desk: Desk) -> None:
    """State becomes empty when all is over."""
    assert desk.rows.kept == {}
    assert desk.notifier.due() is None
    assert not desk.notifier.groups.members


def assert_no_alert_vanishes(desk: Desk, steps: Sequence[tuple[int, Step]]) -> None:
    """Each is told, or listed with a reason; and nothing is told without one."""
    told = [one for one in desk.news if isinstance(one, Notification)]
    assert {one.reason for one in told} <= set(NotifyReason)
    listed = {one.alert for one in desk.news if isinstance(one, Suppression) and one.hushes}
    named = {member.alert for one in told for member in one.members}
    assert {args[0] for _, (what, *args) in steps if what == "alert"} <= listed | named


def assert_told_over(desk: Desk, receiver: str, fleeting: set[str]) -> None:
    """Whoever was told that an alert fires is told that it is over."""
    fires: dict[str, bool] = {}
    for one in desk.news:
        if isinstance(one, Notification) and one.receiver == receiver:
            fires |= {member.alert: member.status == "firing" for member in one.members}
    assert not {name for name, firing in fires.items() if firing} - fleeting


def instants(steps: Sequence[tuple[int, Step]]) -> set[str]:
    """Alerts that were of an instant: they do not end."""
    return {args[0] for _, (what, *args) in steps if what == "alert" and args[5]}


def assert_storms_end(desk: Desk, receiver: str) -> None:
    """Nobody is told more than the limit allows within its time, and one digest; what is guarded does not count."""
    limit = desk.policy.storm
    assert limit is not None
    sent = [one.at for one in desk.news if isinstance(one, Notification) and one.receiver == receiver
            and not any(member.labels["kind"] == "fire" for member in one.members)]
    for number, at in enumerate(sent):
        assert sum(other < at + limit.per for other in sent[number:]) <= limit.alerts + 1


def words(desk: Desk) -> list[bytes]:
    return [msgspec.msgpack.encode(one) for one in desk.news]
