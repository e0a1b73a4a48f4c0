"""Snoozes: a comment in a rule file puts a warning or an info off, until a day and for a reason.

`# tocsin: snooze TOC073 until 2027-01-01: the feed is small` stands on the line that the problem is shown at, or above
it. Several codes are joined by commas. What stops a load cannot be put off. A snooze that has run out puts nothing
off any more; that, and one that puts nothing off at all, is a problem too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from streams.problems import Gravity, Problem
from streams.rulefile import codes
from streams.rulefile.codes import CODES, Report
from streams.rulefile.spots import FileText, Spot
from streams.schedules import day_of

_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*tocsin:\s*(?P<word>\w*)(?P<rest>.*)$")
_FORM = re.compile(r"\s+(?P<codes>\w+(?:\s*,\s*\w+)*)\s+until\s+(?P<day>[^\s:]+)\s*(?::\s*(?P<reason>.*))?")
_MILD = (Gravity.WARNING, Gravity.INFO)
_OWN = tuple(one.code for one in (
    codes.BAD_SNOOZE, codes.SNOOZE_OVER, codes.SNOOZES_NOTHING, codes.UNREADABLE_TEST))


class Snooze(msgspec.Struct, frozen=True):
    """One that can be read: which codes it puts off at which line, until which day (from 1970-01-01), and why."""

    spot: Spot
    line: int
    codes: tuple[str, ...]
    until: int
    day: str
    reason: str

    def covers(self, problem: Problem) -> bool:
        """Whether it puts a problem off."""
        at = problem.file == self.spot.file.name and problem.line == self.line
        return at and problem.code in self.codes and problem.gravity in _MILD


class Snoozed(msgspec.Struct, frozen=True):
    """A problem that is put off."""

    problem: Problem
    until: str
    reason: str


def put_off(texts: Iterable[FileText], report: Report, complete: bool) -> list[Snoozed]:
    """Take what is put off out of a report, and report what is wrong with snoozes.

    Not `complete`: a mistake has kept rules from being advised on, so that a snooze may be needed that puts
    nothing off now.
    """
    read = [snooze for file in texts for snooze in _read(file, report)]
    active = [one for one in read if report.today is None or report.today < one.until]
    by_line: dict[tuple[str, int], list[Snooze]] = {}
    for one in active:
        by_line.setdefault((one.spot.file.name, one.line), []).append(one)
    found: list[Snoozed] = []
    idle = {id(one): one for one in active}
    for problem in report.problems:
        snooze = next((one for one in by_line.get((problem.file, problem.line), ()) if one.covers(problem)), None)
        if snooze is not None:
            found.append(Snoozed(problem, snooze.day, snooze.reason))
            idle.pop(id(snooze), None)
    gone = {one.problem for one in found}
    report.problems = [problem for problem in report.problems if problem not in gone]
    _tell(read, active, idle.values() if complete else (), report)
    return found


def _tell(read: Sequence[Snooze], active: Sequence[Snooze], idle: Iterable[Snooze], report: Report) -> None:
    for one in read:
        if one not in active:
            report.add(codes.SNOOZE_OVER, one.spot, f"it puts {', '.join(one.codes)} off until {one.day}: {one.reason}")
    for one in idle:
        text = f"there is no {' or '.join(one.codes)} at line {one.line}"
        report.add(codes.SNOOZES_NOTHING, one.spot, text)


def _read(file: FileText, report: Report) -> Iterator[Snooze]:
    if "tocsin:" not in file.text:
        return
    lines = file.text.splitlines()
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line)
        if found is None:
            continue
        start = file.starts[number - 1] + found.start()
        spot = file.spot(start, start + len(found[0].rstrip()))
        at = number if line[: found.start()].strip() else _next(lines, number)
        problem = _problem(found)
        if problem:
            report.add(codes.BAD_SNOOZE, spot, problem)
            continue
        form = _FORM.fullmatch(found["rest"].rstrip())
        assert form is not None
        named = tuple(re.findall(r"\w+", form["codes"]))
        yield Snooze(spot, at, named, day_of(form["day"]), form["day"], form["reason"].strip())


def _next(lines: Sequence[str], number: int) -> int:
    """The line that a comment on a line of its own stands above: the next that is neither empty nor a comment."""
    for below, line in enumerate(lines[number:], number + 1):
        if line.strip() and not line.lstrip().startswith("#"):
            return below
    return number


def _problem(found: re.Match[str]) -> str:
    """What is wrong with a snooze as written; "" if nothing is."""
    if found["word"] != "snooze":
        return f"`{found['word']}` is nothing that a comment can ask for"
    form = _FORM.fullmatch(found["rest"].rstrip())
    if form is None:
        return "it does not say which code, and until which day"
    for code in re.findall(r"\w+", form["codes"]):
        if code not in CODES:
            return f"there is no code {code}"
        if CODES[code].gravity not in _MILD or code in _OWN:
            return f"{code} cannot be put off"
    try:
        day_of(form["day"])
    except ValueError:
        return f"{form['day']!r} is not a day"
    return "" if (form["reason"] or "").strip() else "it gives no reason"
