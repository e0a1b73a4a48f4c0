"""What respond remembers of alerts, of what it told and held back, and of vital signs: rows of plain data."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.clocks import BEFORE_ALL
from streams.findings import Finding
from streams.reasons import HeldReason
from streams.records import Micros
from streams.vitals import Usual

VERSION = 1


class Head(msgspec.Struct, array_like=True):
    """How far the fold has come: in its input, and in the event time of the fastest feed.

    `now` is the newest time of all: of ticks, of what people did, and of findings.
    """

    version: int = VERSION
    offset: int = -1
    newest: Micros = BEFORE_ALL
    now: Micros = BEFORE_ALL


class Mark(msgspec.Struct, array_like=True):
    """The last row taken from a partition of a sender. `forget` is always None."""

    offset: int
    row: int
    forget: Micros | None = None


class Clock(msgspec.Struct, array_like=True):
    """How far event time has come for the rules of the same feeds. `forget` is always None."""

    newest: Micros
    forget: Micros | None = None


class Known(msgspec.Struct, array_like=True):
    """A rule with one logic, by its `ref`, that is or was at work; `gone` is when it was found missing. Never ends."""

    feeds: str
    gone: Micros | None = None
    forget: Micros | None = None


class Sent(msgspec.Struct, array_like=True):
    """An opening that was sent, from which `suppress_for` counts. Its row's name is `of the rule and key/finding`."""

    opened: Micros
    finding: str
    forget: Micros | None
    rule: str = ""


class Held(msgspec.Struct, array_like=True):
    """A finding that is held back by `suppress_for` or `limit`, as last told; `reason` says by which."""

    finding: Finding
    forget: Micros | None
    reason: str = HeldReason.SUPPRESSED.value


class Words(msgspec.Struct, frozen=True, array_like=True):
    """What an alert says of its rule, as people last read it."""

    title: str
    summary: str
    headline: str  # the rule's own title
    severity: str
    category: str
    certainty: str
    owner: str
    runbook: str


class Flood(msgspec.Struct, array_like=True):
    """What `limit` knows of a rule.

    `told` are the times of the alerts that were sent lately. While more come than are sent, `alert` is the id of the
    one that counts them ("": there is none), `sequence` how often it was told; `since` and `last` are when the first
    and the last was held back, `keys` how many of each key, `severity` the gravest, `words` what was last said.
    `quiet` is the first tick of the wall after the last one.
    """

    rule: str
    shadow: bool
    told: list[Micros]
    alert: str = ""
    sequence: int = 0
    since: Micros = 0
    last: Micros = 0
    count: int = 0
    keys: dict[str, int] = {}
    severity: str = ""
    words: Words | None = None
    quiet: Micros | None = None
    forget: Micros | None = None


class Sending(msgspec.Struct, array_like=True):
    """The dispatch of an alert. `sequence` counts what was told of it; `open` until it is cancelled."""

    to: str
    priority: int
    instruction: str
    sequence: int = 0
    open: bool = True


class AlertState(msgspec.Struct, array_like=True):
    """One alert. `parts` are the findings that it stands for, oldest first, as last told; each has a row of its own.

    `birth` is where its first finding stood in the input (offset, row). Alerts of one `group` are
    merged where they share evidence; "" for those that never are. `state` is firing, resolved,
    retracted or merged; `sequence` counts what was told of it and `told` is the digest of the last.
    """

    id: str
    rule: str
    birth: tuple[int, int]
    shadow: bool
    group: str
    parts: dict[str, Finding] = {}
    state: str = ""
    sequence: int = 0
    told: bytes = b""
    words: Words | None = None
    merged_into: str = ""
    sending: Sending | None = None
    forget: Micros | None = None


class Part(msgspec.Struct, array_like=True):
    """A finding that an alert stands for, as last told; of those of one alert a younger one has a higher `number`.

    Its row is gone with that of the alert.
    """

    alert: str
    number: int
    finding: Finding
    forget: None = None


class Sign(msgspec.Struct, array_like=True):
    """The newest reading of an indicator for a key; `shown` is the status that people see. It has its own end."""

    indicator: str
    logic: str
    key: dict[str, Any]
    at: Micros
    value: Any
    count: int
    status: str
    since: Micros
    shown: str
    forget: None = None
    usual: Usual | None = None


class RollUp(msgspec.Struct, array_like=True):
    """The status of a district, or of the city, as last told. Never ends."""

    level: str
    name: str
    status: str
    since: Micros
    sequence: int
    forget: None = None


class Quiet(msgspec.Struct, array_like=True):
    """What the newest finding about a source's silence says. Never ends."""

    finding: str
    silent: bool
    forget: None = None


class Acted(msgspec.Struct, array_like=True):
    """An action that was taken: "" if it was done, else why it was `refused`; and the version that it made."""

    refused: str
    sentence: str
    version: int
    forget: Micros | None = None


class Drill(msgspec.Struct, array_like=True):
    """An exercise, by its alert: the finding that was made up, when it is over by itself, and who began it."""

    finding: Finding
    ends: Micros
    actor: str
    forget: None = None
