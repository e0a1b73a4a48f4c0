"""What is remembered of an operator's side of an alert. Plain data, kept as rows."""

from __future__ import annotations

import msgspec

from streams.records import Micros
from streams.respond.operating.table import NORMAL


class Operator(msgspec.Struct, array_like=True):
    """The operator's side of an alert. `version` counts its changes; `until` is when the state ends by itself."""

    alert: str
    district: str
    state: str = NORMAL
    version: int = 0
    firing: bool = False
    until: Micros | None = None
    actor: str = ""
    reason: str = ""
    forget: Micros | None = None
