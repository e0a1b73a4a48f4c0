"""Place, joins and repetitions in the real calls, against known truths: counts of circles, clusters, sessions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streams.findings import Finding
from streams.rulefile import load
from streams.tools.backtest import Backtest
from streams.tools.ruletest import answers
from tests.conftest import needs_shared, shared
from tests.real.montco import CALLS, backtest, calls, seconds, truth, write_rules

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]
ANY = 'title.endsWith("VEHICLE ACCIDENT") || title.endsWith("VEHICLE ACCIDENT -")'
KEY = "[title, place.district, place.address]"


def rule(id: str, kind: str, body: str, where: str = "") -> str:
    condition = f"where: '{where}'\n" if where else ""
    return f"kind: {kind}\nid: {id}\ntitle: t\nevent: call.*\n{condition}{body}\nseverity: minor\nowner: test\n"


def clusters() -> list[dict[str, Any]]:
    """The rows of `spatial_clusters`."""
    found: list[dict[str, Any]] = truth()["spatial_clusters"]["data"]
    return found


def circles(number: int, least: int) -> str:
    """The rule of a row. The truth's window includes both its ends, ours lacks the old one: a second more."""
    row = clusters()[number]
    where = ANY if row["select"].startswith("any") else f'title == "{row["select"]}"'
    return rule(f"s{number}-{least}", "threshold",
                f"near: {row['r_m']}m\nwindow: {row['window_s'] + 1}s\ncondition: {{gte: {least}}}", where)


@pytest.mark.parametrize(("order", "sizes"), [("arrival", "23456"), ("time", "4")])
def test_each_event_with_so_many_before_it_near_it_is_a_finding(order: str, sizes: str, tmp_path: Path) -> None:
    rules = [circles(number, int(least)) for number in range(len(clusters())) for least in sizes]
    found, _ = backtest(tmp_path, "\n\n".join(rules), order)
    counts = Counter(one.rule for one in found)
    for number, row in enumerate(clusters()):
        wanted = {least: count for least, count in row["events_with_ge_k"].items() if least in sizes}
        assert {least: counts[f"s{number}-{least}"] for least in sizes} == wanted
        four = sorted(int(one.evidence[-1]) for one in found if one.rule == f"s{number}-4")
        assert four == sorted(row["first_event_rows_reaching_4"])


def test_the_components_are_the_alerts(tmp_path: Path) -> None:
    bundle = load(write_rules(tmp_path, "\n\n".join(circles(number, 2) for number in range(len(clusters())))))
    told = list(Backtest(bundle, [("calls", shared() / CALLS)], "arrival", finish=True).emissions())
    alerts, _ = answers(bundle, told)
    for number, row in enumerate(clusters()):
        mine = [one for one in alerts if one["rule"] == f"s{number}-2" and one["state"] not in ("merged", "retracted")]
        sizes = [one["count"] for one in mine]
        assert {least: sum(size >= int(least) for size in sizes) for least in row["components_ge_k"]} == (
            row["components_ge_k"])
        members = sorted(sorted(int(id) for id in one["evidence"]) for one in mine)
        for largest in row["largest"]:
            assert sorted(largest["rows"]) in members


def test_three_agencies_at_one_accident(tmp_path: Path) -> None:
    by = "by: [place.district, place.address]\nmeasure: {distinct: category}"
    rows = truth()["accident_join"]["data"]
    rules = [rule(f"j{row['gap_s']}-{least}", "threshold",
                  f"{by}\nwindow: {{type: session, gap: {row['gap_s']}s, max: 7d}}\ncondition: {{gte: {least}}}", ANY)
             for row in rows for least in (2, 3)]
    found, _ = backtest(tmp_path, "\n\n".join(rules))
    counts = Counter(one.rule for one in found)
    for row in rows:
        three, two = (counts[f"j{row['gap_s']}-{least}"] for least in (3, 2))
        assert (three, two - three) == (row["with_3_agencies"], row["with_2_agencies"])


def repetitions() -> list[dict[str, Any]]:
    """The rows of `dedup`."""
    found: list[dict[str, Any]] = truth()["dedup"]["data"]
    return found


def sliding(found: list[Finding], window: int) -> tuple[int, int]:
    """How many are kept and how many are repetitions."""
    mine = [one for one in found if one.rule == f"d{window}"]
    return len(mine), sum(one.count for one in mine) - len(mine)


@pytest.mark.parametrize("order", ["arrival", "time"])
def test_a_repetition_of_what_was_last_seen_is_the_same_episode(order: str, tmp_path: Path) -> None:
    rules = [rule(f"d{row['window_s']}", "match", f"by: {KEY}\nkeep_firing_for: {row['window_s']}s")
             for row in repetitions()]
    found, _ = backtest(tmp_path, "\n\n".join(rules), order)
    for row in repetitions():
        assert sliding(found, row["window_s"]) == (row["kept_sliding"], row["suppressed_sliding"])


def test_a_repetition_of_what_was_last_sent_is_held_back(tmp_path: Path) -> None:
    rules = [rule(f"f{row['window_s']}", "match", f"by: {KEY}\nsuppress_for: {row['window_s'] + 1}s")
             for row in repetitions()]
    bundle = load(write_rules(tmp_path, "\n\n".join(rules)))
    told = list(Backtest(bundle, [("calls", shared() / CALLS)], "time", finish=True).emissions())
    alerts, _ = answers(bundle, told)
    counts = Counter(one["rule"] for one in alerts)
    for row in repetitions():
        assert len(told) // len(rules) == row["events"]
        assert counts[f"f{row['window_s']}"] == row["kept_fixed"]


def test_repetitions_near_each_other_are_those_of_brute_force(tmp_path: Path) -> None:
    """A match is the first of an episode where no other came near it within the time; each is in some episode."""
    from streams.places import distance

    bundle = load(write_rules(tmp_path, rule("n", "match", "near: 300m\nkeep_firing_for: 10m", 'category == "Fire"')))
    one = Backtest(bundle, [("calls", shared() / CALLS)], "arrival", finish=True)
    final = one.final()
    mine = sorted((call for call in calls() if call.title.startswith("Fire:")), key=lambda call: (call.time, call.row))
    places = {call.row: call for call in mine}
    firsts = [call.row for at, call in enumerate(mine) if not any(
        call.time - other.time <= 600 and distance(call.lat, call.lon, other.lat, other.lon) <= 300
        for other in mine[max(0, at - 100):at])]
    opened = sorted(int(f.evidence[0]) for f in final if seconds(f.opened) == places[int(f.evidence[0])].time)
    assert opened == sorted(firsts)
    assert {int(id) for f in final for id in f.evidence} == set(places)
