"""The manual's page about each problem code: what it means, what its author sees, how it becomes right.

The examples are the wrong files of tests/problems with the texts beside them, and tests/problems/manual/mends.yaml says
how each is mended. They are read from a checkout: the page is made there, and shipped with the rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from streams.rulefile.codes import CODES, Code
from streams.rulefile.meanings import meaning

CASES = Path(__file__).resolve().parents[2] / "tests" / "problems"
MENDS = Path("manual") / "mends.yaml"
_HEAD = re.compile(r"(?P<file>[^\s:]+):(?P<line>\d+):\d+: \w+ (?P<code>TOC\d{3}): ")
_BLOCK = re.compile(r"^(?=\S+:\d+:\d+: )", re.MULTILINE)
WIDEST = 100  # characters of a line that is shown


class Mend(msgspec.Struct, frozen=True):
    """How a wrong case becomes right: `wrong` in its file is replaced by `right`; or in words (`said`)."""

    case: str
    file: str = ""
    wrong: str = ""
    right: str = ""
    said: str = ""

    @property
    def name(self) -> str:
        """The file that is mended."""
        return self.file or f"{self.case}.yaml"

    def mended(self, text: str) -> str:
        """The file's text, mended."""
        return text.replace(self.wrong, self.right, 1)


def mends(cases: Path = CASES) -> dict[str, Mend]:
    """The mends by code."""
    written: Mapping[str, Any] = YAML(typ="safe").load((cases / MENDS).read_text("utf-8"))
    return {code: msgspec.convert(fields, Mend) for code, fields in written.items()}


def pages(cases: Path = CASES) -> str:
    """A section for each code, in order."""
    known = mends(cases)
    ordered = sorted(CODES.values(), key=lambda one: one.code)
    return "\n".join("\n".join(_section(code, known.get(code.code), cases)) for code in ordered) + "\n"


def shown(code: str, mend: Mend, cases: Path) -> str:
    """What the author of a wrong case sees of a code: at the lines that are mended, else the first."""
    told = (cases / mend.case).with_suffix(".expected").read_text("utf-8")
    blocks = [block for block in _BLOCK.split(told) if (head := _HEAD.match(block)) and head["code"] == code]
    lines = range(*lines_of((cases / mend.name).read_bytes().decode("utf-8", "replace"), mend.wrong))
    best = [block for block in blocks if (head := _HEAD.match(block)) and int(head["line"]) in lines]
    return (best or blocks)[0].rstrip("\n")


def lines_of(text: str, part: str) -> tuple[int, int]:
    """The first of the lines, from 1, in which a part of a text stands, and the one behind the last."""
    start = text.find(part) if part else -1
    if start < 0:
        return 0, 0
    first = text.count("\n", 0, start) + 1
    return first, first + part.rstrip("\n").count("\n") + 1


def _section(code: Code, mend: Mend | None, cases: Path) -> Iterator[str]:
    yield f"### {code.code}\n\n**{code.title[0].upper()}{code.title[1:]}** ({code.gravity.value}). {meaning(code)}\n"
    if mend is None:
        yield f"To do: {code.do}.\n"
        return
    yield f"```text\n{_narrow(shown(code.code, mend, cases))}\n```\n"
    if mend.said:
        yield f"Right: {mend.said}\n"
        return
    before = (cases / mend.name).read_bytes().decode("utf-8", "replace")
    right = _narrow(_right(before, mend))
    yield f"Right:\n\n```yaml\n{right}\n```\n" if right else "Right: without that line.\n"


def _right(text: str, mend: Mend) -> str:
    """The whole lines of a mended text in which what is right stands."""
    start = text.index(mend.wrong)
    mended = mend.mended(text)
    first = mended.rfind("\n", 0, start) + 1
    if not mend.right:
        return ""
    last = mended.find("\n", start + len(mend.right.rstrip("\n")))
    return mended[first : last if last >= 0 else len(mended)]


def _narrow(text: str) -> str:
    """Long lines cut, so that the page can be read."""
    return "\n".join(line if len(line) <= WIDEST else f"{line[:WIDEST]} ..." for line in text.split("\n"))
