"""Episodes before and after a refold: who is the same, who was retracted, who is born."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.corrections import compare
from streams.episodes import Episode
from streams.kinds import Identity


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
