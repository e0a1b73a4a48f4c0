"""`schedule`: when a rule is on duty. Reads its entries and finds the holidays that a list names."""

from __future__ import annotations

import re

import msgspec

from streams.clocks import DAY, rfc3339
from streams.kinds import Field
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import READERS as DOCUMENT_READERS
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.expressions import Names
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.nodes import Listing, Node, describe
from streams.rulefile.scalars import Bad, Passage, Reader, advise
from streams.rulefile.spots import Spot
from streams.schedules import HOLIDAYS, WEEKDAYS, WHOLE_DAY, Duty, Schedule, day_of

FIELDS = (
    Field("days", "days", "the weekdays on which it begins: `mon`, `mon-fri`, or a list of them; all if not given"),
    Field("from", "local_time", "when it begins, by the clocks of the zone", default="00:00"),
    Field("to", "local_time", "when it ends; where that is not after `from`, on the next day", default="24:00"),
    Field("zone", "zone", "the time zone; the rule's if not given"),
    Field("holidays", "string", "on duty on holidays too, not on them, or only on them", values=HOLIDAYS),
    Field("calendar", "text", "the list that holds the holidays as dates: lists.public_holidays"),
)
_TIME = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")


class DutyDraft(msgspec.Struct, frozen=True):
    """An entry as written. `duty` lacks zone and holidays where they are not given."""

    duty: Duty
    zone: str | None
    calendar: Passage | None
    spot: Spot
    edges: tuple[Spot, Spot]

    @property
    def logic(self) -> object:
        """What of it decides when the rule holds."""
        name = None if self.calendar is None else self.calendar.text
        return [msgspec.to_builtins(self.duty, order="deterministic"), self.zone, name]


class ScheduleDraft(msgspec.Struct, frozen=True):
    """A schedule as written."""

    duties: tuple[DutyDraft, ...]


def read_days(node: Node, field: Field, report: Report) -> tuple[int, ...]:
    """`mon`, `mon-fri`, or a list of such, as numbers from Monday, 0."""
    named = scalars.one_or_more(node, _days)
    return tuple(sorted({day for days in named for day in days}))


def _days(node: Node) -> tuple[int, ...]:
    text = scalars.scalar(node, "a weekday").text
    first, dash, last = text.partition("-")
    for name in (first, last) if dash else (first,):
        if name not in WEEKDAYS:
            hint = advise(name, WEEKDAYS, "write one of")
            raise Bad(codes.BAD_SCHEDULE, node.spot, f"{describe(node)} is not a weekday", hint)
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last if dash else first)
    return tuple(day % 7 for day in range(begin, end + 1 if end >= begin else end + 8))


def read_local_time(node: Node, field: Field, report: Report) -> int:
    """`22:00` as minutes after midnight; `24:00` is the end of the day."""
    text = scalars.scalar(node, "a time of day").text
    found = _TIME.fullmatch(text)
    minutes = WHOLE_DAY + 1 if found is None else int(found[1]) * 60 + int(found[2])
    if minutes > WHOLE_DAY:
        raise Bad(codes.BAD_SCHEDULE, node.spot, f"{describe(node)} is not a time of day", "write for example 07:30")
    return minutes


def read_schedule(node: Node, field: Field, report: Report) -> ScheduleDraft:
    """One entry, or a list of them: on duty is who is in one of them."""
    entries = node.entries if isinstance(node, Listing) else [node]
    if not entries:
        raise Bad(codes.BAD_SCHEDULE, node.spot, "the list is empty: the rule would never be on duty")
    drafts = [_read_duty(read_fields(entry, FIELDS, READERS, report, "a schedule")) for entry in entries]
    return ScheduleDraft(tuple(drafts))


def _read_duty(values: Values) -> DutyDraft:
    begin, end = values.get("from", 0), values.get("to", WHOLE_DAY)
    if begin == end:
        raise Bad(codes.BAD_SCHEDULE, values.spot("to"), "`from` and `to` are the same: this is never on duty",
                  "for whole days leave both out")
    for one, other, why in (("holidays", "calendar", "which days are holidays"),
                            ("calendar", "holidays", "what of the holidays: include, exclude or only")):
        if one in values.node.pairs and other not in values.node.pairs:
            raise Bad(codes.BAD_SCHEDULE, values.key_spot(one), f"`{one}` needs `{other}`: {why}")
    duty = Duty(values.get("days", tuple(range(7))), begin, end, "", values.get("holidays", ""))
    edges = values.spot("from"), values.spot("to")
    return DutyDraft(duty, values.get("zone"), values.get("calendar"), values.spot(), edges)


READERS: dict[str, Reader] = {**DOCUMENT_READERS, "days": read_days, "local_time": read_local_time}


class Duties:
    """Understands schedules."""

    def __init__(self, names: Names, report: Report) -> None:
        self.names, self.report = names, report

    def of(self, draft: RuleDraft) -> Schedule | None:
        """The rule's schedule; None where it has none."""
        written = draft.values.get("schedule")
        if not isinstance(written, ScheduleDraft):
            return None
        return self.schedule(written, draft.values.get("zone", self.names.zone), draft.values.spot("schedule"))

    def schedule(self, written: ScheduleDraft, zone: str, spot: Spot) -> Schedule:
        """A schedule as written at `spot`; `zone` holds where it names none."""
        duties = [self._duty(one, zone) for one in written.duties]
        schedule = Schedule(duties)
        today = self.report.today
        if today is not None:
            for one, duty in zip(written.duties, duties, strict=True):
                self._skipped(one, duty, today)
            if not schedule.ever(today * DAY):
                self.report.add(codes.NEVER_ON_DUTY, spot, "the rule is never on duty in the two years to come")
        return schedule

    def _duty(self, draft: DutyDraft, zone: str) -> Duty:
        days = self.calendar(draft.calendar) if draft.calendar is not None else frozenset[int]()
        return msgspec.structs.replace(draft.duty, zone=draft.zone or zone, calendar=days)

    def calendar(self, passage: Passage) -> frozenset[int]:
        """The days, from 1970-01-01, that a list holds as dates."""
        name = passage.text.removeprefix("lists.")
        if name not in self.names.lists or name == passage.text:
            known = [f"lists.{one}" for one in self.names.lists]
            text = f"`{passage.text}` is no list"
            hint = advise(passage.text, known, "the lists are") or "write a document of kind list with the dates"
            self.report.add(codes.BAD_SCHEDULE, passage.spot, text, hint)
            return frozenset()
        return frozenset(day for value in self.names.lists[name] for day in self._day(value, name, passage))

    def _day(self, value: object, name: str, passage: Passage) -> list[int]:
        try:
            return [day_of(str(value))]
        except ValueError:
            text = f"{str(value)!r} in lists.{name} is not a date"
            self.report.add(codes.BAD_DATE, passage.spot, text)
            return []

    def _skipped(self, draft: DutyDraft, duty: Duty, today: int) -> None:
        """Tell of edges that the clocks jump over within a year."""
        for day, minute in duty.skipped(today, 366):
            spot = draft.edges[0 if minute == duty.begin else 1]
            date = rfc3339(day * DAY)[:10]
            text = f"the clocks of {duty.zone} jump over {minute // 60:02}:{minute % 60:02} on {date}"
            self.report.add(codes.CLOCKS_JUMP, spot, text)
