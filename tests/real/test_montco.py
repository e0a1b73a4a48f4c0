"""21,174 real calls against known truths."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from streams.clocks import parse_rfc3339
from streams.findings import Finding
from tests.conftest import needs_shared
from tests.real.montco import backtest, calls, pairs, seconds, truth

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]

SEQUENCES = [
    ("gas", "Fire: GAS-ODOR/LEAK", "Fire: CARBON MONOXIDE DETECTOR", "twp"),
    ("obstruction", "Traffic: VEHICLE ACCIDENT -", "Traffic: ROAD OBSTRUCTION -", "twp"),
    ("building", "Fire: FIRE ALARM", "Fire: BUILDING FIRE", "twp"),
    ("electrical", "Traffic: ROAD OBSTRUCTION -", "Fire: ELECTRICAL FIRE OUTSIDE", "twp"),
    ("ems-same-address", "Traffic: VEHICLE ACCIDENT -", "EMS: VEHICLE ACCIDENT", "addr"),
    ("fire-same-address", "EMS: VEHICLE ACCIDENT", "Fire: VEHICLE ACCIDENT", "addr"),
]
PATHS = {"twp": "place.district", "addr": "place.address"}
SUMMARY: dict[str, Any] = {}


def thresholds() -> str:
    """A rule a row of `threshold_by_township`."""
    rules = []
    for number, row in enumerate(truth()["threshold_by_township"]["data"]):
        field = "title" if ":" in row["select"] else "category"
        rules.append(f"kind: threshold\nid: t{number}\ntitle: t\nevent: call.*\nwhere: {field} == \"{row['select']}\"\n"
                     f"by: place.district\nwindow: {row['window_s']}s\ncondition: {{gte: {row['k']}}}\n"
                     "severity: minor\nowner: test\n".replace('where: ', "where: '").replace('"\nby', "\"'\nby"))
    return "\n\n".join(rules)


def composites() -> str:
    """Rules over the findings of `thresholds`: which townships have many, and which have one of each of two."""
    return """
kind: threshold
id: townships-busy
title: t
rule: [t0, t1, t2]
by: place.district
window: 24h
condition: {gte: 2}
severity: minor
owner: test

---

kind: sequence
id: busy-then-quiet
title: t
by: place.district
within: 12h
select: each
steps:
  - {name: busy, rule: townships-busy, where: value >= 2.0}
  - {name: quiet, not: {rule: t0}}
severity: minor
owner: test
"""


def sequences() -> str:
    """Three rules a pair of `sequences`: each A followed, the same without overlap, A not followed."""
    rules = []
    for (name, first, then, by), row in zip(SEQUENCES, truth()["sequences"]["data"], strict=True):
        for kind, select, negated in (("each", "each", False), ("first", "first", False), ("not", "each", True)):
            last = f"event: call.*, where: 'title == \"{then}\"'"
            last = f"not: {{{last}}}" if negated else last
            rules.append(f"kind: sequence\nid: {name}-{kind}\ntitle: t\nby: {PATHS[by]}\nwithin: {row['within_s']}s\n"
                         f"select: {select}\nsteps:\n  - {{name: a, event: call.*, where: 'title == \"{first}\"'}}\n"
                         f"  - {{name: b, {last}}}\nseverity: minor\nowner: test\n")
    return "\n\n".join(rules)


def silences() -> str:
    """The three lengths of `silence_by_township`."""
    return "\n\n".join(f"kind: absence\nid: silent-{hours}\ntitle: t\nevent: call.*\nby: place.district\n"
                       f"every: {hours}h\nforget_after: 9999d\nseverity: minor\nowner: test\n" for hours in (6, 12, 24))


@pytest.fixture(scope="module", params=["arrival", "time"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """The final findings of all rules, in both orders."""
    rules = "\n\n".join([thresholds(), sequences(), silences()])
    findings, summary = backtest(tmp_path_factory.mktemp(request.param), rules, request.param)
    assert {fate: summary[fate] for fate in ("records", "event", "late", "duplicate", "dead")} == {
        "records": 21174, "event": 21174, "late": 0, "duplicate": 0, "dead": 0}
    SUMMARY[request.param] = sorted(
        (f.rule, str(f.key), f.opened, f.closed or 0, repr(f.value), tuple(f.evidence), f.count) for f in findings)
    return findings


def of(found: list[Finding], rule: str) -> list[Finding]:
    """One rule's."""
    return [finding for finding in found if finding.rule == rule]


def test_every_threshold_opens_at_the_crossings_of_the_truth(found: list[Finding]) -> None:
    listed = 0
    for number, row in enumerate(truth()["threshold_by_township"]["data"]):
        mine = of(found, f"t{number}")
        assert len(mine) == row["upward_crossings"], row["select"]
        if len(row["crossing_events"]) == row["upward_crossings"]:
            listed += 1
            wanted = sorted((key, at.replace(" ", "T")) for _, key, at in row["crossing_events"])
            told = sorted((f.key["place.district"], f"{_iso(f.opened)}") for f in mine)
            assert told == wanted
    assert listed >= 20


def test_sequences_are_those_of_brute_force_and_differ_from_the_truth_only_where_times_are_equal(
        found: list[Finding]) -> None:
    differing: list[tuple[str, int, int]] = []
    for (name, first, then, by), row in zip(SEQUENCES, truth()["sequences"]["data"], strict=True):
        strict = {a.row: bs for a, bs in pairs(first, then, by, row["within_s"], strict=True)}
        ours = {a.row: bs for a, bs in pairs(first, then, by, row["within_s"], strict=False)}
        assert (len(strict), sum(map(bool, strict.values()))) == (row["A"], row["A_followed_by_B"])
        followed = {int(f.evidence[0]): int(f.evidence[1]) for f in of(found, f"{name}-each")}
        assert followed == {a: bs[0].row for a, bs in ours.items() if bs}
        unfollowed = {int(f.evidence[0]) for f in of(found, f"{name}-not")}
        assert unfollowed == {a for a, bs in ours.items() if not bs}
        equal = [(name, a, b.row) for a, bs in ours.items() for b in bs if b not in strict[a]]
        differing += equal
        assert len(followed) - row["A_followed_by_B"] <= len(equal)
        assert row["A_not_followed"] - len(unfollowed) <= len(equal)
        assert abs(len(of(found, f"{name}-first")) - row["non_overlapping"]) <= len(equal)
        if not equal:
            assert (len(followed), len(unfollowed), len(of(found, f"{name}-first"))) == (
                row["A_followed_by_B"], row["A_not_followed"], row["non_overlapping"])
    print("pairs at equal times, which the truth does not count:", differing)


def test_silent_townships_are_those_of_the_truth(found: list[Finding]) -> None:
    for hours in (6, 12, 24):
        closed = Counter(f.key["place.district"] for f in of(found, f"silent-{hours}") if f.closed is not None)
        for township, row in truth()["silence_by_township"]["data"].items():
            assert closed[township] == row[f"gaps_gt_{hours}h"], (township, hours)


def test_both_orders_give_the_same_final_episodes(found: list[Finding]) -> None:
    if len(SUMMARY) == 2:
        assert SUMMARY["arrival"] == SUMMARY["time"]


def test_the_silences_of_the_feed(tmp_path: Path) -> None:
    found, _ = backtest(tmp_path, "", silence="silence: 2h")
    gaps = [(seconds(f.opened) - 7200, seconds(f.closed)) for f in found if f.closed is not None]
    times = sorted(call.time for call in calls())
    assert gaps == [(a, b) for a, b in pairwise(times) if b - a > 7200]
    row = truth()["silence_feed_event"]
    assert len(gaps) == row["gaps_gt_s"]["7200"]
    longest = [(_at(a), _at(b)) for a, b, length in row["longest"] if length > 7200]
    assert sorted(gaps) == sorted(longest)


@pytest.mark.parametrize("allowed", [0, 60, 300, 600, 900, 1800, 3600, 21600])
def test_late_counts(tmp_path: Path, allowed: int) -> None:
    _, summary = backtest(tmp_path, "", disorder="0s", lateness=f"{allowed}s")
    assert summary["late"] == truth()["lateness"]["late_by_L_seconds"][str(allowed)]
    assert summary["late"] + summary["event"] == 21174


def _at(text: str) -> int:
    return seconds(parse_rfc3339(text.replace(" ", "T") + "Z"))


def _iso(time: int) -> str:
    from streams.clocks import rfc3339

    return rfc3339(time)[:19]
