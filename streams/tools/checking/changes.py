"""Which problems a change touches: those in documents that differ from a revision of git, and in what uses them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from streams.problems import Problem
from streams.rules import Bundle
from streams.tools.checking.pieces import Piece, pieces, with_users
from streams.tools.revisions import NoRevision

_FILE = re.compile(r"^\+\+\+ b/(.*?)\t?$")
_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_GONE = re.compile(r"""^-(?:\{|.*[{,])?\s*id:\s*["']?([\w.-]+)""")
_DIFF = ("diff", "--unified=0", "--no-renames", "--no-ext-diff", "--relative", "--src-prefix=a/", "--dst-prefix=b/")
_ALWAYS = ("-c", "core.quotepath=off", "-c", "color.ui=false")


class Change(msgspec.Struct, frozen=True):
    """What differs: spans of lines by file (below the folder; None: all of it), and ids in lines that are gone."""

    spans: Mapping[str, tuple[tuple[int, int], ...] | None]
    gone: frozenset[str] = frozenset()

    def touches(self, piece: Piece, file: str) -> bool:
        """Whether a line of a piece of a file has changed, or one before or behind which lines are gone."""
        if file not in self.spans:
            return False
        spans = self.spans[file]
        return spans is None or any(first <= piece.last and last >= piece.first for first, last in spans)


def changed_since(directory: Path, revision: str) -> Change:
    """What the files of a folder differ in from a revision, new files among them. Raises NoRevision."""
    if revision.startswith("-"):
        raise NoRevision(f"{revision!r} is no revision")
    _git(directory, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", what="git knows no such revision")
    difference = _git(directory, *_DIFF, revision, "--", ".")
    new = _git(directory, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    found = read_difference(difference)
    spans = {**found.spans, **{name: None for name in new.split("\0") if name}}
    return Change(spans, found.gone)


def _git(directory: Path, *words: str, what: str = "") -> str:
    try:
        done = subprocess.run(["git", "-C", str(directory), *_ALWAYS, *words], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise NoRevision("git is not installed") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
        if "not a git repository" in told:
            raise NoRevision(f"{directory} is in no git repository, so nothing tells what has changed")
        raise NoRevision(what or told)
    return done.stdout.decode("utf-8", "replace")


def read_difference(text: str) -> Change:
    """What `git diff --unified=0` says."""
    spans: dict[str, list[tuple[int, int]]] = {}
    gone: set[str] = set()
    mine: list[tuple[int, int]] = []
    inside = False
    for line in text.split("\n"):
        file, hunk = _FILE.match(line), _HUNK.match(line)
        if line.startswith("diff --git "):
            inside = False
        elif file is not None and not inside:
            mine = spans.setdefault(file[1], [])
        elif hunk is not None:
            inside = True
            first, number = int(hunk[1]), int(hunk[2] or 1)
            mine.append((first, first + number - 1) if number else (first, first + 1))
        elif inside and (named := _GONE.match(line)):
            gone.add(named[1])
    return Change({name: tuple(found) for name, found in spans.items()}, frozenset(gone))


class Touched:
    """What of some files a change touches. `root` stands before the names of files below the folder."""

    def __init__(self, change: Change, texts: Mapping[str, str], root: str, bundle: Bundle | None) -> None:
        self.change, self.root = change, root
        every = list(pieces(texts))
        own = {piece for piece in every if change.touches(piece, piece.file.removeprefix(root))}
        names = {name.rpartition("/")[2] for name in change.spans}
        own |= {piece for piece in every if piece.files & names or piece.id in change.gone}
        ids = {piece.id for piece in own if piece.id}
        own |= {piece for piece in every if piece.id in ids}
        if any(piece.kind == "city" for piece in own):
            own = set(every)
        self.ids = ids | change.gone
        ghosts = [Piece("", 0, f"kind: {kind}\nid: {name}\n") for name in change.gone
                  for kind in ("list", "macro", "register", "event_type", "match")]
        found = with_users([*own, *ghosts, *_readers(own, every, bundle)], every)
        self.spans: dict[str, list[tuple[int, int]]] = {}
        for piece in found:
            self.spans.setdefault(piece.file, []).append((piece.first, piece.last))
        self.beside = {name for piece in found for name in piece.files}

    def has(self, problem: Problem) -> bool:
        """Whether a problem is one of them: it stands there, or names what has changed."""
        if any(first <= problem.line <= last for first, last in self.spans.get(problem.file, ())):
            return True
        if problem.file.removeprefix(self.root) in self.change.spans and problem.file not in self.spans:
            return True
        beside = problem.file.rpartition("/")[2] in self.beside
        return beside or any(f"`{name}`" in problem.message for name in self.ids)


def _readers(touched: Iterable[Piece], every: Iterable[Piece], bundle: Bundle | None) -> set[Piece]:
    """The rules that read the events of the sources among some pieces."""
    sources = {piece.id for piece in touched if piece.kind == "source"}
    if not sources or bundle is None:
        return set()
    ids = {rule.base for rule in bundle.rules.values() if rule.sources & sources}
    return {piece for piece in every if piece.id in ids}
