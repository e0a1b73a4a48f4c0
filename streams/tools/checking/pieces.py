"""The documents of rule files as pieces of text: where each stands, what it is called, which others it names.

Read from the text alone, so that a file with mistakes has its pieces too. What a piece uses is guessed widely: a name
that stands somewhere else by accident makes one piece more, which does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from streams.rulefile.selection import branches

TEST_SUFFIX = ".test.yaml"
_BORDER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_KIND = re.compile(r"""^(?:\s*\{)?\s*kind:\s*["']?([\w-]+)""", re.MULTILINE)
_ID = re.compile(r"""(?:^|\{|,)\s*id:\s*["']?([\w.-]+)""", re.MULTILINE)
_LIST = re.compile(r"\blists\.(\w+)")
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_REGISTER = re.compile(r"""\bregister\s*[(:]\s*["']?([\w.-]+)""")
_RULE = re.compile(r"""\brule:[ ]*((?:\n\s*-\s*["']?[\w.@-]+["']?)+|\[[^\]]*\]|["']?[\w.@-]+)""")
_EVENT = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*(?:\.\*)?|\*")
_WORD = re.compile(r"[\w.@-]+")
_FILE = re.compile(r"""\bfile:\s*["']?([^\s"',}]+)""")


class Piece:
    """A document: lines `first` to `last` (from 1) of a file."""

    def __init__(self, file: str, first: int, text: str) -> None:
        self.file, self.first, self.text = file, first, text
        self.last = first + text.count("\n") - text.endswith("\n")

    @cached_property
    def kind(self) -> str:
        """Its kind; "" where it says none."""
        found = _KIND.search(self.text)
        return found[1] if found else ""

    @cached_property
    def id(self) -> str:
        """Its id; of a file of tests, that of the rule."""
        if self.file.endswith(TEST_SUFFIX):
            named = _RULE.search(self.text)
            return named[1].strip("\"'") if named else self.file.rpartition("/")[2].removesuffix(TEST_SUFFIX)
        found = _ID.search(self.text)
        return found[1] if found else ""

    @cached_property
    def gives(self) -> frozenset[str]:
        """The names by which others can use it."""
        if self.kind == "event_type":
            return frozenset(f"event {name}" for name in (self.id, "*", *branches(self.id)))
        shelf = self.kind if self.kind in ("list", "macro", "register") else "rule"
        return frozenset([f"{shelf} {self.id}"] if self.id else [])

    @cached_property
    def uses(self) -> frozenset[str]:
        """The names that stand in it."""
        found = {f"list {name}" for name in _LIST.findall(self.text)}
        found |= {f"macro {name}" for name in _CALL.findall(self.text)}
        found |= {f"register {name}" for name in _REGISTER.findall(self.text)}
        found |= {f"event {name}" for name in _EVENT.findall(self.text)}
        found |= {f"rule {name}" for part in _RULE.findall(self.text) for name in _WORD.findall(part)}
        if self.file.endswith(TEST_SUFFIX):
            found.add(f"rule {self.id}")
        return frozenset(found)

    @cached_property
    def files(self) -> frozenset[str]:
        """The files beside it that it reads, by their last name."""
        named = {name.rpartition("/")[2] for name in _FILE.findall(self.text)}
        return frozenset(named | ({f"{self.id}.csv"} if self.kind == "register" and not named else set()))


def pieces(texts: Mapping[str, str]) -> Iterator[Piece]:
    """The documents of files, by the names of the files."""
    for file, text in texts.items():
        if not file.endswith(".yaml"):
            continue
        line, start = 1, 0
        for border in _BORDER.finditer(text):
            yield Piece(file, line, text[start : border.start()])
            line += text.count("\n", start, border.start())
            start = border.start()
        yield Piece(file, line, text[start:])


def with_users(touched: Iterable[Piece], all_pieces: Iterable[Piece]) -> set[Piece]:
    """Pieces, and all that use one of them, directly or through others."""
    found = set(touched)
    users: dict[str, list[Piece]] = {}
    for piece in all_pieces:
        for name in piece.uses:
            users.setdefault(name, []).append(piece)
    waiting = list(found)
    while waiting:
        for name in waiting.pop().gives:
            for user in users.get(name, ()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
    return found
