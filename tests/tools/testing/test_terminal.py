"""What people see of a run of tests, line by line."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console

from streams.tools.ruletest import Compared, Result
from streams.tools.testing.coverage import Covered
from streams.tools.testing.gaps import Gap
from streams.tools.testing.terminal import CLAUSES_AT_MOST, SHOWN_AT_MOST, Writer


def told(results: Iterable[Result], verbose: bool = False, gaps: Iterable[Gap] = (), width: int = 60,
         clauses: list[Covered] | None = None) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, soft_wrap=True, highlight=False, markup=False, emoji=False)
    one = list(results)
    writer = Writer(console, len(one), verbose, "rules/")
    for result in one:
        writer.tell(result)
    writer.end(list(gaps), clauses, seconds=1.234)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def passed(name: str, file: str = "rules/a.yaml") -> Result:
    return Result("crashes", name, [], [], f"{file}:3")


WRONG = Result(
    "crashes", "three [b]:smile:[/b]", ["episode 1: opened is 4m, expected 5m", "episode not expected: opened 9m"],
    ["rules/b.yaml:9", "rules/b.yaml:8"], "rules/b.yaml:7",
    [Compared("expect", [{"opened": "4m", "value": 2}, {"opened": "9m"}], [{"opened": "5m"}])],
    ["too late, and put aside, is event 1"])


def test_dots_stand_behind_their_file_with_how_far_it_is() -> None:
    lines = told([passed("a"), passed("b"), passed("c", "rules/c.yaml")])
    assert lines == [
        "rules/a.yaml ..                                       [ 66%]",
        "rules/c.yaml .                                        [100%]",
        "=============== 3 passed, 0 failed in 1.23s ================",
    ]


def test_many_dots_go_on_in_the_next_line() -> None:
    lines = told([passed(str(number)) for number in range(60)], width=50)
    assert lines[0] == "rules/a.yaml .............................  [ 48%]"
    assert lines[1].startswith("  .....")
    assert "".join(lines[:2]).count(".") == 61


def test_verbose_is_a_line_a_test() -> None:
    assert told([passed("a"), WRONG], verbose=True)[:2] == [
        "rules/a.yaml:3 crashes: a PASSED [ 50%]", "rules/b.yaml:7 crashes: three [b]:smile:[/b] FAILED [100%]"]


def test_a_failure_says_what_differs_and_where() -> None:
    assert told([WRONG])[1:] == [
        "========================= FAILURES =========================",
        "______________ crashes: three [b]:smile:[/b] _______________",
        "rules/b.yaml:7",
        "  rules/b.yaml:9: episode 1: opened is 4m, expected 5m",
        "  rules/b.yaml:8: episode not expected: opened 9m",
        "  note: too late, and put aside, is event 1",
        "  expect:  (- expected, + found)",
        "    - opened 5m",
        "    + opened 4m, value 2",
        "    + opened 9m",
        "====================== short summary =======================",
        "FAILED crashes: three [b]:smile:[/b] (rules/b.yaml:7) - episode 1: opened is 4m, expected 5m",
        "why: tocsin explain --rule crashes --test 'three [b]:smile:[/b]'",
        "=============== 0 passed, 1 failed in 1.23s ================",
    ]


def test_what_is_as_expected_stands_once() -> None:
    same = Compared("expect", [{"opened": "4m", "value": 2}, {"opened": "9m"}], [{"opened": "240s"}])
    lines = told([Result("r", "n", ["episode not expected: opened 9m"], ["f:1"], "f:1", [same])])
    assert "      opened 4m, value 2" in lines
    assert "    + opened 9m" in lines


def test_what_tests_leave_open_is_listed_but_not_without_end() -> None:
    gaps = [Gap(f"r{number}", "a.yaml", number, "negative") for number in range(SHOWN_AT_MOST + 3)]
    lines = told([], gaps=[Gap("r0", "a.yaml", 4, "positive"), *gaps])
    assert lines[0] == "no positive test: r0 (rules/a.yaml:4)"
    assert lines[1] == "no negative test: r0 (rules/a.yaml:0)"
    assert lines[-2] == "no negative test: 3 more rules"
    assert len(lines) == SHOWN_AT_MOST + 3


def test_of_the_clauses_of_a_thousand_rules_some_are_named() -> None:
    clauses = [Covered(f"r{number}", 0, "a == 1", False, True) for number in range(CLAUSES_AT_MOST + 3)]
    lines = told([], clauses=[*clauses, Covered("s", 0, "b", True, True)])
    assert lines[0] == "not decided both ways: r0: `a == 1` is never what it holds by"
    assert lines[-3:-1] == [
        "not decided both ways: 3 more; --json names all",
        f"1 of {CLAUSES_AT_MOST + 4} clauses are decided both ways"]
