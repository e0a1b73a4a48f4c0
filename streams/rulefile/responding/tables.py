"""The fields of the response's documents, and how those of a form of their own are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from streams import intervals
from streams.clocks import DAY, HOUR, micros, zone_of
from streams.kinds import Field
from streams.policy import STAGES
from streams.records import Micros
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import ID, KIND, TITLE
from streams.rulefile.duty import READERS as DUTY_READERS
from streams.rulefile.exceptions import READERS as EXCEPTION_READERS
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.nodes import Listing, Node, Scalar, describe
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.scalars import Bad, Passage, Reader, advise
from streams.rulefile.structures import READERS as RULE_READERS
from streams.schedules import Duty, Schedule

WAYS = ("webhook", "email", "topic", "cap")
WAY_PARTS = {  # type -> what it must have, what it may have
    "webhook": (("url",), ("secret",)),
    "email": (("to",), ()),
    "topic": (("topic",), ()),
    "cap": ((), ()),
}
CONDITION = (
    Field("when", "cel", "which alerts: a condition over `rule`, `severity`, `category`, `district`, `owner` and "
          "`labels.x`", instead="matchers"),
    Field("matchers", "texts", "in place of it: comparisons as Alertmanager writes them, all of which must hold"),
)
CHANNEL_FIELDS = (
    Field("type", "string", "the way", required=True, values=WAYS),
    Field("url", "string", "of a webhook: where to"),
    Field("secret", "string", "of a webhook: the environment variable, or file, with the key that signs it"),
    Field("to", "strings", "of e-mail: the addresses"),
    Field("topic", "string", "of a topic: its name"),
)
RECEIVER_FIELDS = (
    KIND, ID, TITLE,
    Field("channels", "channels", "how they are told: [{type: webhook, url: ...}]", required=True),
    Field("resolved", "boolean", "also that it is over", default=True),
)
BRANCH_FIELDS = (
    Field("receiver", "string", "who is told; that of the route above if not given"),
    Field("group_by", "strings", "the labels whose alerts are told together; `...` for all of them"),
    Field("group_wait", "duration", "how long to wait for others of the group before the first notification"),
    Field("group_interval", "duration", "how long before a group is told again that has changed"),
    Field("repeat_interval", "duration", "how long before a group is told again that has not"),
    Field("active", "strings", "the time windows in which it notifies; always if there are none", default=()),
    Field("muted", "strings", "the time windows in which it does not", default=()),
    Field("continue", "boolean", "routes after it are asked too", default=False),
    Field("escalation", "string", "who is told next if nobody takes it", default=""),
    Field("routes", "routes", "routes within it, the first of which takes an alert", default=()),
)
ROUTE_FIELDS = (
    KIND, ID, TITLE,
    *(msgspec.structs.replace(field, instead="") for field in CONDITION),
    *BRANCH_FIELDS,
    Field("locked", "boolean", "it comes before the routes of districts", default=False),
)
INNER_FIELDS = (*(msgspec.structs.replace(field, instead="") for field in CONDITION), *BRANCH_FIELDS)
INHIBIT_FIELDS = (
    KIND, ID, TITLE,
    Field("source", "cel", "the alerts that keep others back: a condition as in routes", required=True),
    Field("target", "cel", "the alerts that are kept back", required=True),
    Field("equal", "strings", "the labels in which the two must agree", default=()),
    Field("within", "distance", "how near the two must be"),
    Field("max_duration", "duration", "how long after it opened an alert keeps others back"),
)
SPAN_FIELDS = (
    Field("from", "local_moment", "when it begins: 2026-09-01T22:00", required=True),
    Field("to", "local_moment", "when it ends", required=True),
    Field("zone", "zone", "the time zone; the city's if not given"),
)
SILENCE_FIELDS = (
    KIND, ID, TITLE,
    Field("match", "cel", "which alerts: a condition as in routes", instead="matchers", required=True),
    Field("matchers", "texts", "in place of it: comparisons as Alertmanager writes them"),
    Field("window", "span", "from when to when: {from, to, zone}", required=True),
    Field("schedule", "schedule", "within that only at these hours: {days, from, to, zone, holidays, calendar}"),
    Field("owner", "string", "who answers for it", required=True),
    Field("reason", "string", "why nobody need be told", required=True),
    Field("ticket", "string", "where it is written down", default=""),
)
TIME_WINDOW_FIELDS = (
    KIND, ID, TITLE,
    Field("schedule", "schedule", "its hours: {days, from, to, zone, holidays, calendar}, or several", required=True,
          instead="intervals"),
    Field("intervals", "intervals", "in place of it: time intervals as Alertmanager writes them"),
)
INTERVAL_FIELDS = (
    Field("times", "clock_times", "from when to when, by the clocks; not across midnight"),
    Field("weekdays", "strings", "`monday`, `monday:friday`; from sunday on"),
    Field("days_of_month", "strings", "`1`, `1:7`, `-1` for the last, `-7:-1`"),
    Field("months", "strings", "`may`, `november:december`, `2:5`"),
    Field("years", "strings", "`2027`, `2026:2028`"),
    Field("location", "string", "the time zone; UTC if not given"),
)
CLOCK_FIELDS = (
    Field("start_time", "string", "when it begins: `07:30`", required=True),
    Field("end_time", "string", "when it is over: `24:00` at the latest", required=True),
)
GUARD_FIELDS = (
    KIND, ID, TITLE,
    Field("when", "cel", "the alerts that nothing keeps back: a condition as in routes", required=True),
    Field("owner", "string", "who answers for it", required=True),
)
STEP_FIELDS = (
    Field("after", "duration", "how long after the case was born", required=True),
    Field("notify", "string", "the receiver that is told", required=True),
    Field("unless", "string", "not if the case has come so far", values=STAGES),
    Field("raise", "positive", "by how much the level of escalation rises"),
)
ESCALATION_FIELDS = (KIND, ID, TITLE, Field("steps", "chain", "one after the other", required=True))
OWNER_FIELDS = (
    Field("unit", "string", "who is responsible", required=True),
    Field("category", "string", "for which category; any if not given", default=""),
    Field("district", "string", "in which district; any if not given", default=""),
    Field("grid", "string", "in which cell of the grid; any if not given", default=""),
)
OWNERSHIP_FIELDS = (
    KIND, ID, TITLE,
    Field("owners", "owners", "who is responsible for what: the most specific line wins", default=()),
    Field("fallback", "string", "who is responsible where no line says so"),
)
STORM_FIELDS = (
    KIND, ID, TITLE,
    Field("alerts", "positive", "after so many notifications a receiver gets a digest", required=True),
    Field("per", "duration", "within this time", required=True),
)
DEADLINES_FIELDS = (
    KIND, ID, TITLE,
    *(msgspec.structs.replace(field, instead="") for field in CONDITION),
    Field("within", "stages", "how long until each stage: {accepted: 60s, on_scene: 8m}", required=True),
    Field("escalation", "string", "who is told when one is missed", default=""),
)
RESPONSE_FIELDS = (
    KIND, ID,
    Field("compat", "string", "behave as another system does where ours differs on purpose", values=("alertmanager",)),
    Field("resolved_through_silence", "boolean", "that it is over is told in spite of a silence", default=True),
    Field("ack_timeout", "duration", "how long an acknowledgement holds while the alert fires", default=4 * HOUR),
    Field("auto_close", "duration", "how long an alert that is over stays in the list while nobody has seen it",
          default=DAY),
)
TEST_FIELDS = (
    KIND, ID, TITLE,
    Field("tests", "response_tests", "time lines of alerts and of what people do, with what must come of them",
          required=True),
)
TABLES: Mapping[str, tuple[Field, ...]] = {
    "response_test": TEST_FIELDS,
    "receiver": RECEIVER_FIELDS, "route": ROUTE_FIELDS, "inhibit": INHIBIT_FIELDS, "silence": SILENCE_FIELDS,
    "time_window": TIME_WINDOW_FIELDS, "guard": GUARD_FIELDS, "escalation": ESCALATION_FIELDS,
    "ownership": OWNERSHIP_FIELDS, "storm": STORM_FIELDS, "deadlines": DEADLINES_FIELDS, "response": RESPONSE_FIELDS,
}


class Moment(msgspec.Struct, frozen=True):
    """A local date and time as written."""

    naive: datetime

    def at(self, zone: str) -> Micros:
        """The instant; of two that the clocks show so, the first."""
        return micros(self.naive.replace(tzinfo=zone_of(zone)))


def read_moment(node: Node, field: Field, report: Report) -> Moment:
    """`2026-09-01T22:00`, by the clocks of a zone that stands beside it."""
    text = scalars.scalar(node, "a date and time").text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        hint = "write it as the clocks of the zone show it: 2026-09-01T22:00"
        raise Bad(codes.BAD_DATE, node.spot, f"{describe(node)} is not a local date and time", hint)
    return Moment(found)


def _each(table: Iterable[Field], what: str) -> Reader:
    """A reader of a list of mappings, as `Values`."""

    def read(node: Node, field: Field, report: Report) -> tuple[Values, ...]:
        if not isinstance(node, Listing) or not node.entries:
            raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} stands where a list belongs: [{{{what}}}]")
        return tuple(read_fields(entry, table, READERS, report, what) for entry in node.entries)

    return read


def read_channels(node: Node, field: Field, report: Report) -> tuple[Values, ...]:
    """The ways to a receiver, each with what its type needs and nothing else."""
    found: tuple[Values, ...] = _each(CHANNEL_FIELDS, "a channel")(node, field, report)
    for values in found:
        needed, allowed = WAY_PARTS.get(values.get("type", ""), ((), tuple(one.name for one in CHANNEL_FIELDS)))
        for name in needed:
            if name not in values.node.pairs:
                report.add(codes.MISSING_FIELD, values.spot(), f"a {values['type']} channel needs `{name}`")
        for name in values.read:
            if name not in ("type", *needed, *allowed):
                text = f"`{name}` does not belong to a {values['type']} channel"
                report.add(codes.NOT_FOR_KIND, values.key_spot(name), text, "remove the field")
    return found


def read_span(node: Node, field: Field, report: Report) -> Values:
    """`{from, to, zone}`."""
    return read_fields(node, SPAN_FIELDS, READERS, report, "a window")


def read_intervals(node: Node, field: Field, report: Report) -> Schedule:
    """Elements of Alertmanager's `time_intervals`."""
    entries: tuple[Values, ...] = _each(INTERVAL_FIELDS, "an interval")(node, field, report)
    duties: list[Duty] = []
    for entry in entries:
        times = [one.read for one in entry.get("times", ()) if one.sound]
        try:
            duties += intervals.duties({**entry.read, "times": times} if times else entry.read)
        except ValueError as error:
            raise Bad(codes.BAD_SCHEDULE, entry.spot(), str(error), "see the fields of an interval") from None
    return Schedule(duties)


def read_stages(node: Node, field: Field, report: Report) -> dict[str, Micros]:
    """How long until each stage of a case."""
    if not isinstance(node, MappingNode) or not node.pairs:
        hint = "write a mapping: {accepted: 60s, on_scene: 8m}"
        raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} stands where the stages belong", hint)
    found = {}
    for name, (key, value) in node.pairs.items():
        if name not in STAGES[1:]:
            report.add(codes.NOT_A_CHOICE, key.spot, f"`{name}` is no stage of a case", advise(name, STAGES[1:]))
            continue
        try:
            found[name] = scalars.read_duration(value, field, report)
        except Bad as bad:
            bad.tell(report)
    return found


def passages(values: Values, name: str) -> tuple[Passage, ...]:
    """The texts of a field with the place of each, for one read as plain texts."""
    node = values.node.get(name)
    entries: Any = node.entries if isinstance(node, Listing) else [node]
    return tuple(Passage(one.text, one) for one in entries if isinstance(one, Scalar))


READERS: dict[str, Reader] = {
    **EXCEPTION_READERS,
    **DUTY_READERS,
    "distance": scalars.read_distance,
    "local_moment": read_moment,
    "span": read_span,
    "intervals": read_intervals,
    "clock_times": _each(CLOCK_FIELDS, "a time"),
    "channels": read_channels,
    "stages": read_stages,
    "routes": _each(INNER_FIELDS, "a route"),
    "chain": _each(STEP_FIELDS, "a step"),
    "owners": _each(OWNER_FIELDS, "a line of the table"),
    "response_tests": RULE_READERS["tests"],
}
"""Of the documents of the response; `schedule` among them, as rules write it."""
