"""What a city decided about its response, as read from `rules/respond/`: plain data; respond acts by it.

Conditions are over a *notice*: what an alert says of itself by name (`rule`, `severity`, `category`, `district`,
`owner`, the parts of its key and its own labels). Times are µs; a span of None is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from streams.clocks import DAY, HOUR
from streams.records import Micros
from streams.schedules import Schedule

Condition: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Whether a notice is meant, by its labels; it does not fail: what cannot be evaluated is not meant."""

STAGES = (
    "discovered", "registered", "dispatched", "accepted", "en_route", "on_scene", "disposed", "verified", "closed")
"""How far a case has come, in order."""
NOTICE = ("rule", "severity", "category", "district", "owner")
"""The labels that every notice has; an empty one is absent."""
ALL_LABELS = "..."
"""The only entry of a `group_by` that makes a group of each set of labels."""


class Channel(msgspec.Struct, frozen=True):
    """One way to reach a receiver: `type` is topic, webhook, email or cap; `options` are that type's own."""

    type: str
    options: Mapping[str, Any] = {}


class Receiver(msgspec.Struct, frozen=True):
    """Who is told, and how. `resolved`: also that it is over."""

    id: str
    title: str = ""
    channels: tuple[Channel, ...] = ()
    resolved: bool = True


class Route(msgspec.Struct, frozen=True):
    """One node of the routing tree.

    The first child whose condition is met takes a notice, further ones only after `go_on`; a node without such a
    child takes it itself.
    `group_by` are names of labels. `active` and `muted` name time windows; they are not inherited, all else
    is, when the file is read. `path` names the node: "0" is the root, "0.1" its second child.
    """

    path: str
    id: str
    receiver: str
    when: Condition | None = None
    group_by: tuple[str, ...] = ()
    group_wait: Micros = 30_000_000
    group_interval: Micros = 300_000_000
    repeat_interval: Micros = 14_400_000_000
    active: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    go_on: bool = False
    escalation: str = ""
    routes: tuple[Route, ...] = ()


class Inhibit(msgspec.Struct, frozen=True):
    """While an alert meets `source`, those that meet `target` and agree with it in all labels `equal` are kept back.

    A label that both lack makes them unequal unless `absent_equal`. `within` metres, if given; no longer than
    `longest` after the source opened.
    """

    id: str
    source: Condition
    target: Condition
    equal: tuple[str, ...] = ()
    within: float | None = None
    longest: Micros | None = None
    absent_equal: bool = False


class Silence(msgspec.Struct, frozen=True):
    """Who wants to hear nothing of what, why, and until when.

    It holds from `begins` until `ends` (None: open), within that only while `schedule` is on duty, if there is one.
    `with_alert`: it ends when the alert does that it was made for. `district`: it holds for that district's alone.
    """

    id: str
    match: Condition
    begins: Micros
    ends: Micros | None
    owner: str
    reason: str
    ticket: str = ""
    schedule: Schedule | None = None
    with_alert: str = ""
    district: str = ""
    text: str = ""


class Step(msgspec.Struct, frozen=True):
    """A step of an escalation: `after` so long, `unless` the case has come so far, tell `notify`, raise the level."""

    after: Micros
    notify: str
    unless: str = ""
    raises: int = 0


class Owner(msgspec.Struct, frozen=True):
    """A line of the ownership table: which unit is responsible for a category, a district, a grid cell; "" is any."""

    unit: str
    category: str = ""
    district: str = ""
    grid: str = ""

    @property
    def weight(self) -> int:
        """The most specific line wins: a grid before a district before a category."""
        return 4 * bool(self.grid) + 2 * bool(self.district) + bool(self.category)


class Storm(msgspec.Struct, frozen=True):
    """After `alerts` notifications within `per`, a receiver gets a digest every `per`; none is dropped."""

    alerts: int
    per: Micros


class Deadlines(msgspec.Struct, frozen=True):
    """How long it may be until each stage of a case, for the cases that meet `when`: by stage, `accepted: 60 s`.

    Of the city's the first that is met holds. A district's, which `tightens`, shortens what that says, and no more.
    """

    id: str
    within: Mapping[str, Micros]
    when: Condition | None = None
    escalation: str = ""
    tightens: bool = False


class Policy(msgspec.Struct, frozen=True):
    """The whole of `rules/respond/` and of the districts' parts of it.

    `root` is None where nothing routes: alerts are published and nobody is notified. `guards` are conditions that no
    silence, inhibition, window or storm limit passes over: life safety. `owners` of equal weight are in order.
    An acknowledgement holds for `ack_timeout`; what is over and nobody saw leaves the list after `auto_close`.
    `compat`: notifications are as Alertmanager makes them where ours differ on purpose.
    """

    root: Route | None = None
    receivers: Mapping[str, Receiver] = {}
    windows: Mapping[str, Schedule] = {}
    inhibits: tuple[Inhibit, ...] = ()
    silences: tuple[Silence, ...] = ()
    guards: Mapping[str, Condition] = {}
    escalations: Mapping[str, tuple[Step, ...]] = {}
    owners: tuple[Owner, ...] = ()
    fallback: str = ""
    storm: Storm | None = None
    deadlines: tuple[Deadlines, ...] = ()
    resolved_through_silence: bool = True
    ack_timeout: Micros = 4 * HOUR
    auto_close: Micros = DAY
    compat: bool = False
