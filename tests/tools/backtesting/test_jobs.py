"""Several jobs give what one gives, ids and all."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.rulefile import load
from streams.rules import Bundle
from streams.tools.backtest import Backtest, final_line
from streams.tools.backtesting.jobs import Jobs, family
from tests.composed import GATHERED, made
from tests.sensors import NOW, write_rules


def run(bundle: Bundle, folder: Path, jobs: int, finish: bool = True) -> Backtest:
    return Backtest(bundle, [("sensors", folder / "records.jsonl")], finish=finish, now=NOW, jobs=jobs)


@pytest.mark.parametrize("finish", [True, False])
@pytest.mark.parametrize("jobs", [2, 3])
def test_every_line_is_the_same(bundle: Bundle, folder: Path, jobs: int, finish: bool) -> None:
    one, several = run(bundle, folder, 1, finish), run(bundle, folder, jobs, finish)
    wanted = [final_line(finding) for finding in one.final()]
    assert {line["rule"] for line in wanted} == {"gas", "gas-spreads", "far-away", "silent"}
    assert len(wanted) > 50
    assert [final_line(finding) for finding in several.final()] == wanted
    assert several.summary() == one.summary()


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_rule_could_not_use_of_findings_is_counted(folder: Path, tmp_path: Path, jobs: int) -> None:
    write_rules(tmp_path)
    (tmp_path / "more.yaml").write_text("{kind: threshold, id: streets, rule: gas, by: place.address, window: 1h, "
                                        "condition: {gte: 2}, owner: gas}")
    one = run(load(tmp_path), folder, jobs)
    found = [finding for finding in one.final() if finding.rule == "gas"]
    assert one.summary()["routing"]["no_key"] >= len(found) > 0


def test_rules_that_read_findings_stay_with_those_that_they_read(bundle: Bundle) -> None:
    assert family(bundle) == {"gas", "gas-spreads"}


def test_a_job_that_ends_early_is_told(bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch,
                                       capfd: pytest.CaptureFixture[str]) -> None:
    def fails(*_: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(Jobs, "_engines", fails)
    with pytest.raises(RuntimeError, match="a job of the backtest has ended early"):
        run(bundle, folder, 2).final()


def test_rules_whose_events_are_counted_first_stay_in_one_job() -> None:
    assert family(made(GATHERED)) == {"hot", "pairs", "pair", "seen"}
