"""Problems as SARIF 2.1.0, which forges and editors show beside the lines of a change.

Every code is a rule with the text of the manual. A result keeps its fingerprint when its line moves: it is made of the
file, the document's id, the code, the text of the line and what is said of it, without numbers of lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from streams.problems import Gravity, Problem
from streams.rulefile import CODES, Code, Examined
from streams.rulefile.meanings import meaning
from streams.tools.checking.pieces import Piece, pieces

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Gravity.FATAL: "error", Gravity.BUG: "error", Gravity.WARNING: "warning", Gravity.INFO: "note"}
PAGE = "problems.md"
BASE = "SRCROOT"
PRINT = "tocsin/v1"
_LINE = re.compile(r"(:|\bline )\d+")


def sarif(found: Examined, version: str, here: Path, directory: Path) -> dict[str, Any]:
    """The log of one run. Paths are told from `here`; the manual's page is looked for in the rules' `directory`."""
    codes = sorted(CODES.values(), key=lambda one: one.code)
    page = directory / PAGE
    manual = page.resolve().as_uri() if page.is_file() else ""
    driver = {"name": "tocsin", "semanticVersion": version, "rules": [_rule(code, manual) for code in codes]}
    order = {code.code: index for index, code in enumerate(codes)}
    told = _Results(found.texts, order, here)
    results = [told.of(problem) for problem in found.problems]
    for one in found.snoozed:
        why = {"kind": "inSource", "justification": f"until {one.until}: {one.reason}"}
        results.append({**told.of(one.problem), "suppressions": [why]})
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {BASE: {"uri": f"{here.resolve().as_uri().rstrip('/')}/"}},
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: Code, manual: str) -> dict[str, Any]:
    told = meaning(code)
    found = {
        "id": code.code,
        "shortDescription": {"text": code.title[0].upper() + code.title[1:]},
        "fullDescription": {"text": told},
        "help": {"text": f"{told}\nWhat to do: {code.do}.", "markdown": f"{told}\n\n**What to do:** {code.do}."},
        "defaultConfiguration": {"level": LEVELS[code.gravity]},
    }
    return {**found, "helpUri": f"{manual}#{code.code.lower()}"} if manual else found


class _Results:
    """Makes results; equal ones are counted, so that their fingerprints differ."""

    def __init__(self, texts: Mapping[str, str], order: Mapping[str, int], here: Path) -> None:
        self.lines = {name: text.splitlines() for name, text in texts.items()}
        self.pieces: dict[str, list[Piece]] = {}
        for piece in pieces(texts):
            self.pieces.setdefault(piece.file, []).append(piece)
        self.order, self.here = order, here.resolve()
        self.seen: Counter[str] = Counter()

    def of(self, problem: Problem) -> dict[str, Any]:
        line = self._line(problem)
        end = problem.column + problem.length
        region = {"startLine": problem.line, "startColumn": problem.column, "endColumn": end}
        hint = f"\nWhat to do: {problem.hint}" if problem.hint else ""
        return {
            "ruleId": problem.code,
            "ruleIndex": self.order[problem.code],
            "level": LEVELS[problem.gravity],
            "message": {"text": problem.message + hint},
            "locations": [{"physicalLocation": {"artifactLocation": self._place(problem.file), "region": region}}],
            "partialFingerprints": {PRINT: self._print(problem, line)},
        }

    def _line(self, problem: Problem) -> str:
        lines = self.lines.get(problem.file, ())
        return lines[problem.line - 1].strip() if problem.line <= len(lines) else ""

    def _place(self, file: str) -> dict[str, str]:
        """Where a file lies: from here if it is below, else its whole address."""
        whole = (self.here / file).resolve()
        if whole.is_relative_to(self.here):
            return {"uri": quote(whole.relative_to(self.here).as_posix()), "uriBaseId": BASE}
        return {"uri": whole.as_uri()}

    def _print(self, problem: Problem, line: str) -> str:
        own = self.pieces.get(problem.file, ())
        document = next((piece.id for piece in own if piece.first <= problem.line <= piece.last), "")
        said = _LINE.sub(r"\1", problem.message)
        named = "\0".join((self._place(problem.file)["uri"], document, problem.code, line, said))
        self.seen[named] += 1
        return sha256(f"{named}\0{self.seen[named]}".encode()).hexdigest()[:32]

