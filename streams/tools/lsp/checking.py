"""The check of the whole folder for an editor: files on disk, and in their place those that are open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from streams.composites import event_type, origin
from streams.problems import Problem
from streams.rulefile import read_directory
from streams.rulefile.assembling import Assembler
from streams.rulefile.silence import PREFIX
from streams.rules import FINDINGS_OF
from streams.schedules import EPOCH_DAY
from streams.tools.lsp.folder import Folder, Learnt
from streams.tools.testing.mistakes import mistakes


class Checked(msgspec.Struct, frozen=True):
    """What a check found: all problems, by the files' paths below the folder, and the folder with what it learnt."""

    problems: list[Problem]
    folder: Folder
    texts: Mapping[str, str]


def checked(directory: Path, opened: Mapping[str, str], before: Folder, today: date) -> Checked:
    """Check the folder's files. `opened` are the texts of those that are open, by their paths below the folder."""
    files, unreadable = read_directory(directory)
    files |= {path: text.encode("utf-8", "replace") for path, text in opened.items()}
    assembler = Assembler(files, "", today.toordinal() - EPOCH_DAY)
    bundle, problems = assembler.assemble()
    found = [*unreadable, *problems, *(mistakes(bundle) if bundle is not None else ())]
    observed = {name: one for name, one in assembler.names.event_types.items() if name.startswith(FINDINGS_OF)}
    rules = bundle.rules.values() if bundle is not None else ()
    findings = {**(before.learnt.findings if bundle is None else {}), **observed}
    findings |= {origin(rule.id): event_type(rule) for rule in rules if not rule.id.startswith(PREFIX)}
    drawn = assembler.names.districts
    learnt = Learnt(findings, tuple(assembler.names.zones), () if drawn is None else tuple(drawn.names))
    folder = before.having(files).told(learnt)
    texts = {path: content.decode("utf-8-sig", "replace") for path, content in files.items()}
    return Checked(sorted(found), folder, texts)
