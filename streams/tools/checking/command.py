"""What `tocsin check` does with its options."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec
import orjson

from streams.problems import Gravity, Problem
from streams.rulefile import Examined, examine
from streams.texts import counted
from streams.tools.asking import Misasked
from streams.tools.checking.changes import Touched, changed_since
from streams.tools.checking.sarif import sarif
from streams.tools.revisions import NoRevision
from streams.tools.testing.mistakes import mistakes

STOPPING = (Gravity.FATAL, Gravity.BUG)
FORMATS = ("text", "json", "sarif")


def check(options: argparse.Namespace, today: date, version: str) -> int:
    """Examine and tell; the exit code. Raises Misasked."""
    gc.disable()  # everything that is made is needed to the end, and looking through it again and again takes a third
    directory: Path = options.rules
    found = _with_tests(examine(directory, today))
    if options.changed:
        found = _touched(found, directory, options.changed)
    stopping = [problem for problem in found.problems if problem.gravity in STOPPING]
    if options.quiet:
        found = msgspec.structs.replace(found, problems=stopping, snoozed=[])
    form = "json" if options.json else options.format
    if form == "sarif":
        print(orjson.dumps(sarif(found, version, Path.cwd(), directory), option=orjson.OPT_INDENT_2).decode())
    elif form == "json":
        for problem in found.problems:
            print(orjson.dumps({name: getattr(problem, name) for name in problem.__struct_fields__}).decode())
    else:
        _print(found.problems, found.texts)
        remarks = len(found.problems) - len(stopping)
        late = f", {len(found.snoozed)} snoozed" if found.snoozed else ""
        sys.stdout.flush()  # the sum comes last, also where both go to one file
        print(f"{counted(len(stopping), 'mistake')}, {counted(remarks, 'remark')}{late}", file=sys.stderr)
    return 1 if stopping else 0


def _with_tests(found: Examined) -> Examined:
    """With what is wrong with the tests of rules that are right."""
    wrong = mistakes(found.bundle) if found.bundle is not None else ()
    return msgspec.structs.replace(found, problems=sorted([*found.problems, *wrong]))


def _touched(found: Examined, directory: Path, revision: str) -> Examined:
    """Only what a change touches."""
    try:
        change = changed_since(directory, revision)
    except NoRevision as error:
        raise Misasked(f"--changed {revision}: {error}") from error
    touched = Touched(change, found.texts, f"{directory.as_posix()}/", found.bundle)
    return msgspec.structs.replace(
        found,
        problems=[problem for problem in found.problems if touched.has(problem)],
        snoozed=[one for one in found.snoozed if touched.has(one.problem)],
    )


def _print(problems: Iterable[Problem], texts: Mapping[str, str]) -> None:
    lines: dict[str, list[str]] = {}
    for problem in problems:
        if problem.file not in lines:
            lines[problem.file] = texts.get(problem.file, "").splitlines()
        print(problem.shown(lines[problem.file]))
