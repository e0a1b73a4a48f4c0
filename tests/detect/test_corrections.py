"""Episodes before and after a refold: who is the same, who was retracted, who is born."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.detect.corrections import compare
from streams.judging.episodes import Episode
from streams.kinds import Identity

NEVER = 10**9


def episode(opened: int, closed: int | None, *evidence: str, finding: str = "", sequence: int = 1) -> Episode:
    return Episode(opened, closed, len(evidence), list(evidence), len(evidence), evidence[-1] if evidence else "",
                   finding=finding, sequence=sequence if finding else 0)


def told(old: list[Episode], new: list[Episode], identity: Identity) -> list[tuple[str, str, str]]:
    return [(one.change, one.episode.finding, one.merged_into) for one in compare(old, new, identity)]


def test_what_did_not_change_is_not_told_and_keeps_its_id() -> None:
    new = [episode(1, 5, "a", "b")]
    assert told([episode(1, 5, "a", "b", finding="f")], new, Identity.TIME) == []
    assert (new[0].finding, new[0].sequence, new[0].corrections) == ("f", 1, 0)


def test_an_earlier_start_is_an_update_of_the_same_finding() -> None:
    new = [episode(1, None, "z", "a", "b")]
    assert told([episode(3, None, "a", "b", finding="f", sequence=4)], new, Identity.TIME) == [("updated", "f", "")]
    assert (new[0].sequence, new[0].corrections) == (4, 1)


def test_an_end_is_told_as_closed() -> None:
    assert told([episode(3, None, "a", finding="f")], [episode(3, 9, "a")], Identity.TIME) == [("closed", "f", "")]
    assert told([episode(3, 9, "a", finding="f")], [episode(3, None, "a")], Identity.TIME) == [("updated", "f", "")]


def test_two_that_become_one_leave_one_retracted_with_its_heir() -> None:
    old = [episode(1, 5, "a", "b", finding="f"), episode(8, 12, "c", finding="g")]
    joined = [episode(1, 12, "a", "b", "x", "c")]
    assert told(old, joined, Identity.TIME) == [("retracted", "g", "f"), ("updated", "f", "")]


def test_one_that_falls_apart_keeps_the_longer_part() -> None:
    old = [episode(1, 12, "a", "b", "c", finding="f")]
    new = [episode(1, 3, "a"), episode(5, 12, "b", "c")]
    assert told(old, new, Identity.TIME) == [("opened", "", ""), ("updated", "f", "")]


def test_without_overlap_it_is_another_episode() -> None:
    old, new = [episode(1, 3, "a", finding="f")], [episode(5, 9, "b")]
    assert told(old, new, Identity.TIME) == [("retracted", "f", ""), ("opened", "", "")]


def test_instants_are_the_same_by_their_last_event_then_by_what_they_share() -> None:
    old = [episode(5, 5, "a", "x", finding="f"), episode(7, 7, "b", "y", finding="g")]
    new = [episode(5, 5, "c", "x"), episode(9, 9, "b", "z")]
    assert told(old, new, Identity.EVIDENCE) == [("updated", "f", ""), ("updated", "g", "")]
    assert told(old, [episode(5, 5, "d", "q")], Identity.EVIDENCE) == [
        ("retracted", "f", ""), ("retracted", "g", ""), ("opened", "", "")]


def test_the_longest_overlap_wins_and_of_equal_ones_the_earliest() -> None:
    old = [episode(0, 4, "a", finding="f"), episode(6, 20, "b", finding="g")]
    assert told(old, [episode(3, 19, "a", "b")], Identity.TIME) == [("retracted", "f", "g"), ("updated", "g", "")]
    old = [episode(0, 4, "a", finding="f"), episode(6, 10, "b", finding="g")]
    assert told(old, [episode(2, 8, "a", "b")], Identity.TIME) == [("retracted", "g", "f"), ("updated", "f", "")]


def test_what_is_open_overlaps_all_that_comes_after() -> None:
    old = [episode(5, None, "a", finding="f")]
    assert told(old, [episode(5, 6, "a"), episode(9, None, "b")], Identity.TIME) == [
        ("opened", "", ""), ("updated", "f", "")]


def test_the_same_last_event_goes_before_more_that_is_shared() -> None:
    old = [episode(9, 9, "a", "b", "c", "z", finding="f")]
    new = [episode(8, 8, "a", "b", "c", "y"), episode(9, 9, "q", "z")]
    assert told(old, new, Identity.EVIDENCE) == [("opened", "", ""), ("updated", "f", "")]


def test_more_that_is_shared_goes_before_an_earlier_start() -> None:
    old = [episode(9, 9, "a", "b", "z", finding="f")]
    new = [episode(7, 7, "a", "x"), episode(8, 8, "a", "b", "y")]
    assert told(old, new, Identity.EVIDENCE) == [("opened", "", ""), ("updated", "f", "")]
    new = [episode(7, 7, "a", "x"), episode(8, 8, "b", "y")]
    assert told(old, new, Identity.EVIDENCE) == [("updated", "f", ""), ("opened", "", "")]


def test_one_that_was_settled_as_open_is_known_by_its_finding() -> None:
    """The base holds it with its finding; nothing else need be alike."""
    old = [episode(1, 2, "a", finding="f", sequence=2), episode(50, None, "b", finding="g")]
    new = [episode(40, 41, "c", finding="f", sequence=1), episode(50, None, "b")]
    assert told(old, new, Identity.EVIDENCE) == [("updated", "f", "")]
    assert (new[0].sequence, new[0].corrections, new[1].finding) == (2, 1, "g")


episodes = st.lists(st.builds(
    lambda at, length, evidence: episode(at, at + length, *evidence), st.integers(0, 20), st.integers(0, 6),
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=3, unique=True)), max_size=5)


@given(episodes, episodes, st.sampled_from(list(Identity)))
def test_each_old_episode_is_heir_to_one_new_at_most_and_nothing_is_forgotten(
        old: list[Episode], new: list[Episode], identity: Identity) -> None:
    for number, one in enumerate(old):
        one.finding, one.sequence = f"f{number}", 1
    changes = compare(old, new, identity)
    inherited = [one.finding for one in new if one.finding]
    assert len(inherited) == len(set(inherited))
    gone = [change.episode.finding for change in changes if change.change == "retracted"]
    assert sorted(gone + inherited) == sorted(one.finding for one in old)
    assert sum(change.change == "opened" for change in changes) == len(new) - len(inherited)


@given(episodes, st.sampled_from(list(Identity)))
def test_the_same_again_is_no_news(old: list[Episode], identity: Identity) -> None:
    for number, one in enumerate(old):
        one.finding, one.sequence = f"f{number}", 3
    again = [episode(one.opened, one.closed, *one.evidence) for one in old]
    assert compare(old, again, identity) == []
    assert sorted(one.finding for one in again) == sorted(one.finding for one in old)


def apart(drawn: list[tuple[int, int, list[str]]]) -> list[Episode]:
    """Episodes of one key that last: they never overlap; the last may be open."""
    found, at = [], 0
    for gap, length, evidence in drawn:
        at += gap
        found.append(episode(at, at + length, *evidence))
        at += length + 1
    if found and len(drawn) % 2:
        found[-1].closed = None
    return found


lasting = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.lists(
    st.sampled_from("abcdefg"), min_size=1, max_size=3, unique=True)), max_size=4).map(apart)


def best_pairs(old: list[Episode], new: list[Episode], identity: Identity) -> dict[str, int]:
    """Which old finding becomes which new episode, by asking again and again for the best pair that is left."""
    def rank(pair: tuple[int, int]) -> Any:
        before, after = old[pair[0]], new[pair[1]]
        overlap = min(NEVER if x.closed is None else x.closed for x in (before, after)) - max(
            before.opened, after.opened)
        shared = len(set(before.evidence) & set(after.evidence))
        if identity is Identity.TIME:
            return None if overlap < 0 else (-overlap, before.opened, after.opened, *pair)
        same = before.last == after.last
        return None if not shared and not same else (not same, -shared, before.opened, after.opened, *pair)

    left = [(i, j) for i in range(len(old)) for j in range(len(new)) if rank((i, j)) is not None]
    found: dict[str, int] = {}
    while left:
        best = min(left, key=rank)
        found[old[best[0]].finding] = best[1]
        left = [pair for pair in left if pair[0] != best[0] and pair[1] != best[1]]
    return found


@given(lasting, lasting)
def test_episodes_that_last_are_matched_by_overlap(old: list[Episode], new: list[Episode]) -> None:
    check_pairs(old, new, Identity.TIME)


instants = st.lists(st.builds(lambda at, evidence: episode(at, at, *evidence), st.integers(0, 9), st.lists(
    st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True)), max_size=4, unique_by=lambda one: one.opened)


@given(instants, instants)
def test_instants_are_matched_by_evidence(old: list[Episode], new: list[Episode]) -> None:
    check_pairs(old, new, Identity.EVIDENCE)


def check_pairs(old: list[Episode], new: list[Episode], identity: Identity) -> None:
    for number, one in enumerate(old):
        one.finding, one.sequence = f"f{number}", 1
    expected = best_pairs(old, new, identity)
    changes = compare(old, new, identity)
    assert {one.finding: index for index, one in enumerate(new) if one.finding} == expected
    order = [change.change == "retracted" for change in changes]
    assert order == sorted(order, reverse=True)  # retractions first
    for change in changes:
        if change.change == "retracted":
            heirs = {one.finding: len(set(one.evidence) & set(change.episode.evidence)) for one in new if one.finding}
            assert heirs.get(change.merged_into, 0) == max([0, *heirs.values()])
            assert bool(change.merged_into) == any(heirs.values())
