"""Advice is true: a rule that is called covered is, and a step that is called out of reach never matches."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import MINUTE
from streams.conditions import EvalError
from streams.judging.episodes import Episode
from streams.problems import Problem
from streams.records import Event
from streams.rulefile import check_files
from streams.rulefile.advice.twins import MOST
from streams.rulefile.selection import fits
from streams.rules import Rule
from tests.folds import fold, member

BASE = b"""\
kind: event_type
id: a.b
fields: {s: string, n: int}
---
kind: event_type
id: a.c
fields: {s: string, n: int}
---
kind: source
id: x
topic: t
format: json
event: {id: record.id, type: record.type, time: record.time}
"""


def checked(*rules: str) -> tuple[dict[str, Rule], list[Problem]]:
    bundle, problems = check_files({"base.yaml": BASE, "rules.yaml": "---\n".join(rules).encode()})
    assert bundle is not None, [problem.render() for problem in problems]
    return dict(bundle.rules), problems


def told(problems: list[Problem], code: str) -> list[str]:
    return [problem.message for problem in problems if problem.code == code]


def episodes(rule: Rule, events: list[Event]) -> list[Episode]:
    """What a rule finds in some events of one key."""
    roles: dict[str, int] = {}
    for event in events:
        for bit, selector in enumerate(rule.selectors):
            meant = any(fits(type, event.type) for type in selector.types)
            if meant and (selector.where is None or holds(selector.where, event)):
                roles[event.id] = roles.get(event.id, 0) | 1 << bit
    members = [member(event.time, event.id, roles[event.id], None if rule.value is None else rule.value(event))
               for event in events if event.id in roles]
    return fold(rule.detector, members, restart=False)


def holds(where: Any, event: Event) -> bool:
    try:
        return bool(where(event))
    except EvalError:
        return False


clauses = st.sampled_from(["n > 1", "n > 2", "n == 2", 's == "p"', 's in ["p", "q"]', 'n > 2 && s == "p"',
                           'n > 1 || s == "q"', '!(n < 2)', ""])
measures = st.sampled_from(["count", "{distinct: n}", "{max: n}", "{min: n}", "{sum: n}"])
conditions = st.sampled_from(
    ["{gte: 2}", "{gt: 1}", "{gte: 3}", "{gt: 2}", "{lte: 2}", "{lt: 2}", "{lt: 3}", "{gte: 1}"])
happened = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["a.b", "a.c"]), st.sampled_from("pqr"),
                              st.integers(0, 4)), max_size=25)


def events_of(rows: list[tuple[int, str, str, int]]) -> list[Event]:
    return [Event(str(number), "x", type, at * MINUTE, at * MINUTE, None, None, {"s": s, "n": n}, 0, number)
            for number, (at, type, s, n) in enumerate(sorted(rows))]


@st.composite
def thresholds(draw: st.DrawFn) -> list[str]:
    """Two rules of one kind, key, window and measure."""
    measure, kind = draw(measures), draw(st.sampled_from(["threshold", "threshold", "match"]))
    found = []
    for name in ("one", "other"):
        where = draw(clauses)
        severity = draw(st.sampled_from(["minor", "severe"]))
        lines = [f"kind: {kind}", f"id: {name}", "event: a.b", f"severity: {severity}"]
        if kind == "threshold":
            lines += ["window: 10m", f"measure: {measure}", f"condition: {draw(conditions)}"]
        found.append("\n".join([*lines, *([f"where: '{where}'"] if where else [])]) + "\n")
    return found


@given(thresholds(), happened)
def test_a_rule_that_is_called_covered_is(rules: list[str], rows: list[tuple[int, str, str, int]]) -> None:
    bundle, problems = check_files({"base.yaml": BASE, "rules.yaml": "---\n".join(rules).encode()})
    if bundle is None:  # a condition that always holds
        return
    for problem in problems:
        if problem.code == "TOC116":
            other = bundle.rules[problem.message.split("`")[1]]
            mine = bundle.rules["one" if other.id == "other" else "other"]
            wide = episodes(other, events_of(rows))
            for one in episodes(mine, events_of(rows)):
                assert any(two.opened <= one.opened and (two.closed is None or one.closed is not None
                                                         and one.closed <= two.closed) for two in wide)


@st.composite
def sequences(draw: st.DrawFn) -> str:
    """A sequence with `until` and a `not`."""
    parts = [f"event: {draw(st.sampled_from(['a.b', 'a.c', 'a.*']))}" + (f", where: '{where}'" if where else "")
             for where in (draw(clauses) for _ in range(4))]
    steps = [f"{{name: one, {parts[0]}}}", f"{{name: no, not: {{{parts[1]}}}}}", f"{{name: two, {parts[2]}}}"]
    steps = steps if draw(st.booleans()) else [steps[0], steps[2]]
    return f"kind: sequence\nid: s\nwithin: 30m\nsteps: [{', '.join(steps)}]\nuntil: {{{parts[3]}}}\n"


@given(sequences(), happened)
def test_a_step_that_is_called_out_of_reach_never_matches(rule: str, rows: list[tuple[int, str, str, int]]) -> None:
    rules, problems = checked(rule)
    if told(problems, "TOC112"):
        assert episodes(rules["s"], events_of(rows)) == []


def test_of_many_rules_only_the_very_same_are_compared() -> None:
    many = [f"kind: match\nid: m{number}\nevent: a.b\nwhere: n > {number}\n" for number in range(MOST + 1)]
    _, problems = checked(*many, "kind: match\nid: again\nevent: a.b\nwhere: n > 7\n")
    assert told(problems, "TOC116") == ["`m7` in rules.yaml:36 holds exactly when this one does, and is as grave"]
    _, problems = checked(*many[:MOST])
    assert len(told(problems, "TOC116")) == MOST - 1


def test_a_rule_for_others_to_act_on_is_not_covered() -> None:
    rule = "kind: match\nid: {0}\nevent: a.b\nwhere: n > {1}\n{2}\n"
    for more in ("dispatch: {to: unit}", "severity: severe", "status: experimental"):
        _, problems = checked(rule.format("wide", 1, ""), rule.format("narrow", 2, more))
        assert told(problems, "TOC116") == []
    for more in ("suppress_for: 1h", "limit: {alerts: 1, per: 1h}", "status: test", "by: s"):
        _, problems = checked(rule.format("wide", 1, more), rule.format("narrow", 2, ""))
        assert told(problems, "TOC116") == []


def test_a_composite_concludes_after_what_it_reads() -> None:
    average = "window: {type: tumbling, size: 1h}\nmeasure: {avg: %s}\ncondition: {gt: 3}\n"
    _, problems = checked(
        "kind: threshold\nid: base\nevent: a.b\n" + average % "n",
        "kind: threshold\nid: top\nrule: base\nwindow: 24h\ncondition: {gte: 2}\n",
        "kind: threshold\nid: slow\nrule: top\n" + average % "value",
    )
    said = told(problems, "TOC072")
    assert said[1].startswith("concludes at once")
    assert said[1].endswith("its findings come from `base`, which waits for 30 s (disorder of x)")
    assert said[2].startswith("concludes 30 s (disorder of x) after the window's end")
    assert said[2].endswith("its findings come from `top`, which waits for 30 s (disorder of x)")
