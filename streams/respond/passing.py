"""What travels through the stages: one finding on its way to people, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from streams.findings import Finding, FindingRow
from streams.reasons import HeldReason
from streams.respond.picture import View
from streams.respond.rows import AlertState, Sending, Words
from streams.respond.state import Memory
from streams.rules import Bundle, Rule


class Output(msgspec.Struct, frozen=True):
    """A record to send. `topic` is alerts, dispatches, shadow, audit or vitals."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class News(msgspec.Struct, frozen=True):
    """Something to tell of an alert: `change` is firing, updated, resolved, retracted or merged.

    `state` is the alert's, `sequence` counts its news. `raised_from` is the severity before, where it has become
    graver; `digest` what an alert about other alerts counts.
    """

    alert: AlertState
    change: str
    state: str
    sequence: int
    view: View
    words: Words
    raised_from: str = ""
    digest: dict[str, Any] | None = None


class DispatchNews(msgspec.Struct, frozen=True):
    """Something to tell of an alert's dispatch: `change` is requested or cancelled."""

    about: News
    change: str
    sending: Sending
    sequence: int


class Passing:
    """One finding on its way. Stages fill in what the later ones read.

    `place` is where its row stands in the input (offset, row). `alert` is the alert it belongs to,
    None for a new one; `merged` are alerts that it joins to that one, with what was last seen of
    them; `heir` is a held-back finding that takes the place of this retracted one. `beside` is what is told although
    the finding itself is held back.
    """

    __slots__ = ("alert", "beside", "bundle", "dispatches", "finding", "heir", "merged", "news", "outputs", "place",
                 "row", "rule", "shadow", "withheld")

    def __init__(self, bundle: Bundle, row: FindingRow, place: tuple[int, int]) -> None:
        self.bundle, self.row, self.place = bundle, row, place
        self.finding: Finding = row.finding
        self.rule: Rule | None = bundle.rules.get(row.finding.rule)
        self.shadow = False
        self.alert: AlertState | None = None
        self.merged: list[tuple[AlertState, View]] = []
        self.heir: Finding | None = None
        self.news: list[News] = []
        self.dispatches: list[DispatchNews] = []
        self.withheld: list[HeldReason] = []
        self.outputs: list[Output] = []
        self.beside: list[Output] = []


Stage: TypeAlias = Callable[[Memory, Passing], HeldReason | None]
"""A stage lets a finding go on (None) or names the reason why it does not."""
