"""What is remembered of notifications. Plain data, kept as rows; bounded by the alerts that are open."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from streams.records import Micros


class Hush(msgspec.Struct, frozen=True, array_like=True):
    """Why an alert is not told: a `QuietReason`; by which silence, rule or window; and the alert behind it."""

    reason: str
    by: str = ""
    source: str = ""


class Seat(msgspec.Struct, array_like=True):
    """An alert's place in a group.

    `told`: as firing, and not since that it is over. `severity` is what was told. `quiet` is what kept it back at the
    last flush, of which `flushed` says that there was one. `moved`: the alert now belongs to another group.
    """

    told: bool = False
    flushed: bool = False
    moved: bool = False
    severity: str = ""
    quiet: list[Hush] = []


class Notice(msgspec.Struct, array_like=True):
    """What an alert says now. `labels` say what it is, and nothing that changes with each event.

    `ends` is None while it fires; one that lies ahead is not yet an end. `ended` is the state that it ended with.
    `fleeting`: it is of an instant, and does not end. `place` is (lat, lon). `seats` are its groups, by key.
    """

    id: str
    labels: dict[str, str]
    starts: Micros
    ends: Micros | None = None
    place: tuple[float, float] | None = None
    fleeting: bool = False
    ended: str = "resolved"
    title: str = ""
    summary: str = ""
    runbook: str = ""
    seats: dict[str, Seat] = {}
    forget: None = None

    @property
    def severity(self) -> str:
        """How grave it is; "" if nobody says."""
        return self.labels.get("severity", "")

    def over(self, at: Micros) -> bool:
        """Whether it has ended by a moment."""
        return self.ends is not None and self.ends <= at


class Group(msgspec.Struct, array_like=True):
    """Alerts that are told together, and what was told of them last.

    `route` is the place of its route in the tree, `name` what it is called by. `next` is when it is looked at next,
    None where nobody is in it and only what was told is remembered. `told` is when that was, `firing` and `over` are
    the alerts that were in it.
    """

    key: str
    name: str
    route: str
    receiver: str
    labels: dict[str, str]
    next: Micros | None = None
    told: Micros | None = None
    firing: list[str] = []
    over: list[str] = []
    forget: Micros | None = None


class Member(msgspec.Struct, frozen=True, array_like=True):
    """An alert in a notification: `status` is firing, or how it ended (resolved, retracted, merged, moved)."""

    alert: str
    status: str
    labels: dict[str, str]
    starts: Micros
    ends: Micros | None
    title: str
    summary: str
    runbook: str


class Storm(msgspec.Struct, array_like=True):
    """How much a receiver was told lately.

    `sent` are the moments of the notifications of the last while. `due` is when the next digest is sent, None while
    there is no storm; `held` counts the notifications that it stands for, since `since`; `rules` are its alerts by
    rule, `alerts` the newest word of each, `more` how many are not kept in full.
    """

    receiver: str
    sent: list[Micros] = []
    due: Micros | None = None
    since: Micros = 0
    held: int = 0
    rules: dict[str, int] = {}
    alerts: dict[str, Member] = {}
    more: int = 0
    forget: Micros | None = None


class Quieting(msgspec.Struct, array_like=True):
    """A silence made by a person. `matchers` are sets of matchers, one of which must be met as a whole."""

    id: str
    matchers: list[list[str]]
    begins: Micros
    ends: Micros | None
    owner: str
    reason: str
    ticket: str = ""
    with_alert: str = ""
    district: str = ""
    version: int = 1
    forget: Micros | None = None


class Rows(Protocol):
    """Where it is remembered."""

    notices: dict[str, Notice]
    groups: dict[str, Group]
    storms: dict[str, Storm]
    silences: dict[str, Quieting]

    def put(self, table: str, name: str, row: Any) -> None:
        """Remember a row, new or changed."""

    def drop(self, table: str, name: str) -> None:
        """Forget a row."""


class Notification(msgspec.Struct, frozen=True):
    """Somebody is told something: who, of which group, why, and of which alerts.

    `route` is the place of the route in the tree. `digest` counts what it stands for, where there was too much to
    tell; it is of no group.
    """

    at: Micros
    receiver: str
    route: str
    group: str
    labels: dict[str, str]
    reason: str
    members: tuple[Member, ...]
    digest: dict[str, Any] | None = None


class Suppression(msgspec.Struct, frozen=True):
    """What keeps an alert back in a group has changed; nothing does if there are no `hushes`.

    `gone`: the alert has left the group without anybody having been told.
    """

    at: Micros
    alert: str
    route: str
    group: str
    labels: dict[str, str]
    hushes: tuple[Hush, ...]
    gone: bool = False
