"""Notifications in the fold: from findings to what receivers read, through restarts and another policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import HOUR, MINUTE, SECOND
from streams.findings import CLOSED, RETRACTED, UPDATED, ResponseFrame, TickRow
from streams.policy import Policy, Receiver, Route, Storm
from streams.respond import Output, Respond
from streams.rules import Alert, Bundle, Limit
from tests.responses import NOON, RULES, Store, bundle, finding, frame, logs, read, rows, rule, run

POLICY = Policy(
    root=Route("0", "all", "desk", None, ("rule",), 30 * SECOND, 5 * MINUTE, HOUR),
    receivers={"desk": Receiver("desk")})
TOLD: Bundle = msgspec.structs.replace(RULES, policy=msgspec.structs.replace(
    POLICY, storm=Storm(2, 10 * MINUTE), root=Route("0", "all", "desk", None, ("rule",), MINUTE, 2 * HOUR, 5 * HOUR)))


def notified(outputs: Sequence[Output]) -> list[str]:
    """`12:00:30 first: 1 firing, 0 over`."""
    found = []
    for output in outputs:
        if output.topic == "notifications":
            one = read(output)
            assert output.key == one["data"]["receiver"].encode()
            found.append(f"{one['time'][11:19]} {one['data']['reason']}: {one['data']['firing']} firing, "
                         f"{one['data']['over']} over")
    return found


class Feed:
    """Findings and the wall, one row after the other."""

    def __init__(self, bundle: Bundle) -> None:
        self.fold = Respond(bundle)

    def tell(self, *given: Any) -> list[Output]:
        start = self.fold.offset + 1
        frames = [frame([one]) if isinstance(one, TickRow) else frame(rows([one], offset=start + number))
                  for number, one in enumerate(given)]
        return run(self.fold, frames, start)

    def until(self, minutes: float) -> list[Output]:
        """The wall tells the time whenever something is due, and at last that it is so late."""
        outputs = []
        while (due := self.fold.notify.due()) is not None and due <= NOON + minutes * MINUTE:
            outputs += self.tell(TickRow(due))
        return [*outputs, *self.tell(TickRow(NOON + round(minutes * MINUTE)))]


def city(*rules: Any, policy: Policy = POLICY) -> Bundle:
    return msgspec.structs.replace(bundle(*rules), policy=policy)


def test_who_is_told_what_becomes_of_alerts() -> None:
    feed = Feed(city(rule(), rule("leak", alert=Alert("Leak at {{ key.district }}"))))
    feed.tell(finding())
    assert notified(feed.until(2)) == ["12:00:30 first: 1 firing, 0 over"]
    feed.tell(finding("g", key={"district": "east"}, evidence="e3 e4", opened=3))
    assert notified(feed.until(6)) == ["12:05:30 new_members: 2 firing, 0 over"]
    feed.tell(finding(sequence=2, change=CLOSED, closed=7, at=7), finding("g", 2, RETRACTED, key={"district": "east"},
                                                                          opened=3, at=8))
    outputs = feed.until(12)
    assert notified(outputs) == ["12:10:30 resolved: 0 firing, 2 over"]
    [told] = [read(one)["data"] for one in outputs if one.topic == "notifications"]
    assert [one["status"] for one in sorted(told["alerts"], key=lambda one: str(one["opened_at"]))] == [
        "resolved", "retracted"]
    assert told["title"] == "Five crashes in ten minutes and 1 more"
    assert feed.fold.notify.due() is None
    assert feed.fold.notify.told == {("desk", "first"): 1, ("desk", "new_members"): 1, ("desk", "resolved"): 1}


def test_what_is_of_an_instant_is_told_once_though_it_is_corrected() -> None:
    feed = Feed(city(rule()))
    feed.tell(finding(closed=0))
    assert notified(feed.until(30)) == ["12:00:30 first: 1 firing, 0 over"]
    feed.tell(finding(sequence=2, change=UPDATED, closed=0, at=31, evidence="e1 e2 e3"))
    assert notified(feed.until(60)) == []
    assert feed.fold.notify.due() is None


def test_the_alert_that_counts_others_is_told_as_any_other() -> None:
    feed = Feed(city(rule(limit=Limit(1, HOUR), suppress_for=0)))
    feed.tell(*(finding(f"f{number}", opened=number / 10, key={"district": f"d{number}"}, evidence=f"e{number}")
                for number in range(4)))
    assert notified(feed.until(2)) == ["12:00:30 first: 2 firing, 0 over"]
    outputs = feed.until(200)
    assert "12:05:30 resolved: 1 firing, 1 over" not in notified(outputs)
    assert any(one.endswith("resolved: 1 firing, 1 over") for one in notified(outputs))


def test_who_is_open_is_told_when_a_policy_comes_and_to_whom_another_says() -> None:
    feed = Feed(bundle(rule()))
    assert feed.tell(finding())
    assert feed.until(10)[:1] == []
    assert feed.fold.notify.due() is None
    feed.fold.bundle = city(rule())
    assert notified(feed.until(15)) == ["12:10:00 first: 1 firing, 0 over"]
    chief = msgspec.structs.replace(POLICY, root=Route("0", "chief", "chief", None, (), 0, MINUTE, HOUR))
    feed.fold.bundle = city(rule(), policy=chief)
    assert notified(feed.until(20)) == ["12:15:00 first: 1 firing, 0 over", "12:20:00 resolved: 0 firing, 1 over"]


def test_an_alert_says_what_keeps_it_quiet() -> None:
    policy = msgspec.structs.replace(POLICY, storm=Storm(1, HOUR), root=msgspec.structs.replace(
        POLICY.root, group_by=("...",), muted=()) if POLICY.root else None)
    feed = Feed(city(rule(), policy=policy))
    feed.tell(finding(), finding("g", key={"district": "east"}, evidence="e3 e4"))
    outputs = feed.until(1)
    [quiet] = [read(one) for one in outputs if one.topic == "alerts"]
    assert quiet["type"] == "tocsin.alert.suppressed"
    assert quiet["data"]["suppressed_by"] == [{"reason": "storm", "by": "", "source": ""}]
    assert feed.fold.notify.quiet == {"storm": 1}


@given(logs(), st.data())
def test_a_restart_changes_nothing_and_no_alert_vanishes(log: list[ResponseFrame], data: st.DataObject) -> None:
    log = [*(one for number, given in enumerate(log) for one in (given, frame([TickRow(NOON + number * 7 * MINUTE)]))),
           frame([TickRow(NOON + 80 * HOUR)])]
    expected, store, fold, outputs = run(Respond(TOLD), log), Store(), Respond(TOLD), list[Output]()
    for offset, one in enumerate(log):
        outputs += fold.step(offset, one)
        store.write(fold.changed())
        if data.draw(st.booleans()):
            fold = Respond(TOLD)
            fold.restore(store.rows)
    assert outputs == expected
    envelopes = [(one.topic, read(one)) for one in outputs]
    assert len({one["id"] for _, one in envelopes}) == len(envelopes)
    fired = {one["subject"] for topic, one in envelopes if topic == "alerts" and one["type"] == "tocsin.alert.firing"}
    told = {alert["alert"] for topic, one in envelopes if topic == "notifications" for alert in one["data"]["alerts"]}
    listed = {one["subject"] for _, one in envelopes if one["type"] == "tocsin.alert.suppressed"}
    assert fired <= told | listed
