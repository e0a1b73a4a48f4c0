"""Cases: the walk of one, who may do what, clocks and escalation; and promises over random days of work."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.actions import Action, Refusal
from streams.clocks import HOUR, MINUTE, SECOND
from streams.policy import Deadlines, Owner, Policy, Step
from streams.records import Micros
from streams.respond.cases.life import About, CaseNews, Cases, owner_of
from streams.respond.cases.table import ENDED, STATES, TABLE
from tests.kept import Kept

POLICY = Policy(
    escalations={"p1": (Step(60 * SECOND, "duty", "accepted"), Step(8 * MINUTE, "commander", "on_scene", 1))},
    owners=(Owner("works", "Infra"), Owner("west-works", "Infra", "west"), Owner("grid-7", grid="7")),
    fallback="district-duty",
    deadlines=(
        Deadlines("usual", {"accepted": 60 * SECOND, "on_scene": 8 * MINUTE, "disposed": 2 * HOUR}, escalation="p1"),
        Deadlines("west", {"accepted": 30 * SECOND, "on_scene": HOUR}, lambda labels: labels.get("district") == "west",
                  tightens=True),
    ),
)
LABELS = {"rule": "fire", "category": "Fire", "district": "east"}
ABOUT = About("alert-1", "Fire in the market", LABELS, 0, 1, "engine-3")


def action(name: str, at: Micros, actor: str = "ann", roles: tuple[str, ...] = ("admin",), subject: str = "",
           **more: Any) -> Action:
    given = {field: more.pop(field) for field in ("reason", "expected", "districts", "units") if field in more}
    return Action(f"{name}-{at}-{actor}", at, actor, roles, f"case.{name}", subject, details=more, **given)


def opened() -> tuple[Cases, str]:
    cases = Cases(POLICY, Kept())
    told = cases.born(ABOUT, 0)
    assert [news.change for news in told] == ["registered", "dispatched"]
    return cases, told[0].case.id


def done(cases: Cases, *actions: Action) -> list[str]:
    told = []
    for one in actions:
        found = cases.act(one)
        told += [f"refused: {found.reason}"] if isinstance(found, Refusal) else [news.change for news in found]
    return told


def test_the_walk_of_a_case_with_rework() -> None:
    cases, case = opened()
    told = done(
        cases,
        action("accept", 20 * SECOND, "crew", ("unit",), case),
        action("depart", 40 * SECOND, "crew", ("unit",), case),
        action("arrive", 5 * MINUTE, "crew", ("unit",), case),
        action("dispose", HOUR, "crew", ("unit",), case, code="41"),
        action("verify", HOUR + 1, "crew", ("verifier",), case),
        action("rework", 2 * HOUR, "vera", ("verifier",), case, reason="still smoking"),
        action("accept", 2 * HOUR + SECOND, "crew", ("unit",), case),
        action("arrive", 2 * HOUR + MINUTE, "crew", ("unit",), case),
        action("dispose", 3 * HOUR, "crew", ("unit",), case, code="42"),
        action("verify", 4 * HOUR, "vera", ("verifier",), case),
        action("close", 5 * HOUR, "crew", ("admin",), case),
        action("close", 5 * HOUR, "sue", ("supervisor",), case),
    )
    assert told == ["accepted", "en_route", "on_scene", "disposed", "refused: duties", "dispatched", "accepted",
                    "on_scene", "disposed", "verified", "refused: duties", "closed"]
    found = cases.rows.cases[case]
    assert (found.attempt, found.disposition, found.missed) == (2, "42", [])
    assert found.first["accepted"] == 20 * SECOND
    assert cases.due() is None


def test_who_is_called_on_when_nobody_comes() -> None:
    cases, case = opened()
    assert cases.due() == 60 * SECOND + 1
    assert cases.advance(60 * SECOND) == []
    told = [(news.change, news.stage or news.notify, news.at) for news in cases.advance(10 * MINUTE)]
    assert told == [("overdue", "accepted", 60 * SECOND), ("escalated", "duty", 60 * SECOND),
                    ("overdue", "on_scene", 8 * MINUTE), ("escalated", "commander", 8 * MINUTE)]
    assert cases.rows.cases[case].level == 1
    assert done(cases, action("arrive", 11 * MINUTE, "crew", ("unit",), case)) == ["on_scene"]
    assert cases.rows.cases[case].missed == ["accepted", "on_scene"]


def test_at_its_last_moment_it_is_in_time() -> None:
    cases, case = opened()
    assert done(cases, action("accept", 60 * SECOND, "crew", ("unit",), case)) == ["accepted"]
    assert cases.advance(5 * MINUTE) == []
    assert cases.rows.cases[case].missed == []


def test_clocks_stand_still_while_it_is_parked() -> None:
    cases, case = opened()
    done(cases, action("park", 10 * SECOND, "sue", ("supervisor",), case, reason="owner abroad"))
    assert cases.advance(HOUR) == []
    done(cases, action("resume", HOUR, "sue", ("supervisor",), case))
    assert cases.due() == HOUR + 50 * SECOND + 1
    assert cases.rows.cases[case].state == "dispatched"


def test_an_extension_moves_what_is_due_and_keeps_what_was_promised() -> None:
    cases, case = opened()
    first = action("extend", 1, "sue", ("supervisor",), case, by=HOUR, reason="snow")
    second = action("extend", 2, "sue", ("supervisor",), case, by=HOUR, reason="snow")
    head = action("extend", 3, "hal", ("department_head",), case, by=HOUR, reason="snow")
    assert done(cases, first, second, head) == ["extended", "refused: role", "extended"]
    assert done(cases, action("accept", 2 * MINUTE, "crew", ("unit",), case)) == ["accepted"]
    assert cases.rows.cases[case].missed == ["accepted"]


def test_a_unit_sends_it_back_and_another_is_sent() -> None:
    cases, case = opened()
    told = done(cases, action("reject", 5, "crew", ("unit",), case),
                action("reject", 5, "crew", ("unit",), case, reason="no pump"),
                action("dispatch", 9, "dora", ("dispatcher",), case, unit="engine-5"),
                action("accept", 10, "crew", ("unit",), case, units=("engine-3",)),
                action("accept", 11, "crew5", ("unit",), case, units=("engine-5",)))
    assert told == ["refused: incomplete", "rejected", "dispatched", "refused: unit", "accepted"]


def test_what_is_out_of_date_or_elsewhere_is_refused() -> None:
    cases, case = opened()
    told = done(cases, action("accept", 5, "crew", ("unit",), case, expected=1),
                action("accept", 5, "crew", ("viewer",), case),
                action("accept", 5, "crew", ("unit",), case, districts=("west",)), action("accept", 5, subject="no"),
                action("close", 5, "sue", ("supervisor",), case))
    assert told == ["refused: version", "refused: role", "refused: district", "refused: unknown", "refused: state"]


def test_an_alert_that_ends_is_no_end_of_its_case() -> None:
    cases, case = opened()
    assert [news.change for news in cases.alert_over("alert-1", MINUTE)] == ["alert_over"]
    assert cases.alert_over("alert-1", MINUTE) == []
    assert (cases.rows.cases[case].state, cases.rows.cases[case].priority) == ("dispatched", 2)


def test_a_mistake_calls_back_who_is_not_there_yet() -> None:
    cases, _ = opened()
    assert [news.change for news in cases.alert_withdrawn("alert-1", "", MINUTE)] == ["cancelled"]
    other, case = opened()
    done(other, action("arrive", 5, "crew", ("unit",), case))
    assert other.alert_withdrawn("alert-1", "", MINUTE) == []


def test_of_two_alerts_that_are_one_one_case_goes_on() -> None:
    cases, _ = opened()
    cases.born(msgspec.structs.replace(ABOUT, alert="alert-2"), 1)
    assert [news.change for news in cases.alert_withdrawn("alert-1", "alert-2", 2)] == ["merged"]
    assert cases.of_alert("alert-1") is None


def test_a_part_becomes_a_case_of_its_own_and_a_report_one_without_an_alert() -> None:
    cases, case = opened()
    parts = cases.act(action("split", 5, subject=case, reason="second entrance", title="Side street"))
    assert isinstance(parts, list)
    part = parts[1]
    assert (part.case.split_from, part.case.alert, part.case.title) == (case, "", "Side street")
    told = cases.act(action("open", 9, title="Tree on the road", discovered_by="patrol", labels={"category": "Infra"}))
    assert isinstance(told, list)
    assert (told[0].case.unit, told[0].case.discovered_by) == ("works", "patrol")


def test_the_most_specific_line_says_who_is_responsible() -> None:
    wanted = {("Infra", "west", ""): "west-works", ("Infra", "east", ""): "works", ("Infra", "west", "7"): "grid-7",
              ("Fire", "east", ""): "district-duty"}
    found = {key: owner_of(POLICY, dict(zip(("category", "district", "grid"), key, strict=True))) for key in wanted}
    assert found == wanted


def test_a_district_shortens_and_never_lengthens() -> None:
    cases = Cases(POLICY, Kept())
    case = cases.born(msgspec.structs.replace(ABOUT, labels={**ABOUT.labels, "district": "west"}), 0)[0].case
    assert (case.due["accepted"], case.due["on_scene"]) == (30 * SECOND, 8 * MINUTE)


STEPS = st.tuples(
    st.sampled_from([*TABLE, "born", "over", "again", "withdrawn", "wait"]), st.integers(0, 20 * MINUTE),
    st.sampled_from(["ann", "bob", "crew"]), st.sampled_from(["unit", "supervisor", "admin", "verifier", "dispatcher"]),
    st.sampled_from(["alert-1", "alert-2"]), st.integers(0, 3))


def work(cases: Cases, step: Any, now: Micros) -> list[CaseNews]:
    """One step of a day."""
    name, _, actor, role, alert, which = step
    if name in ("born", "over", "again", "withdrawn"):
        about = msgspec.structs.replace(ABOUT, alert=alert)
        return {"born": lambda: cases.born(about, now), "over": lambda: cases.alert_over(alert, now),
                "again": lambda: cases.alert_again(alert, now),
                "withdrawn": lambda: cases.alert_withdrawn(alert, "alert-2", now)}[name]()
    known = sorted(cases.rows.cases)
    if name == "wait" or not known:
        return []
    details = {"unit": "engine-5", "code": "41", "by": HOUR, "into": known[0]}
    found = cases.act(action(name, now, actor, (role,), known[which % len(known)], reason="because", **details))
    return [] if isinstance(found, Refusal) else found


@given(st.lists(STEPS, max_size=40), st.integers(0, 40))
def test_promises_of_cases(steps: list[Any], cut: int) -> None:
    """One open case an alert; no disposer verifies or closes; no clock of a past attempt; a restart changes nothing."""
    kept, now = Kept(), 0
    cases, told = Cases(POLICY, kept), []
    for number, step in enumerate(steps):
        if number == cut:
            cases = Cases(POLICY, kept := kept.reopened())
        now += step[1]
        told += cases.advance(now)
        told += work(cases, step, now)
        open_cases = [case.alert for case in kept.cases.values() if case.state not in ENDED and case.alert]
        assert len(open_cases) == len(set(open_cases))
        assert all(case.state in STATES for case in kept.cases.values())
    whole, again, later = Cases(POLICY, Kept()), [], 0
    for step in steps:
        later += step[1]
        again += whole.advance(later)
        again += work(whole, step, later)
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(told)
    for news in told:
        if news.change in ("verified", "closed"):
            assert news.actor not in news.case.disposers
        if news.change == "overdue":
            assert news.at == news.case.due[news.stage] >= news.case.began
            assert news.stage not in news.case.stages
    versions: dict[str, int] = {}
    for news in told:
        assert news.case.version == versions.get(news.case.id, 0) + 1
        versions[news.case.id] = news.case.version
