"""What respond makes of a backtest's findings: each alert as subscribers would read it in the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from streams.findings import Finding, FindingRow, ResponseFrame
from streams.respond import Respond
from streams.rules import Bundle

TOPICS = ("alerts", "shadow")


def alerts(bundle: Bundle, told: Iterable[Finding]) -> list[dict[str, Any]]:
    """The newest CloudEvent of each alert, and its topic: `shadow` where a rule is only observed; the first told first.

    `told` are all findings in the order in which they were told, not only the last word on each.
    """
    fold, newest = Respond(bundle), dict[str, dict[str, Any]]()
    for offset, finding in enumerate(told):
        for output in fold.step(offset, ResponseFrame([FindingRow("detect", 0, offset, 0, finding)])):
            if output.topic in TOPICS:
                event = orjson.loads(output.value)
                newest[event["subject"]] = {"topic": output.topic, **event}
    return list(newest.values())
