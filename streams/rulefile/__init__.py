"""Rule files: a folder of YAML and CSV becomes one bundle, or all the problems in it at once.

`load` and `check` read a folder; `check_files` does the same for files in memory, which is how a
bundle travels. How it goes: `reading` makes nodes of YAML, `fields` reads a mapping by a table of
fields (`documents`, `common`, `structures`, and the kinds' own), `assembling` puts the documents in
order, `registers` and `sources` understand what rules stand on, `building` makes rules, `advice` says
what could be better. Every problem has a code from `codes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from streams.problems import Gravity, Problem, Problems
from streams.rulefile.assembling import Assembler
from streams.rulefile.codes import CODES, UNREADABLE, Code
from streams.rulefile.folder import SUFFIXES, is_page
from streams.rulefile.snoozes import Snoozed
from streams.rulefile.workshop import Workshop
from streams.rules import Bundle
from streams.schedules import EPOCH_DAY

__all__ = [
    "CODES", "SUFFIXES", "Code", "Examined", "Snoozed", "Workshop", "check", "check_files", "examine",
    "load", "read_directory", "workshop", "workshop_of",
]


def load(directory: Path) -> Bundle:
    """The bundle of a folder; raises Problems with all mistakes."""
    bundle, problems = check(directory)
    if bundle is None:
        raise Problems([problem for problem in problems if problem.gravity in (Gravity.FATAL, Gravity.BUG)])
    return bundle


class Examined(msgspec.Struct, frozen=True):
    """All there is to say of some files.

    `bundle` is None if a mistake stops it. `problems` are in order, `snoozed` those that the files put off.
    `texts` are those of the files by their names in problems.
    """

    bundle: Bundle | None
    problems: list[Problem]
    snoozed: list[Snoozed]
    texts: dict[str, str]


def examine(directory: Path, today: date | None = None) -> Examined:
    """As `check`, with what is put off and the texts of the files."""
    files, unreadable = read_directory(directory)
    assembler = Assembler(files, f"{directory.as_posix()}/", None if today is None else today.toordinal() - EPOCH_DAY)
    bundle, problems = assembler.assemble()
    texts = {f"{assembler.root}{path}": content.decode("utf-8-sig", "replace") for path, content in files.items()}
    return Examined(None if unreadable else bundle, sorted([*unreadable, *problems]), assembler.snoozed, texts)


def check(directory: Path, today: date | None = None) -> tuple[Bundle | None, list[Problem]]:
    """The bundle, None if a mistake stops it; and all problems, also warnings and infos, in order.

    `today`: tell also what is wrong because of the date, such as an exception that has expired; it stops nothing.
    """
    found = examine(directory, today)
    return found.bundle, found.problems


def workshop(directory: Path) -> Workshop:
    """The bundle of a folder, ready to make single rules again; raises Problems with all mistakes."""
    files, unreadable = read_directory(directory)
    return workshop_of(files, f"{directory.as_posix()}/", unreadable)


def workshop_of(files: Mapping[str, bytes], root: str = "", unreadable: Iterable[Problem] = ()) -> Workshop:
    """As `workshop`, for files by their path below the folder."""
    assembler = Assembler(files, root)
    bundle, problems = assembler.assemble()
    stopping = [one for one in (*unreadable, *problems) if one.gravity in (Gravity.FATAL, Gravity.BUG)]
    if bundle is None or stopping:
        raise Problems(stopping)
    return Workshop(assembler, bundle)


def check_files(
    files: Mapping[str, bytes], root: str = "", today: date | None = None
) -> tuple[Bundle | None, list[Problem]]:
    """As `check`, for files by their path below the folder; `root` stands before it in problems."""
    return Assembler(files, root, None if today is None else today.toordinal() - EPOCH_DAY).assemble()


def read_directory(directory: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """The files of a folder that can matter, by their path below it; what begins with a dot does not.

    Of the pages that people read only their names matter.
    """
    files: dict[str, bytes] = {}
    if not directory.is_dir():
        return files, [_unreadable(directory, "is not a folder")]
    problems: list[Problem] = []
    for path in sorted(directory.rglob("*")):
        below = path.relative_to(directory)
        page = is_page(below.as_posix())
        if not (page or path.suffix in SUFFIXES) or any(part.startswith(".") for part in below.parts) or path.is_dir():
            continue
        try:
            files[below.as_posix()] = b"" if page else path.read_bytes()
        except OSError as error:
            problems.append(_unreadable(path, f"cannot be read: {error.strerror}"))
    return files, problems


def _unreadable(path: Path, text: str) -> Problem:
    return Problem(path.as_posix(), 1, 1, UNREADABLE.code, text, UNREADABLE.do, UNREADABLE.gravity)
