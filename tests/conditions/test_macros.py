"""Macros in conditions: as if their text had been written out, checked where they are used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import Definition, EvalError, Scope, clauses, compile_expression, event_scope
from streams.records import Place
from tests.conditions.events import ACCIDENT, GAS, event, told

MACROS = [
    Definition("night", {"at": "timestamp"}, "local(at).getHours() >= 22 || local(at).getHours() < 6"),
    Definition("fast", {"limit": "double"}, "speed > limit"),
    Definition("fast_at_night", {}, "fast(100) && night(time)"),
    Definition("among", {"lane": "list"}, "lane.exists(x, x == event.lane)"),
    Definition("is_lane", {"name": "string"}, "lane == name"),
    Definition("north", {"where": "place"}, "has(where.lat) && where.lat > 1.0"),
    Definition("worst", {}, "injured > 3 ? 'many' : 'few'"),
    Definition("broken", {}, "lne == 'a'"),
    Definition("around_broken", {}, "true || broken()", "macros.yaml:{}:{}".format),
]


def scope() -> Scope:
    made = event_scope([ACCIDENT], zone="Asia/Shanghai", known=[ACCIDENT, GAS])
    made.macros = {one.name: one for one in MACROS}
    return made


SCOPE = scope()
ONE = event(lane="N1", speed=120.0, injured=4, place=Place(2.0, 3.0))


@pytest.mark.parametrize(("text", "expected"), [
    ("night(time)", False),
    ("night(timestamp('2026-01-01T15:00:00Z'))", True),
    ("fast(100)", True),
    ("fast(double(injured))", True),
    ("fast(injured)", True),
    ("fast_at_night()", False),
    ("!fast_at_night()", True),
    ("among(['S1', 'N1'])", True),
    ("['S1', 'N1'].exists(x, among([x]))", True),
    ("['S1', 'N2'].exists(x, among([x]))", False),
    ("north(place) && is_lane('N' + string(1))", True),
    ("worst() == 'many'", True),
    ("fast(100) || night(reported)", True),
])
def test_a_call_is_its_text_written_out(text: str, expected: bool) -> None:
    assert compile_expression(text, SCOPE, "bool")(ONE) is expected


def test_the_variables_of_a_body_hide_nothing() -> None:
    """`among` has a variable x of its own, and a parameter named as a field."""
    expression = compile_expression("['N1'].all(x, among(['S1', x]))", SCOPE, "bool")
    assert expression(ONE) is True


def test_the_index_sees_through_a_call() -> None:
    expression = compile_expression("is_lane('N1')", SCOPE, "bool")
    assert expression.equalities == {"lane": frozenset({"N1"})}
    assert expression.decided == "lane"
    assert expression.paths == {"lane"}
    assert compile_expression("is_lane('N1') && fast(3)", SCOPE, "bool").equalities == {"lane": frozenset({"N1"})}


def test_what_fails_in_a_body_fails_the_call() -> None:
    expression = compile_expression("fast(1)", SCOPE, "bool")
    with pytest.raises(EvalError, match="speed is absent"):
        expression(event())
    assert compile_expression("fast(1) || true", SCOPE, "bool")(event()) is True


def test_a_call_is_one_clause() -> None:
    expression = compile_expression("fast_at_night() && lane == 'N1'", SCOPE, "bool")
    assert [clause.text for clause in clauses(expression)] == ["fast_at_night()", "lane == 'N1'"]
    assert [clause.outcome(ONE) for clause in clauses(expression)] == [False, True]


@pytest.mark.parametrize(("text", "expected"), [
    ("true && broken()", ("1:9 in `broken` (line 1, column 1): no event type has a field `lne` | did you mean `lane`?"
                         " (a field of traffic.accident)")),
    ("around_broken()", ("1:1 in `around_broken` (macros.yaml:1:9): in `broken` (line 1, column 1): no event type has a"
                        " field `lne` | did you mean `lane`? (a field of traffic.accident)")),
    ("night(3)", "1:1 `night` does not take int | write night(at: timestamp)"),
    ("night", "1:1 `night` is a macro, which is called | write night(at: timestamp)"),
    ("nigth(time)", "1:1 there is no function `nigth` | write night(at: timestamp)"),
    ("worst()", ("1:1 a condition is true or false, this is of type string | compare it, for example worst() =="
                ' "text"')),
])
def test_what_its_author_is_told(text: str, expected: str) -> None:
    assert told(text, SCOPE, "bool") == [expected]


def test_the_size_counts_what_is_written_out() -> None:
    made = scope()
    made.macros = {"long": Definition("long", {}, " || ".join(f"lane == '{number}'" for number in range(80)))}
    assert compile_expression("long()", made, "bool")(ONE) is False
    assert "500 are allowed" in told("long() && long() && long()", made, "bool")[0]


texts = st.sampled_from(["lane == 'N1'", "speed > 100.0", "injured > 3", "closed", "tags.exists(x, x == lane)"])


@given(texts, texts, st.sampled_from(["&&", "||"]), st.booleans())
def test_macros_mean_what_their_text_means(one: str, other: str, sign: str, absent: bool) -> None:
    made = scope()
    made.macros = {"one": Definition("one", {}, one), "pair": Definition("pair", {"b": "bool"}, f"one() {sign} b")}
    happened = event() if absent else event(lane="N1", speed=99.0, injured=4, closed=False, tags=["N1"])
    results = []
    for text in (f"pair({other})", f"({one}) {sign} ({other})"):
        try:
            results.append(compile_expression(text, made, "bool")(happened))
        except EvalError:  # which of several failures is told first may differ
            results.append("failed")
    assert results[0] == results[1]
