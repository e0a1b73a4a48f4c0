"""Operator states: the table, time-outs, who may do what; and promises over random shifts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.actions import Action, Refusal
from streams.clocks import DAY, HOUR, MINUTE
from streams.policy import Policy
from streams.records import Micros
from streams.respond.operating.operators import Change, Operators
from streams.respond.operating.table import ACTIONS, NORMAL, STATES
from tests.kept import Kept

POLICY = Policy(ack_timeout=HOUR, auto_close=DAY)


def action(name: str, at: Micros, role: str = "dispatcher", alert: str = "a", reason: str = "because",
           span: Micros = HOUR, **more: Any) -> Action:
    return Action(f"{name}-{at}", at, "ann", (role,), f"alert.{name}", alert, reason, details={"for": span}, **more)


def states(found: list[Change] | Refusal) -> list[str]:
    return [f"refused: {found.reason}"] if isinstance(found, Refusal) else [one.state for one in found]


def firing() -> Operators:
    operators = Operators(POLICY, Kept())
    assert states(operators.seen("a", True, 0, "west")) == ["new"]
    return operators


def test_an_acknowledgement_holds_for_a_time() -> None:
    operators = firing()
    assert states(operators.act(action("ack", 1))) == ["acked"]
    assert operators.due() == HOUR + 1
    assert states(operators.advance(HOUR + 1)) == ["new"]


def test_what_becomes_graver_is_new_again() -> None:
    operators = firing()
    operators.act(action("ack", 1))
    assert states(operators.seen("a", True, 2, "west")) == []
    assert states(operators.seen("a", True, 3, "west", rose=True)) == ["new"]


def test_what_is_over_and_unseen_stays_for_a_while() -> None:
    operators = firing()
    assert states(operators.seen("a", False, 5)) == ["returned"]
    assert states(operators.advance(5 + DAY)) == ["normal"]
    assert not operators.rows.operators


def test_to_see_what_is_over_ends_it_and_opens_nothing() -> None:
    operators = firing()
    operators.seen("a", False, 5)
    assert states(operators.act(action("ack", 6))) == ["normal"]
    assert operators.due() is None  # nothing of it waits for time any more
    assert states(operators.act(action("ack", 7))) == ["refused: state"]


def test_what_is_put_aside_comes_back() -> None:
    operators = firing()
    assert states(operators.act(action("shelve", 1, span=2 * HOUR))) == ["shelved"]
    assert states(operators.seen("a", False, 2)) == []
    assert states(operators.seen("a", True, 3)) == []
    assert states(operators.advance(2 * HOUR + 1)) == ["new"]


def test_for_how_long_says_the_role() -> None:
    operators = firing()
    assert states(operators.act(action("shelve", 1, span=9 * HOUR))) == ["refused: incomplete"]
    assert states(operators.act(action("shelve", 1, span=9 * HOUR, role="supervisor"))) == ["shelved"]
    assert states(operators.act(action("shelve", 2, role="viewer"))) == ["refused: role"]


def test_out_of_service_until_it_is_put_back() -> None:
    operators = firing()
    assert states(operators.act(action("out_of_service", 1))) == ["refused: role"]
    assert states(operators.act(action("out_of_service", 1, role="supervisor", reason=" "))) == ["refused: incomplete"]
    assert states(operators.act(action("out_of_service", 1, role="supervisor"))) == ["out_of_service"]
    assert states(operators.seen("a", True, 2, rose=True)) == []
    assert operators.advance(9 * DAY) == []
    assert states(operators.act(action("back_in_service", 9 * DAY, role="supervisor"))) == ["new"]


def test_what_is_out_of_date_or_elsewhere_is_refused() -> None:
    operators = firing()
    assert states(operators.act(action("ack", 1, expected=7))) == ["refused: version"]
    assert states(operators.act(action("ack", 1, districts=("east",)))) == ["refused: district"]
    assert states(operators.act(action("unack", 1))) == ["refused: state"]


STEPS = st.tuples(st.sampled_from([*ACTIONS, "fires", "ends", "rises", "gone"]), st.integers(0, 2 * HOUR),
                  st.sampled_from("ab"), st.sampled_from(["dispatcher", "supervisor"]), st.integers(MINUTE, 12 * HOUR))


def step(operators: Operators, one: Any, now: Micros) -> list[Change]:
    name, _, alert, role, span = one
    if name in ("fires", "ends", "rises"):
        return operators.seen(alert, name != "ends", now, "west", name == "rises")
    if name == "gone":
        operators.gone(alert)
        return []
    found = operators.act(action(name, now, role, alert, span=span))
    return [] if isinstance(found, Refusal) else found


@given(st.lists(STEPS, max_size=40), st.integers(0, 40))
def test_promises_of_operator_states(steps: list[Any], cut: int) -> None:
    """A restart changes nothing; versions count up; what fires is in the list, and what nobody touched is forgotten."""
    kept, now, whole = Kept(), 0, Operators(POLICY, Kept())
    operators, told, again = Operators(POLICY, kept), list[Change](), list[Change]()
    for number, one in enumerate(steps):
        if number == cut:
            operators = Operators(POLICY, kept := kept.reopened())
        now += one[1]
        told += [*operators.advance(now), *step(operators, one, now)]
        again += [*whole.advance(now), *step(whole, one, now)]
        assert all(row.state in STATES and (row.state != NORMAL or row.actor) for row in kept.operators.values())
    assert told == again
    versions = [(one.alert, one.version) for one in told if one.touched]
    assert len(set(versions)) == len(versions)
    operators.advance(now + 2 * DAY)
    assert all(row.firing or row.state in ("out_of_service", NORMAL) for row in kept.operators.values())
