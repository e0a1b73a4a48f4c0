"""Two runs side by side: by hypothesis, nothing is lost and nothing is invented; by example, what belongs together."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.findings import CLOSED, RETRACTED, Finding
from streams.tools.backtesting.compare import ADDED, CHANGED, PARTS, REMOVED, compare
from tests.responses import finding

FOR_EVER = 2**62
FINDINGS = st.lists(st.builds(
    lambda name, opened, lasts, evidence, value, place, change: finding(
        name, opened=opened, closed=None if lasts is None else opened + lasts, evidence=" ".join(evidence), value=value,
        key={"district": place}, change=change),
    st.text("abc", max_size=3), st.integers(0, 12), st.sampled_from([None, 0, 1, 5]),
    st.lists(st.sampled_from("pqrst"), max_size=3, unique=True), st.sampled_from([1, 2]), st.sampled_from("xy"),
    st.sampled_from([CLOSED, CLOSED, RETRACTED])), max_size=8)


def said(one: Finding) -> tuple[object, ...]:
    return (one.rule, str(one.key), one.opened, one.closed, one.value, tuple(one.evidence))


def kept(findings: list[Finding]) -> Counter[tuple[object, ...]]:
    return Counter(said(one) for one in findings if one.change != RETRACTED)


@given(FINDINGS, FINDINGS)
def test_the_differences_lead_from_the_old_to_the_new(old: list[Finding], new: list[Finding]) -> None:
    found = compare(old, new)
    went = Counter(said(one.old) for one in found if one.old is not None)
    came = Counter(said(one.new) for one in found if one.new is not None)
    assert kept(old) - went + came == kept(new)
    assert not went - kept(old)
    assert not went & came


@given(FINDINGS)
def test_a_run_does_not_differ_from_itself(findings: list[Finding]) -> None:
    assert compare(findings, list(reversed(findings))) == []


@given(FINDINGS, FINDINGS)
def test_what_is_changed_shares_evidence_or_time_and_says_what_differs(old: list[Finding], new: list[Finding]) -> None:
    for one in compare(old, new):
        if one.sort == CHANGED:
            assert one.old is not None
            assert one.new is not None
            ends = [FOR_EVER if part.closed is None else part.closed for part in (one.old, one.new)]
            apart = max(one.old.opened, one.new.opened) > min(ends)
            instants = all(part.closed == part.opened for part in (one.old, one.new))
            assert not apart or (instants and set(one.old.evidence) & set(one.new.evidence))
            assert one.parts == tuple(part for part in PARTS if getattr(one.old, part) != getattr(one.new, part)) != ()


OLD = finding("old", opened=10, closed=20, evidence="a b c", value=3, change=CLOSED)


@pytest.mark.parametrize(("new", "sort", "parts"), [
    (finding("n", opened=10, closed=25, evidence="a b c", value=3), CHANGED, ("closed",)),
    (finding("n", opened=10, closed=20, evidence="a b c d", value=4), CHANGED, ("value", "count", "evidence")),
    (finding("n", opened=40, closed=50, evidence="c d e", value=3), None, ()),
    (finding("n", opened=5, evidence="x y z", value=3), CHANGED, ("opened", "closed", "evidence")),
    (finding("n", opened=21, closed=30, evidence="x y z", value=3), None, ()),
])
def test_what_shares_evidence_or_time_belongs_together(new: Finding, sort: str | None, parts: tuple[str, ...]) -> None:
    found = compare([OLD], [new])
    if sort is None:
        assert [one.sort for one in found] == [REMOVED, ADDED]
        return
    assert [(one.sort, one.old, one.new, one.parts) for one in found] == [(sort, OLD, new, parts)]


def test_what_is_met_for_an_instant_belongs_together_by_its_evidence() -> None:
    old, new = (finding("n", opened=at, closed=at, evidence=proof, value=3) for at, proof in ((10, "a b"), (40, "b c")))
    assert [one.sort for one in compare([old], [new])] == [CHANGED]


def test_the_most_shared_evidence_decides() -> None:
    much = finding("much", opened=15, closed=20, evidence="b c d", value=3)
    little = finding("little", opened=10, closed=21, evidence="a e f", value=3)
    found = compare([OLD], [little, much])
    assert [(one.sort, one.finding.id) for one in found] == [(ADDED, "little"), (CHANGED, "much")]


def test_another_key_or_rule_is_another_finding() -> None:
    east = finding("n", opened=10, closed=20, evidence="a b c", value=3, key={"district": "east"})
    other = finding("n", opened=10, closed=20, evidence="a b c", value=3, rule="other")
    for new in (east, other):
        assert Counter(one.sort for one in compare([OLD], [new])) == Counter([ADDED, REMOVED])
