"""From the documents of the response to the policy: inheritance, order, districts, and conditions over labels."""

from __future__ import annotations

from streams.clocks import MINUTE, SECOND, parse_rfc3339
from streams.policy import Policy, Route
from streams.rulefile import check_files

CITY = """
kind: city
id: town
zone: Europe/Paris
districts: [west, east]
---
kind: receiver
id: watch
channels: [{type: cap}]
---
kind: receiver
id: west-unit
channels: [{type: topic, topic: west.alerts}]
resolved: false
---
kind: route
id: all
receiver: watch
group_by: [district]
group_wait: 10s
routes: [{matchers: ['severity="info"'], repeat_interval: 1d}]
---
kind: route
id: grave
when: severity in ["severe", "extreme"]
locked: true
group_wait: 0s
---
kind: route
id: fires
when: category == "Fire"
continue: true
"""
WEST = """
kind: route
id: west
receiver: west-unit
---
kind: deadlines
id: west
within: {accepted: 30s}
---
kind: silence
id: market
matchers: ['severity=~"info|minor"']
window: {from: 2026-09-01T08:00, to: 2026-09-01T18:00}
owner: west
reason: market day
---
kind: inhibit
id: flood
source: severity == "extreme"
target: severity == "minor"
equal: [rule]
"""


def policy(**files: str) -> Policy:
    bundle, problems = check_files({name.replace("__", "/") + ".yaml": text.encode() for name, text in files.items()})
    assert bundle is not None, [problem.render() for problem in problems]
    return bundle.policy


def test_without_documents_nobody_is_notified() -> None:
    assert policy(city="kind: city\nid: town\n").root is None


def test_branches_inherit_from_the_trunk_and_from_one_another() -> None:
    root = policy(city=CITY).root
    assert root is not None
    locked, fires, inner = root.routes
    assert (root.path, locked.path, inner.path) == ("0", "0.0", "0.2")
    assert (locked.receiver, locked.group_by, locked.group_wait) == ("watch", ("district",), 0)
    assert (fires.group_wait, fires.go_on) == (10 * SECOND, True)
    assert inner.repeat_interval == 24 * 60 * MINUTE


def test_a_districts_routes_see_its_own_alerts_after_the_locked_ones() -> None:
    root = policy(city=CITY, districts__west__respond=WEST).root
    assert root is not None
    assert [branch.id for branch in root.routes] == ["grave", "west", "fires", ""]
    assert _takes(root.routes[1], district="west")
    assert not _takes(root.routes[1], district="east")


def test_what_a_district_keeps_quiet_is_its_own() -> None:
    found = policy(city=CITY, districts__west__respond=WEST)
    (silence,), (inhibit,) = found.silences, found.inhibits
    assert silence.begins == parse_rfc3339("2026-09-01T06:00:00Z")
    assert silence.ends == parse_rfc3339("2026-09-01T16:00:00Z")
    assert silence.match({"district": "west", "severity": "info"})
    assert not silence.match({"district": "east", "severity": "info"})
    assert inhibit.source({"district": "west", "severity": "extreme"})
    assert not inhibit.target({"severity": "minor"})


def test_a_districts_deadlines_only_shorten() -> None:
    city = CITY + "---\nkind: deadlines\nid: usual\nwithin: {accepted: 60s, on_scene: 8m}\n"
    usual, west = policy(city=city, districts__west__respond=WEST).deadlines
    assert usual.within == {"accepted": 60 * SECOND, "on_scene": 8 * MINUTE}
    assert (usual.tightens, usual.when) == (False, None)
    assert west.tightens
    assert west.when is not None
    assert west.when({"district": "west"})


def test_alertmanagers_ways_are_one_word() -> None:
    inhibit = "---\nkind: inhibit\nid: a\nsource: rule == \"x\"\ntarget: rule == \"y\"\nequal: [district]\n"
    ours = policy(city=CITY + inhibit)
    theirs = policy(city=CITY + inhibit + "---\nkind: response\nid: r\ncompat: alertmanager\n")
    assert (ours.inhibits[0].absent_equal, ours.resolved_through_silence) == (False, True)
    assert (theirs.inhibits[0].absent_equal, theirs.resolved_through_silence) == (True, False)


def test_a_condition_that_cannot_be_decided_is_not_met() -> None:
    text = CITY + "---\nkind: guard\nid: g\nwhen: labels.road == \"A1\"\nowner: o\n"
    guard = policy(city=text).guards["g"]
    assert guard({"road": "A1"})
    assert not guard({})


def test_what_only_the_city_can_decide_is_refused_in_a_districts_folder() -> None:
    route = "kind: route\nid: r\nwhen: rule == \"a\"\nreceiver: watch\nlocked: true\n"
    mine = f"kind: storm\nid: s\nalerts: 3\nper: 1m\n---\n{route}"
    files = {"city.yaml": CITY.encode(), "districts/west/x.yaml": mine.encode()}
    told = [(problem.code, problem.line) for problem in check_files(files)[1]]
    assert ("TOC200", 1) in told
    assert ("TOC200", 10) in told


def test_a_district_decides_nothing_in_another() -> None:
    table = "kind: ownership\nid: o\nowners: [{unit: a, district: east}, {unit: b}]\n"
    base = CITY + "---\nkind: ownership\nid: all\nfallback: duty\n"
    _, problems = check_files({"city.yaml": base.encode(), "districts/west/o.yaml": table.encode()})
    assert [problem.code for problem in problems if problem.file == "districts/west/o.yaml"] == ["TOC087"]
    found = policy(city=base, districts__west__o=table.replace("east", "west"))
    assert [(owner.unit, owner.district) for owner in found.owners] == [("a", "west"), ("b", "west")]
    assert found.fallback == "duty"


def _takes(route: Route, **labels: str) -> bool:
    return route.when is None or route.when(labels)
