"""Seven weeks of real calls by the source that comes with Tocsin: two long silences, each found once, as the feed's."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import pytest

from streams.clocks import HOUR
from streams.findings import Finding
from streams.rulefile import check_files
from streams.rules import Bundle
from streams.tools.backtest import Backtest
from tests.conftest import ROOT, needs_shared, shared
from tests.real.montco import CALLS

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]
FEED, TOWNSHIPS = "source-silent.montco911", "township-silent"
RULE = f"""
kind: absence
id: {TOWNSHIPS}
event: call.*
where: source == "montco911"
by: place.district
every: 2h
owner: hotline
"""


def bundle(*rules: str) -> Bundle:
    """The rules that come with Tocsin and one about townships, of which only these are at work."""
    folder: Path = ROOT / "rules"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    made, problems = check_files({**files, "detect/townships.yaml": RULE.encode()})
    assert made is not None, [problem.render() for problem in problems]
    return msgspec.structs.replace(made, rules={name: made.rules[name] for name in rules}, indicators={})


@cache
def found(*rules: str) -> dict[str, list[Finding]]:
    """The final findings, by rule."""
    told = Backtest(bundle(*rules), [("montco911", shared() / CALLS)]).final()
    return {rule: [one for one in told if one.rule == rule] for rule in rules}


def within(silence: Finding, townships: list[Finding]) -> list[Finding]:
    """Those that opened while the feed was silent."""
    assert silence.since is not None
    return [one for one in townships if silence.since < one.opened <= (silence.closed or 0)]


def test_both_silences_of_the_feed_are_found_once_and_not_as_68_townships() -> None:
    told = found(FEED, TOWNSHIPS)
    alone = found(TOWNSHIPS)[TOWNSHIPS]
    first, second = told[FEED]
    for one in (first, second):
        assert one.closed is not None
        assert one.since == one.opened - 3 * HOUR
        assert within(one, told[TOWNSHIPS]) == []
        assert len(within(one, alone)) >= 10  # so many would be found, beside those that are open already
    assert len({str(one.key) for one in told[TOWNSHIPS]}) == 68  # at other times they are


def test_after_the_silence_each_township_has_its_own_deadline_again() -> None:
    told = found(FEED, TOWNSHIPS)
    for silence in told[FEED]:
        again = [one for one in told[TOWNSHIPS] if one.opened == (silence.closed or 0) + 2 * HOUR]
        assert again
        assert {one.since for one in again} == {silence.closed}
