"""Times of the cases: hh:mm:ss of one day."""

from __future__ import annotations

from streams.clocks import parse_rfc3339


def instant(clock: str) -> int:
    """A time of 2 March 2026, UTC."""
    return parse_rfc3339(f"2026-03-02T{clock}Z")
