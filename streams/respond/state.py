"""What respond remembers: alerts and their findings, what was held back, what was sent, and marks.

Everything that ended is forgotten `RETENTION` of event time later, so the state ends bounded by
what is open and what was told within that time. Event time here is the newest time at which a finding was
concluded, of any rule that reads the same feeds: a feed that runs ahead forgets nothing of another. What
a rule told that is there no more is forgotten by the newest time of all.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from typing import Any

import msgspec

from streams.clocks import AFTER_ALL, BEFORE_ALL, HOUR
from streams.findings import Finding, FindingRow, ReadingRow
from streams.records import Micros
from streams.respond.cases.state import Case
from streams.respond.notifying.state import Group, Notice, Quieting, Storm
from streams.respond.operating.state import Operator
from streams.respond.picture import Picture, View
from streams.respond.proofs import Proofs
from streams.respond.rows import (
    VERSION,
    Acted,
    AlertState,
    Clock,
    Drill,
    Flood,
    Head,
    Held,
    Known,
    Mark,
    Part,
    Quiet,
    RollUp,
    Sent,
    Sign,
)
from streams.respond.slots import Slots

RETENTION: Micros = 48 * HOUR
HEAD = b"~head"
ANY = ""
"""The feeds of rules that are not known: their time is that of the fastest."""
WALL = "\0wall"
"""In place of feeds, for what is forgotten by the time of the wall."""
_packer = msgspec.msgpack.Encoder()


class Memory:
    """The state of the fold, in tables of rows that are kept one by one.

    Whoever changes a row in place calls `put` afterwards; parts of alerts are changed through
    `attach` and `detach` alone, so that `parts`, by finding, and what is seen of them stay true. `feeds` names by
    rule what it reads; rules with one name share their time.
    """

    def __init__(self, retention: Micros = RETENTION, feeds: Mapping[str, str] | None = None) -> None:
        self.retention = retention
        self.head = Head()
        self.marks: dict[str, Mark] = {}
        self.clocks: dict[str, Clock] = {}
        self.rules: dict[str, Known] = {}
        self.alerts: dict[str, AlertState] = {}
        self.parts: dict[str, Part] = {}
        self.held: dict[str, Held] = {}
        self.sent: dict[str, Sent] = {}
        self.floods: dict[str, Flood] = {}
        self.signs: dict[str, Sign] = {}
        self.rollups: dict[str, RollUp] = {}
        self.quiet: dict[str, Quiet] = {}
        self.cases: dict[str, Case] = {}
        self.operators: dict[str, Operator] = {}
        self.acted: dict[str, Acted] = {}
        self.notices: dict[str, Notice] = {}
        self.groups: dict[str, Group] = {}
        self.storms: dict[str, Storm] = {}
        self.silences: dict[str, Quieting] = {}
        self.drills: dict[str, Drill] = {}
        self.flooding: set[str] = set()
        self._tables: dict[str, tuple[dict[str, Any], msgspec.msgpack.Decoder[Any]]] = {
            "mark": (self.marks, msgspec.msgpack.Decoder(Mark)),
            "clock": (self.clocks, msgspec.msgpack.Decoder(Clock)),
            "rule": (self.rules, msgspec.msgpack.Decoder(Known)),
            "alert": (self.alerts, msgspec.msgpack.Decoder(AlertState)),
            "part": (self.parts, msgspec.msgpack.Decoder(Part)),
            "held": (self.held, msgspec.msgpack.Decoder(Held)),
            "sent": (self.sent, msgspec.msgpack.Decoder(Sent)),
            "flood": (self.floods, msgspec.msgpack.Decoder(Flood)),
            "sign": (self.signs, msgspec.msgpack.Decoder(Sign)),
            "rollup": (self.rollups, msgspec.msgpack.Decoder(RollUp)),
            "quiet": (self.quiet, msgspec.msgpack.Decoder(Quiet)),
            "case": (self.cases, msgspec.msgpack.Decoder(Case)),
            "operator": (self.operators, msgspec.msgpack.Decoder(Operator)),
            "acted": (self.acted, msgspec.msgpack.Decoder(Acted)),
            "notice": (self.notices, msgspec.msgpack.Decoder(Notice)),
            "group": (self.groups, msgspec.msgpack.Decoder(Group)),
            "storm": (self.storms, msgspec.msgpack.Decoder(Storm)),
            "silence": (self.silences, msgspec.msgpack.Decoder(Quieting)),
            "drill": (self.drills, msgspec.msgpack.Decoder(Drill)),
        }
        self._pictures: dict[str, Picture] = {}
        self._proofs = Proofs()
        self._openings: dict[str, list[Micros]] = {}
        self._feeds = feeds or {}
        self._ending: dict[str, list[tuple[Micros, str, str]]] = {}
        self._fresh: dict[tuple[str, str], None] = {}
        self._slots = Slots()

    def put(self, table: str, name: str, row: Any) -> None:
        """Remember a row, new or changed."""
        if isinstance(row, Sent) and name not in self.sent:
            self._open(name, row)
        elif isinstance(row, Flood):
            self._watch(name, row)
        self._tables[table][0][name] = row
        self._fresh[table, name] = None
        self._arm(table, name, row)

    def drop(self, table: str, name: str) -> None:
        """Forget a row."""
        row = self._tables[table][0].pop(name)
        self._fresh[table, name] = None
        if isinstance(row, AlertState):
            for finding in list(row.parts):
                self.detach(row, finding)
            self._pictures.pop(name, None)
            if name in self.operators:
                self.drop("operator", name)
        elif isinstance(row, Sent):
            self._close(name, row)

    def repeated(self, row: FindingRow | ReadingRow) -> bool:
        """Whether a row was taken before."""
        mark = self.marks.get(f"{row.sender}/{row.partition}")
        return mark is not None and (row.offset, row.row) <= (mark.offset, mark.row)

    def marked(self, row: FindingRow | ReadingRow) -> bool:
        """Take note of a row; False for one that was taken before."""
        if self.repeated(row):
            return False
        self.put("mark", f"{row.sender}/{row.partition}", Mark(row.offset, row.row))
        return True

    def sent_near(self, of: str, opened: Micros, span: Micros) -> bool:
        """Whether an opening was sent, of this rule and key, less than `span` before or after `opened`."""
        openings = self._openings.get(of, [])
        after = bisect_right(openings, opened - span)
        return after < len(openings) and openings[after] < opened + span

    def attach(self, alert: AlertState, finding: Finding) -> None:
        """Make a finding, or its newest content, a part of an alert."""
        known = self.parts.get(finding.id)
        number = self._following(alert) if known is None else known.number
        self._take(alert, Part(alert.id, number, finding), None if known is None else known.finding)
        self._fresh["part", finding.id] = None
        self.put("alert", alert.id, alert)

    def detach(self, alert: AlertState, finding: str) -> None:
        """Take a finding away from an alert."""
        part = self.parts[finding]
        self._proofs.remove(alert, part.finding)
        self._pictures[alert.id].remove(part.number)
        del alert.parts[finding]
        self.drop("part", finding)

    def view(self, alert: AlertState) -> View:
        """All findings of an alert as one; there must be one."""
        return self._pictures[alert.id].view()

    def alert_with(self, finding: str) -> AlertState | None:
        """The alert that stands for a finding."""
        part = self.parts.get(finding)
        return None if part is None else self.alerts[part.alert]

    def known(self, finding: str) -> Finding | None:
        """A finding as it was last told, if it is remembered."""
        part = self.parts.get(finding)
        if part is not None:
            return part.finding
        held = self.held.get(finding)
        return None if held is None else held.finding

    def sharing(self, group: str, finding: Finding, instants: bool) -> set[str]:
        """The alerts of a group that share evidence with a finding; by their `instants` alone, if so wanted."""
        return self._proofs.sharing(group, finding, instants)

    def follow(self, retention: Micros, feeds: Mapping[str, str]) -> None:
        """Remember by other rules from now on."""
        self.retention, self._feeds, self._ending = retention, feeds, {}
        for table, (rows, _) in self._tables.items():
            for name, row in rows.items():
                self._arm(table, name, row)

    def see(self, finding: Finding) -> None:
        """Let event time come to this finding, and forget what ended long enough before."""
        at = concluded(finding)
        feeds = self._feeds.get(finding.rule, ANY)
        if at > self.time(finding.rule) and feeds != ANY:
            self.put("clock", feeds, Clock(at))
        self.head.newest = max(self.head.newest, at)
        self.come(at)
        self._forget(ANY, self.head.newest)
        self._forget(feeds, self.time(finding.rule))

    def come(self, now: Micros) -> None:
        """Let time come to a moment of the wall, or of what people did."""
        self.head.now = max(self.head.now, now)
        self._forget(WALL, self.head.now)

    def time(self, rule: str) -> Micros:
        """How far event time has come for a rule."""
        feeds = self._feeds.get(rule, ANY)
        if feeds == ANY:
            return self.head.newest
        clock = self.clocks.get(feeds)
        return BEFORE_ALL if clock is None else clock.newest

    def ends(self, rule: str, closed: Micros | None) -> Micros | None:
        """When to forget what a rule told and what ended at `closed`; None while it has not."""
        return None if closed is None else max(closed, self.time(rule)) + self.retention

    def changed(self) -> dict[bytes, bytes | None]:
        """See `Respond.changed`."""
        fresh: dict[bytes, bytes | None] = {}
        for table, name in self._fresh:
            row = self._tables[table][0].get(name)
            fresh[f"{table}/{name}".encode()] = None if row is None else _encoded(row)
        self._fresh = {}
        return {**self._slots.give(self.head.offset, fresh), HEAD: self._head()}

    def rows(self) -> dict[bytes, bytes]:
        """The whole state as rows."""
        whole = {f"{table}/{name}".encode(): _encoded(row)
                 for table, (rows, _) in self._tables.items() for name, row in rows.items()}
        given = Slots().give(self.head.offset, dict(sorted(whole.items())))
        return {name: row for name, row in given.items() if row is not None} | {HEAD: self._head()}

    def restore(self, rows: Mapping[bytes, bytes]) -> None:
        """See `Respond.restore`. To be called on a fresh memory."""
        if HEAD in rows:
            self.head = msgspec.msgpack.decode(rows[HEAD], type=Head)
        if self.head.version != VERSION:
            raise ValueError(f"state of version {self.head.version}, this program reads {VERSION}")
        others = {name: row for name, row in rows.items() if name != HEAD}
        for full_name, value in self._slots.take(self.head.offset, others):
            table, _, name = full_name.decode().partition("/")
            rows_of_table, decoder = self._tables[table]
            row = rows_of_table[name] = decoder.decode(value)
            self._arm(table, name, row)
            if isinstance(row, Sent):
                self._open(name, row)
            elif isinstance(row, Flood):
                self._watch(name, row)
        self._restore_parts()

    def _restore_parts(self) -> None:
        """Give alerts their parts; those that hold them themselves were kept before parts had rows."""
        for alert in self.alerts.values():
            for number, finding in enumerate(alert.parts.values()):
                self._fresh["part", finding.id] = self._fresh["alert", alert.id] = None
                self._take(alert, Part(alert.id, number, finding))
        for part in sorted(self.parts.values(), key=lambda part: part.number):
            self._take(self.alerts[part.alert], part)

    def _following(self, alert: AlertState) -> int:
        """The number of the next part of an alert."""
        youngest = next(reversed(alert.parts), None)
        return 0 if youngest is None else self.parts[youngest].number + 1

    def _take(self, alert: AlertState, part: Part, before: Finding | None = None) -> None:
        finding = part.finding
        alert.parts[finding.id] = finding
        self.parts[finding.id] = part
        if before is None:
            self._proofs.add(alert, finding)
        else:
            self._proofs.replace(alert, before, finding)
        self._pictures.setdefault(alert.id, Picture()).put(part.number, finding)

    def _head(self) -> bytes:
        return _packer.encode(self.head)

    def _arm(self, table: str, name: str, row: Any) -> None:
        if row.forget is not None:
            feeds = WALL if isinstance(row, BY_THE_WALL) else self._feeds.get(_rule_of(row), ANY)
            heapq.heappush(self._ending.setdefault(feeds, []), (row.forget, table, name))

    def _forget(self, feeds: str, now: Micros) -> None:
        heap = self._ending.get(feeds, [])
        while heap and heap[0][0] < now:
            ending, table, name = heapq.heappop(heap)
            row = self._tables[table][0].get(name)
            if row is not None and row.forget == ending:
                self.drop(table, name)

    def _watch(self, name: str, row: Flood) -> None:
        (self.flooding.add if row.alert else self.flooding.discard)(name)

    def _open(self, name: str, row: Sent) -> None:
        insort(self._openings.setdefault(name.partition("/")[0], []), row.opened)

    def _close(self, name: str, row: Sent) -> None:
        of = name.partition("/")[0]
        openings = self._openings[of]
        del openings[bisect_left(openings, row.opened)]
        if not openings:
            del self._openings[of]


BY_THE_WALL = (Case, Operator, Acted, Group, Storm, Quieting)


def concluded(finding: Finding) -> Micros:
    """The event time at which a finding was concluded; of a clock that was finished what it says of itself."""
    return finding.at if finding.at < AFTER_ALL else (finding.closed or finding.opened)


def _encoded(row: Any) -> bytes:
    """A row as bytes; an alert without its parts, which have rows."""
    return _packer.encode(msgspec.structs.replace(row, parts={}) if isinstance(row, AlertState) else row)


def _rule_of(row: AlertState | Held | Sent | Flood) -> str:
    return row.finding.rule if isinstance(row, Held) else row.rule
