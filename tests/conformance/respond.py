"""Routes, groups, inhibition, silences and hours as Alertmanager has them, `for` as Prometheus has it (`respond/`).

The configuration of a case becomes a `Policy` with `compat`; its posts become notices, its silences silences, and time
is told whenever something is due. What is translated, and nothing else:

- A post is merged with what is known of the alert as Alertmanager's store does it (`Posts`): ours comes as the life of
  an alert, which merges by events.
- Ours has one reason where somebody is over (`resolved`); whether some or all are is told by the members.
- `for`: an evaluation tells a `Hold` that the condition is true or false, and time is told with evaluations alone. Ours
  is over when time is beyond it, theirs when it is reached, so ours is told a microsecond more.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from streams import intervals, matchers
from streams.clocks import SECOND, duration, parse_rfc3339
from streams.judging.episodes import Hold, HoldOptions
from streams.policy import Condition, Inhibit, Policy, Receiver, Route
from streams.records import Micros
from streams.respond.notifying import Member, Notice, Notification, Notifier, Quieting, Suppression
from streams.respond.notifying.routes import group_labels, matched
from tests.conformance.cases import cases, first
from tests.conformance.counts import Counts
from tests.respond.notifying.rows import Rows

MS: Micros = 1000
Case = dict[str, Any]
FILES = ("notification_scenarios.jsonl.gz", "route_match.jsonl", "time_intervals.jsonl", "rule_for.jsonl.gz")
STAGES = {"inhibited": "inhibition", "outside_hours": "active_time_interval", "muted": "mute_time_interval",
          "silenced": "silence"}
REASONS = {"first": "first notification", "new_members": "new alerts added", "repeat": "repeat interval elapsed"}
SHORT_MONTH = "there a month that loses an hour to the clocks has a day too few; ours has as many as the calendar"


def fits(path: Path) -> bool:
    """Whether a file holds cases of this set."""
    return first(path).get("kind") in RUN


def run(path: Path) -> Counts:
    """Every case of a file, or of the set's files in a folder: passed, differs by design (named), failed."""
    counts = Counts()
    for one in [path / name for name in FILES] if path.is_dir() else [path]:
        for case in cases(one):
            if case.get("kind") in RUN:
                RUN[case["kind"]](case, counts)
    return counts


# routes and hours


def route_of(node: dict[str, Any], path: str = "0", above: dict[str, Any] | None = None) -> Route:
    """A node of Alertmanager's tree, with what it inherits."""
    given = (above or {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h", "group_by": []}) | node
    children = tuple(route_of(child, f"{path}.{number}", {name: given[name] for name in INHERITED})
                     for number, child in enumerate(node.get("routes", ())))
    wait, interval, repeat = (duration(given[name]) for name in ("group_wait", "group_interval", "repeat_interval"))
    return Route(path, "", given["receiver"], all_of(node["matchers"]) if "matchers" in node else None,
                 tuple(given["group_by"]), wait, interval, repeat, active=tuple(node.get("active_time_intervals", ())),
                 muted=tuple(node.get("mute_time_intervals", ())), go_on=node.get("continue", False), routes=children)


INHERITED = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval")


def all_of(texts: list[str]) -> Condition:
    return matchers.all_of([matchers.parse(text) for text in texts])


def route_match(case: Case, counts: Counts) -> None:
    given = case["input"]
    found = [{
        "route": route.path, "receiver": route.receiver, "group_by": sorted(route.group_by),
        "group_labels": group_labels(route, given["labels"]), "group_wait_s": route.group_wait / SECOND,
        "group_interval_s": route.group_interval / SECOND, "repeat_interval_s": route.repeat_interval / SECOND,
    } for route in matched(route_of(given["route"]), given["labels"])]
    expected = case["expect"]["matched"]
    counts.add("routes", case["id"], found == expected, None, f"found {found}, expected {expected}")


def time_interval(case: Case, counts: Counts) -> None:
    given = case["input"]
    try:
        schedule = intervals.schedule([given["interval"]])
        found: dict[str, Any] = {"contained": schedule.on_duty(parse_rfc3339(given["at"]))} if "at" in given else {}
    except ValueError as error:
        found = {"error": True, "message": str(error)}
    expected = case["expect"]
    fit = all(found.get(name) == expected.get(name) for name in ("contained", "error"))
    differs = SHORT_MONTH if "quirk:short_month" in case.get("tags", ()) else None
    counts.add(f"hours {case['family']}", case["id"], fit, differs, f"found {found}, expected {expected}")


# notifications


def policy_of(config: dict[str, Any], strict: bool) -> Policy:
    windows = {one["name"]: intervals.schedule(one["time_intervals"]) for one in config.get("time_intervals", ())}
    return Policy(
        root=route_of(config["route"]), compat=True, resolved_through_silence=False, windows=windows,
        receivers={one["name"]: Receiver(one["name"], resolved=one["webhook_configs"][0].get("send_resolved", True))
                   for one in config["receivers"]},
        inhibits=tuple(Inhibit(one["name"], all_of(one["source_matchers"]), all_of(one["target_matchers"]),
                               tuple(one.get("equal") or ()), absent_equal=not strict)
                       for one in config.get("inhibit_rules", ())))


class Post(msgspec.Struct):
    """An alert as Alertmanager's store has it; `timeout`: its end is a mere time-out."""

    starts: Micros
    ends: Micros
    timeout: bool
    annotations: dict[str, str]


class Posts:
    """Alertmanager's store of alerts: a post and what is known of it become one where they overlap."""

    def __init__(self, resolve_timeout: Micros) -> None:
        self.resolve_timeout = resolve_timeout
        self.known: dict[str, Post] = {}

    def take(self, step: dict[str, Any], now: Micros) -> tuple[str, Post]:
        name = json.dumps(step["labels"], sort_keys=True)
        ends = parse_rfc3339(step["ends_at"]) if "ends_at" in step else None
        starts = parse_rfc3339(step["starts_at"]) if "starts_at" in step else ends if ends is not None else now
        post = Post(starts, now + self.resolve_timeout if ends is None else ends, ends is None,
                    step.get("annotations", {}))
        old = self.known.get(name)
        if old is not None and (old.starts < post.ends < old.ends or old.starts < post.starts < old.ends):
            post = self._merged(old, post, now)
        self.known[name] = post
        return name, post

    def _merged(self, old: Post, new: Post, now: Micros) -> Post:
        over, before = new.ends <= now, old.ends <= now
        keeps = (before if over else not old.timeout) and old.ends > new.ends
        return Post(min(old.starts, new.starts), old.ends if keeps else new.ends, new.timeout, new.annotations)


class City:
    """A case under way: what ours said."""

    def __init__(self, case: Case, strict: bool, restart: bool = False) -> None:
        given = case["input"]
        self.policy = policy_of(given["config"], strict)
        self.posts = Posts(duration(given["config"]["global"]["resolve_timeout"]))
        self.rows = Rows()
        self.notifier = Notifier(self.policy, self.rows)
        self.annotations: dict[str, dict[str, str]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.suppression: list[dict[str, Any]] = []
        self.quiet: dict[tuple[str, str], str] = {}
        self.restart = restart
        for step in given["steps"]:
            now = parse_rfc3339(step["at"])
            self.until(now)
            getattr(self, step["op"])(step, now)
        self.until(parse_rfc3339(given["end"]))

    def until(self, now: Micros) -> None:
        while (due := self.notifier.due()) is not None and due <= now:
            for one in self.notifier.advance(due):
                self.told(one)
            if self.restart:
                self.rows = Rows(self.rows.kept)
                self.notifier = Notifier(self.policy, self.rows)
        self.rows.forget(now)

    def alert(self, step: dict[str, Any], now: Micros) -> None:
        name, post = self.posts.take(step, now)
        self.annotations[name] = post.annotations
        for one in self.notifier.take(Notice(name, step["labels"], post.starts, post.ends), now):
            self.told(one)

    def silence(self, step: dict[str, Any], now: Micros) -> None:
        begins = parse_rfc3339(step["starts_at"]) if "starts_at" in step else now
        self.notifier.silence(Quieting(step["silence"], step["matcher_sets"], begins, parse_rfc3339(step["ends_at"]),
                                       "", ""))

    def silence_update(self, step: dict[str, Any], now: Micros) -> None:
        row = self.rows.silences[step["silence"]]
        row.ends = parse_rfc3339(step["ends_at"])
        self.notifier.silence(row)

    def silence_expire(self, step: dict[str, Any], now: Micros) -> None:
        self.notifier.expire(step["silence"], now)

    def told(self, one: Notification | Suppression) -> None:
        about = {"at": one.at // MS, "route": one.route, "group_labels": one.labels}
        if isinstance(one, Notification):
            self.notifications.append(about | {
                "receiver": one.receiver, "reason": self._reason(one),
                "alerts": sorted((self._member(member) for member in one.members), key=by_text)})
        elif one.group:
            by = STAGES.get(one.hushes[0].reason, "none") if one.hushes else "none"
            where = one.group, one.alert
            if self.quiet.get(where, "none") != by:
                self.suppression.append(about | {"labels": json.loads(one.alert), "by": by})
            self.quiet[where] = "none" if one.gone else by

    def _reason(self, one: Notification) -> str:
        if one.reason in REASONS:
            return REASONS[one.reason]
        return "some alerts resolved" if any(member.status == "firing" for member in one.members) \
            else "all alerts resolved"

    def _member(self, member: Member) -> dict[str, Any]:
        found = {"labels": member.labels, "annotations": self.annotations[member.alert], "status": member.status,
                 "starts_at": member.starts // MS}
        return found if member.ends is None else found | {"ends_at": member.ends // MS}


def expected(outcome: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Notifications and what was kept back, with times in ms, in an order of their own."""
    notifications = [{
        **one, "at": ms(one["at"]),
        "alerts": sorted(({"annotations": {}, **alert, **{
            name: ms(alert[name]) for name in ("starts_at", "ends_at") if name in alert}} for alert in one["alerts"]),
            key=by_text),
    } for one in outcome["notifications"]]
    quiet = [{name: one[name] for name in ("route", "group_labels", "labels", "by")} | {"at": ms(one["at"])}
             for one in outcome["suppression"]]
    return sorted(notifications, key=by_text), sorted(quiet, key=by_text)


def by_text(one: Any) -> str:
    return json.dumps(one, sort_keys=True)


def ms(text: str) -> int:
    return parse_rfc3339(text) // MS


def scenario(case: Case, counts: Counts) -> None:
    for strict in (False, True):
        outcome = case.get("expect_strict_equal") if strict else case["expect"]
        if outcome is None:
            continue
        city = City(case, strict)
        found = sorted(city.notifications, key=by_text), sorted(city.suppression, key=by_text)
        family = f"notifications {'strict' if strict else case['family']}"
        wanted = expected(outcome)
        counts.add(family, case["id"], found == wanted, None, difference(found, wanted))


def difference(found: Any, wanted: Any) -> str:
    """The first that is not the same."""
    for ours, theirs in zip(found, wanted, strict=True):
        extra = [one for one in ours if one not in theirs]
        missing = [one for one in theirs if one not in ours]
        if extra or missing:
            return f"not expected {extra[:1]}, missing {missing[:1]}"
    return ""


# for and keep_firing_for


def rule_for(case: Case, counts: Counts) -> None:
    family, expected = case["family"], case["expect"].get("states")
    found = {key: states(case["input"], samples) for key, samples in case["input"]["samples"].items()}
    counts.add(f"for {family}", case["id"], found == expected, BY_DESIGN.get(family), f"found {found}")


def states(given: dict[str, Any], samples: list[float | None]) -> str:
    """What a hold is in after each evaluation."""
    rule = given["rule"]
    options = HoldOptions(round(rule["for_s"] * SECOND), round(rule["keep_firing_for_s"] * SECOND))
    hold, letters = Hold(), []
    for at, sample in zip(given["eval_at_s"], samples, strict=True):
        now = round(at * SECOND)
        if sample is not None and OPERATORS[rule["op"]](sample, rule["threshold"]):
            hold.true(options, now, sample, ())
        else:
            hold.false(options, now)
        hold.advance(options, now + 1)
        hold = msgspec.msgpack.decode(msgspec.msgpack.encode(hold), type=Hold)
        fires = "F" if hold.false_since is None else "K"
        letters.append(fires if hold.open else "." if hold.pending is None else "P")
    return "".join(letters)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}
BY_DESIGN = {
    "limit": "there all alerts of a rule are dropped when there are too many; ours keeps the first",
    "label": "there a label can hold the value, or make two alerts one; ours are told apart by their keys alone",
}
RUN: dict[str, Callable[[Case, Counts], None]] = {
    "route_match": route_match, "time_interval": time_interval, "notification_scenario": scenario,
    "rule_for": rule_for,
}
