"""What respond makes of a backtest's findings: each alert as subscribers would read it in the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from streams.findings import Finding
from streams.respond.envelopes import BESIDE
from streams.rules import Bundle
from streams.tools.answering import outputs

TOPICS = ("alerts", "shadow")


def alerts(bundle: Bundle, told: Iterable[Finding]) -> list[dict[str, Any]]:
    """The newest CloudEvent of each alert, and its topic: `shadow` where a rule is only observed; the first told first.

    `told` are all findings in the order in which they were told, not only the last word on each.
    """
    newest = dict[str, dict[str, Any]]()
    for output in outputs(bundle, told):
        if output.topic in TOPICS:
            event = orjson.loads(output.value)
            if event["type"] in BESIDE:
                continue
            newest[event["subject"]] = {"topic": output.topic, **event}
    return list(newest.values())
