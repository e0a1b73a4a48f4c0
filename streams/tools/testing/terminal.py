"""Results of tests as people know them from pytest: dots, failures with what differs, a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import IO, Any

from rich.console import Console

from streams.tools.expectations import differences, shown
from streams.tools.ruletest import CALLED, Compared, Result
from streams.tools.testing.coverage import Covered
from streams.tools.testing.gaps import Gap

WIDTH_AT_MOST = 100
SHOWN_AT_MOST, CLAUSES_AT_MOST = 20, 100
GREEN, RED, YELLOW, BLUE = "green", "bold red", "yellow", "cyan"


def console_on(stream: IO[str] | None = None) -> Console:
    """A console that shows texts as they are; colours on a terminal only."""
    return Console(file=stream, soft_wrap=True, highlight=False, markup=False, emoji=False)


class Writer:
    """Tells results as they come. `total` is how many there will be; `root` stands before the files of rules."""

    def __init__(self, console: Console, total: int, verbose: bool = False, root: str = "") -> None:
        self.console, self.total, self.verbose, self.root = console, total, verbose, root
        self.told: list[Result] = []
        self._file = ""
        self._column = 0

    def tell(self, result: Result) -> None:
        """One more result."""
        if self.verbose:
            self._line(result)
        else:
            self._dot(result)
        self.told.append(result)

    def end(self, gaps: Sequence[Gap], clauses: Sequence[Covered] | None = None, seconds: float = 0.0) -> None:
        """Failures, what is left open, and the numbers. `clauses` None: nobody asked for them."""
        self._close_line()
        failed = [result for result in self.told if result.problems]
        if failed:
            self._rule("FAILURES", "=", RED)
            for result in failed:
                self._failure(result)
        self._open(gaps)
        if clauses is not None:
            self._clauses(clauses)
        if failed:
            self._rule("short summary", "=", BLUE)
            for result in failed:
                self._say(f"FAILED {result.rule}: {result.name} ({result.place}) - {result.problems[0]}", RED)
            self._why([result for result in failed if result.compared])
        counts = f"{len(self.told) - len(failed)} passed, {len(failed)} failed in {seconds:.2f}s"
        self._rule(counts, "=", RED if failed else GREEN)

    def _line(self, result: Result) -> None:
        verdict, style = ("FAILED", RED) if result.problems else ("PASSED", GREEN)
        self.console.print(f"{result.place} {result.rule}: {result.name} ", end="")
        self._say(f"{verdict} [{self._percent(1):3}%]", style)

    def _dot(self, result: Result) -> None:
        if result.file != self._file or self._column >= self._width - 8:
            again = result.file == self._file
            self._close_line()
            head = "  " if again else f"{result.file} "
            self._put(head, "")
            self._file, self._column = result.file, len(head)
        self._put("F" if result.problems else ".", RED if result.problems else GREEN)
        self._column += 1

    def _close_line(self) -> None:
        if self._column:
            room = max(1, self._width - self._column - 6)
            self._say(f"{' ' * room}[{self._percent(0):3}%]", BLUE)
        self._column = 0

    def _percent(self, ahead: int) -> int:
        return 100 * (len(self.told) + ahead) // max(1, self.total)

    def _failure(self, result: Result) -> None:
        self._rule(f"{result.rule}: {result.name}", "_", RED)
        self._say(result.place, "")
        for place, text in zip(result.places, result.problems, strict=True):
            self._say(f"  {place}: {text}", RED)
        for note in result.notes:
            self._say(f"  note: {note}", YELLOW)
        for compared in result.compared:
            self._say(f"  {compared.word}:  (- expected, + found)", "")
            for sign, text in beside(compared):
                self._say(f"    {sign} {text}", {"-": RED, "+": GREEN}.get(sign, ""))

    def _why(self, failed: Sequence[Result]) -> None:
        """Where to ask why it was not as expected, by the first of those that were read."""
        where = "" if self.root in ("", "rules/") else f"--rules {quote(self.root.rstrip('/'))} "
        for result in failed[:1]:
            self._say(f"why: tocsin explain {where}--rule {result.rule} --test {quote(result.name)}", YELLOW)

    def _open(self, gaps: Sequence[Gap]) -> None:
        """What the tests leave open."""
        for lacks in ("positive", "negative"):
            found = [gap for gap in gaps if gap.lacks == lacks]
            for gap in found[:SHOWN_AT_MOST]:
                self._say(f"no {lacks} test: {gap.rule} ({self.root}{gap.file}:{gap.line})", YELLOW)
            if len(found) > SHOWN_AT_MOST:
                self._say(f"no {lacks} test: {len(found) - SHOWN_AT_MOST} more rules", YELLOW)

    def _clauses(self, clauses: Sequence[Covered]) -> None:
        """Which no test decides both ways, and how many are decided."""
        lacking = [one for one in clauses if one.lacks]
        for one in lacking[:CLAUSES_AT_MOST]:
            of = f" of the exception `{one.exception}`" if one.exception else ""
            self._say(f"not decided both ways: {one.rule}: `{one.text}`{of} {one.lacks}", YELLOW)
        if len(lacking) > CLAUSES_AT_MOST:
            self._say(f"not decided both ways: {len(lacking) - CLAUSES_AT_MOST} more; --json names all", YELLOW)
        style = YELLOW if lacking else GREEN
        self._say(f"{len(clauses) - len(lacking)} of {len(clauses)} clauses are decided both ways", style)

    @property
    def _width(self) -> int:
        return min(self.console.width, WIDTH_AT_MOST)

    def _rule(self, text: str, sign: str, style: str) -> None:
        self._say(f" {text} ".center(self._width, sign), style)

    def _say(self, text: str, style: str) -> None:
        self.console.print(text, style=style or None)

    def _put(self, text: str, style: str) -> None:
        self.console.print(text, style=style or None, end="")


def beside(compared: Compared) -> Iterator[tuple[str, str]]:
    """Expected (`-`) and found (`+`) in order; what is as expected once, with a blank for a sign."""
    word, found, expected = compared.word, compared.found, compared.expected
    for index in range(max(len(found), len(expected))):
        pair: list[list[Mapping[str, Any]]] = [list(one[index:index + 1]) for one in (found, expected)]
        if all(pair) and not differences(CALLED[word], word, *pair):
            yield " ", shown(pair[0][0])
            continue
        yield from (("-", shown(one)) for one in pair[1])
        yield from (("+", shown(one)) for one in pair[0])
