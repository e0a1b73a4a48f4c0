"""A condition in its clauses: cut as the tree is, each true, false or failing by itself, and what is in the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conditions import EvalError, Expression, compile_expression, event_scope
from streams.conditions.clauses import clauses, logic
from streams.conditions.macros import Definition
from streams.records import Event
from tests.conditions.events import ACCIDENT, SENSORS, TIME, event

SCOPE = event_scope([ACCIDENT], lists={"watched": ["N1", "N3"]}, registers={"sensors": SENSORS})


def compiled(text: str) -> Expression:
    return compile_expression(text, SCOPE, "bool")


@pytest.mark.parametrize(("text", "found"), [
    ('lane == "N1"', ['lane == "N1"']),
    ("closed && injured > 2", ["closed", "injured > 2"]),
    ("closed || injured > 2 && speed > 3.0", ["closed", "injured > 2", "speed > 3.0"]),
    ("(closed || injured > 2) && (speed > 3.0)", ["closed", "injured > 2", "speed > 3.0"]),
    ("((closed && injured == 1) && speed == 2) && has(event.lane)",
     ["closed", "injured == 1", "speed == 2", "has(event.lane)"]),
    ("!closed", ["not closed"]),
    ("!(closed && !(injured > 1))", ["not closed", "injured > 1"]),
    ("!!(closed && injured > 1)", ["closed", "injured > 1"]),
    ("!!!(closed || injured == 1)", ["not closed", "not injured == 1"]),
    ("!(!closed)", ["closed"]),
    ("!closed == true && injured==1", ["!closed == true", "injured==1"]),
    ("!!closed == true || !!(!(closed && injured == 1))", ["!!closed == true", "not closed", "not injured == 1"]),
    ('lane == "a && b || (c" && closed', ['lane == "a && b || (c"', "closed"]),
    ("closed // x && y\n  && injured == 1 // z", ["closed", "injured == 1"]),
    ("closed ? injured == 1 && speed > 1.0 : false", ["closed ? injured == 1 && speed > 1.0 : false"]),
    ('tags.exists(t, t == "x" && closed) || closed', ['tags.exists(t, t == "x" && closed)', "closed"]),
    ('lane in lists.watched && register("sensors", lane).limit > 3.0',
     ["lane in lists.watched", 'register("sensors", lane).limit > 3.0']),
    ("injured\n  + 1 > 2", ["injured + 1 > 2"]),
    ("extra.x && true", ["extra.x", "true"]),
])
def test_it_is_cut_where_its_author_joined_it(text: str, found: list[str]) -> None:
    assert ["not " * one.negated + one.text for one in clauses(compiled(text))] == found
    for one in clauses(compiled(text)):
        assert text[one.start:].startswith(one.expression.text)


ATOMS = st.sampled_from([
    'lane == "N1"', "injured == 1", "injured > 0", "closed", 'lane != "N1 && ("', "has(event.lane)",
    "1 / injured == 1", "(closed ? closed : injured == 1)", "lane in lists.watched",
])
CONDITIONS = st.recursive(ATOMS, lambda inner: st.one_of(
    st.builds(lambda a, sign, b: f"({a} {sign} {b})", inner, st.sampled_from(["&&", "||"]), inner),
    st.builds(lambda a, sign, b: f"{a} {sign} {b}", ATOMS, st.sampled_from(["&&", "||"]), inner),
    st.builds(lambda a, signs: f"{signs}({a})", inner, st.sampled_from(["!", "!!", "! ! !", ""])),
), max_leaves=6)
EVENTS = st.builds(
    lambda fields: event(**{name: one for name, one in fields.items() if one is not None}),
    st.fixed_dictionaries({
        "lane": st.sampled_from(["N1", "N2", None]), "injured": st.sampled_from([0, 1, 2, None]),
        "closed": st.sampled_from([True, False, None]),
    }))


def outcome(expression: Expression, *args: Any) -> bool | None:
    try:
        return bool(expression(*args))
    except EvalError:
        return None


@given(CONDITIONS, EVENTS)
def test_the_clauses_together_give_what_the_whole_gives(text: str, one: Event) -> None:
    whole = compiled(text)
    assert logic(whole).outcome(one) is outcome(whole, one)


@given(CONDITIONS, EVENTS)
def test_each_clause_gives_what_its_own_text_gives(text: str, one: Event) -> None:
    for clause in clauses(compiled(text)):
        assert clause.outcome(one) is outcome(compiled(clause.expression.text), one)


@given(CONDITIONS, EVENTS)
def test_something_is_in_the_way_unless_the_whole_is_true(text: str, one: Event) -> None:
    whole = compiled(text)
    in_the_way = logic(whole).against(True, one)
    assert bool(in_the_way) is (outcome(whole, one) is not True)
    assert all(clause.outcome(one) is not (not clause.negated) for clause in in_the_way)


def test_what_is_in_the_way_of_a_choice_is_all_of_its_parts_and_of_a_chain_the_false_ones() -> None:
    found = logic(compiled('(lane == "N1" || lane == "N3") && injured > 1 && !closed'))
    told = [one.text for one in found.against(True, event(lane="N2", injured=2, closed=True))]
    assert told == ['lane == "N1"', 'lane == "N3"', "closed"]


def test_a_clause_shows_the_values_it_read_as_people_know_them() -> None:
    one = clauses(compiled('reported > timestamp("2026-01-01T00:00:00Z") && has(event.lane) && speed > 1.0'))
    told = [clause.values(event(reported=TIME, lane="N1")) for clause in one]
    assert told == [{"reported": TIME}, {"lane": "N1"}, {}]
    assert [clause.failure(event(reported=TIME, lane="N1")) for clause in one] == ["", "", "speed is absent"]


def test_a_list_is_no_value_that_was_read() -> None:
    (one,) = clauses(compiled("lane in lists.watched"))
    assert one.values(event(lane="N2")) == {"lane": "N2"}
    assert sorted(one.paths) == ["lane", "lists.watched"]


def test_a_call_of_a_macro_is_one_clause_as_its_author_wrote_it() -> None:
    scope = event_scope([ACCIDENT])
    scope.macros = {"busy": Definition("busy", {}, "closed && injured > 1")}
    found = logic(compile_expression('!(busy() && lane == "N1") || busy()', scope, "bool"))
    assert [(one.negated, one.text) for one in found.clauses()] == [
        (True, "busy()"), (True, 'lane == "N1"'), (False, "busy()")]
    (last,) = found.parts[1].against(True, event(closed=True, injured=1))
    assert last.values(event(closed=True, injured=1)) == {"closed": True, "injured": 1}
