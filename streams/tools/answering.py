"""What respond makes of findings, where there is no log: the same fold, one finding after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.findings import Finding, FindingRow, ResponseFrame
from streams.respond import Output, Respond
from streams.rules import Bundle


def outputs(bundle: Bundle, told: Iterable[Finding]) -> Iterator[Output]:
    """What is published about findings that are told in this order: all of them, not only the last word on each."""
    fold = Respond(bundle)
    for offset, finding in enumerate(told):
        yield from fold.step(offset, ResponseFrame([FindingRow("told", 0, offset, 0, finding)]))
