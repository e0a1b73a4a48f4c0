"""What an event of ours says, in a sentence for people on shift; times are local."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from streams.clocks import moment, parse_rfc3339, zone_of
from streams.reasons import SENTENCES, HeldReason, NotifyReason

Told: TypeAlias = Mapping[str, Any]
TOCSIN = "tocsin"
SEEN = {"new": "nobody has seen it", "acked": "seen", "returned": "over before anybody saw it", "shelved": "put aside",
        "out_of_service": "out of service", "normal": "off the list"}
"""The operators' states of an alert in words."""


class Sentences:
    """Sentences with the times of a zone."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._writers = {"alert": self._alert, "dispatch": self._dispatch, "case": self._case, "audit": self._audit,
                         "notification": self._notification}

    def of(self, event: Told) -> str:
        """The sentence of an event; "" for what another event tells already."""
        _, room, change = event["type"].split(".", 2)
        write = self._writers.get(room)
        return write(change, event) if write is not None else ""

    def hour(self, stamp: str | None) -> str:
        """A moment to the second; "" for none."""
        return "" if stamp is None else f"{moment(parse_rfc3339(stamp), zone_of(self.zone)):%m-%d %H:%M:%S}"

    def _alert(self, change: str, event: Told) -> str:
        told = event["data"]
        if change == "operator":
            until = f" until {self.hour(told['until'])}" if told["until"] else ""
            return f"{SEEN.get(told['state'], told['state'])}{until}{_by(told)}"
        if change in ("suppressed", "unsuppressed"):
            by = "; ".join(f"{SENTENCES[one['reason']]}{_named(one)}" for one in told["suppressed_by"])
            return f"nobody is told: {by}" if by else "nothing keeps it quiet any more"
        if change == "firing":
            again = "fires again" if event["sequence"] != "1" else "fires"
            where = f", in {told['district']}" if told["district"] else ""
            return f"{again}: {told['title']} ({told['severity']}{where}). {told['why']}"
        if change == "updated":
            graver = f", graver than {told['raised_from']}" if told["raised_from"] else ""
            return f"now: {told['title']} ({told['severity']}{graver}). {told['why']}"
        if change == "merged":
            return f"is one with alert {told['merged_into']}"
        if change == "retracted":
            return f"was a mistake: {told['cause'] or 'what proved it was corrected'}"
        return f"is over{', ' + told['ended'] if told['ended'] else ''}"

    def _dispatch(self, change: str, event: Told) -> str:
        told = event["data"]
        if change == "cancelled":
            return f"{told['to']} is called back: {told['reason']}"
        more = f": {told['instruction']}" if told["instruction"] else ""
        return f"{told['to']} is sent, priority {told['priority']}{more}"

    def _case(self, change: str, event: Told) -> str:
        told = event["data"]
        return f"case {told['case'][:6]}: {self._moved(change, told)}{_by(told)}"

    def _moved(self, change: str, told: Told) -> str:
        """What is new of a case."""
        if change == "overdue":
            return f"{told['stage']} is overdue since {self.hour(told['due'].get(told['stage']))}"
        if change in ("extended", "resumed"):
            left = [f"{stage} by {self.hour(at)}" for stage, at in told["due"].items() if stage not in told["stages"]]
            return f"{change}{': ' + ', '.join(left) if left else ''}"
        if change == "escalated":
            return f"{told['notify']} is told" + (f", level {told['level']}" if told["level"] else "")
        if change == "dispatched" and told["attempt"] > 1:
            return f"dispatched to {told['unit']}, attempt {told['attempt']}"
        return _CASES.get(change, change.replace("_", " ")).format_map(told)

    def _notification(self, change: str, event: Told) -> str:
        told = event["data"]
        more = f", with {len(told['alerts']) - 1} more" if len(told["alerts"]) > 1 else ""
        return "" if change == NotifyReason.ESCALATED else f"{told['receiver']} is notified: {change}{more}"

    def _audit(self, change: str, event: Told) -> str:
        told = event["data"]
        if change == "held_back" and told["reason"] != HeldReason.UNCHANGED:
            return f"held back ({told['reason']}): {told['sentence']}"
        if change == "action" and not told["done"]:
            return f"refused to {told['action']['actor']}, {told['action']['name']}: {told['sentence']}"
        return ""


_CASES = {
    "dispatched": "dispatched to {unit}", "rejected": "sent back by {unit}", "en_route": "{unit} on the way",
    "on_scene": "{unit} on the scene", "disposed": "disposed of, code {disposition}",
    "noted": "note", "supervised": "supervised, level {level}",
    "split": "a part of it is a case of its own", "merged": "is one with case {merged_into}",
    "alert_over": "its alert is over; priority {priority}",
}


def _named(hush: Told) -> str:
    of = ", ".join(name for name in (hush["by"], hush["source"]) if name)
    return f" ({of})" if of else ""


def _by(told: Told) -> str:
    who = "" if told["actor"] == TOCSIN else f", by {told['actor']}"
    return who + (f": {told['reason']}" if told["reason"] else "")
