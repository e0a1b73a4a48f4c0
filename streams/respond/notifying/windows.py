"""Hours in which a route tells, and hours in which it does not."""

from __future__ import annotations

from collections.abc import Iterator

from streams.policy import Policy, Route
from streams.reasons import QuietReason
from streams.records import Micros
from streams.respond.notifying.state import Hush


def hushes(policy: Policy, route: Route, at: Micros) -> Iterator[Hush]:
    """What of a route's windows keeps it quiet at a moment. They are not inherited."""
    if route.active and not any(_within(policy, name, at) for name in route.active):
        yield Hush(QuietReason.OUTSIDE_HOURS, ",".join(route.active))
    for name in route.muted:
        if _within(policy, name, at):
            yield Hush(QuietReason.MUTED, name)


def _within(policy: Policy, name: str, at: Micros) -> bool:
    window = policy.windows.get(name)
    return window is not None and window.on_duty(at)
