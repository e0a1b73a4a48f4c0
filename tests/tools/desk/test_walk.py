"""The walk of one case in the manual, from its finding to its end: every command is run, and says what the page says.

`UPDATE=1 pytest tests/tools/desk/test_walk.py` writes down what they say.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.findings import CLOSED, OPENED, Finding
from streams.tools.asking import local_instant
from tests.conftest import ROOT, shipped
from tests.desks import Deployment, deployed
from tests.responses import rows

MANUAL = ROOT / "rules" / "README.md"
SECTION = re.compile(r"^### One case, from its finding to its end$(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PERSON = re.compile(r"# (?P<time>\d\d:\d\d:\d\d)(?:, (?P<name>\w+), (?P<role>\w+))?(?P<what>.*)")
DAY, RULE = "2026-03-02", "building-fire"


class Night:
    """The deployment of the walk: what detect finds in it, and who sits at which terminal when."""

    def __init__(self, home: Deployment, patch: pytest.MonkeyPatch) -> None:
        self.home, self.patch = home, patch
        self.found = 0

    def comes(self, line: str) -> None:
        """A line of the page that says when it is, and who is at work or what has happened."""
        told = PERSON.fullmatch(line)
        assert told is not None, line
        now = local_instant(f"{DAY}T{told['time']}", self.home.bundle.city.zone)
        self.home.wait_until(now)
        if told["role"] is None:
            self.home.find(rows([self._finding(now)], offset=self.found))
            return
        for name, value in (("LOGNAME", told["name"]), ("USER", told["name"]), ("TOCSIN_ROLE", told["role"])):
            self.patch.setenv(name, value)

    def _finding(self, now: int) -> Finding:
        """The first news is the call, the second that no more have come."""
        self.found += 1
        rule = self.home.bundle.rules[RULE]
        facts = {"place.address": "1 Peony Road", "place.district": "west-lake", "place.lat": 31.2, "place.lon": 121.4}
        opened = local_instant(f"{DAY}T02:14:00", self.home.bundle.city.zone)
        return Finding("walk", self.found, OPENED if self.found == 1 else CLOSED, rule.id, rule.logic,
                       {rule.by[0]: "west-lake: 1 Peony Road"}, opened, None if self.found == 1 else now, None,
                       ["c1", "c2"][:self.found], self.found, facts=facts, at=now)


def played(night: Night, block: str, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """The lines of a block as they should be."""
    for line in block.splitlines():
        if line.startswith("$ tocsin "):
            yield line
            night.home.tocsin(*shlex.split(line)[2:])
            said = capsys.readouterr()
            yield from (said.out + said.err).splitlines()
        elif line.startswith("# "):
            yield line
            night.comes(line)


def test_every_command_of_the_walk_says_what_the_manual_says(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = shipped()
    begin = local_instant(f"{DAY}T02:00:00", bundle.city.zone)
    night = Night(deployed(tmp_path, bundle, begin, monkeypatch), monkeypatch)
    text = MANUAL.read_text()
    [section] = SECTION.findall(text)
    with night.home.answering():
        blocks = {block: "\n".join(played(night, block, capsys)) + "\n" for block in BLOCK.findall(section)}
    if os.environ.get("UPDATE"):
        for block, said in blocks.items():
            text = text.replace(block, said)
        MANUAL.write_text(text)
    else:
        assert [*blocks] == [*blocks.values()]
    changes = [event["data"]["change"] for event in night.home.events("cases")]
    assert ("overdue" in changes, "escalated" in changes, changes.count("dispatched"), changes[-1]) == (
        True, True, 2, "closed")
