"""When the records of a file came: what they say of it, unless the records around them say otherwise.

In a file nothing but the records tells the time of receipt, which a backtest takes for the wall. One record with a
wrong year must not carry the clock away. So a time of receipt counts unless it is far ahead of what came before and
of everything that one of the next few records bears out. What nothing follows is believed, up to the present.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from streams.clocks import BEFORE_ALL
from streams.formats import FormatError, decoder
from streams.ingest.intake import Record
from streams.ingest.mapping import Mapper
from streams.records import Micros
from streams.rules import Bundle, Source

NEIGHBOURS = 10
"""How many of the records that follow are asked."""


def stamped(bundle: Bundle, source: Source, records: Iterator[Record], now: Micros | None) -> Iterator[Record]:
    """The records; those whose time of receipt is not believed with a stamp: when they can have come at the latest."""
    if source.mapping.received is None:
        yield from records
        return
    told = _teller(bundle, source)
    waiting: deque[Record] = deque()

    def times() -> Iterator[Micros | None]:
        for record in records:
            waiting.append(record)
            yield told(record)

    for stamp in arrivals(times(), _far(source), now):
        record = waiting.popleft()
        yield record if stamp is None else Record(record.offset, stamp, record.value, record.headers)


def arrivals(told: Iterable[Micros | None], far: Micros, now: Micros | None) -> Iterator[Micros | None]:
    """For each time of receipt None if it counts, else the time to take instead. `told` None: it is not readable."""
    coming = iter(told)
    ahead = deque(islice(coming, NEIGHBOURS + 1))
    wall = _beginning(ahead)
    while ahead:
        at = ahead.popleft()
        ahead.extend(islice(coming, 1))
        stamp = None
        if at is not None and at > wall + far:
            bound = _borne_out(at, wall, ahead, now)
            stamp = bound if at > bound + far else None
        if at is not None:
            wall = max(wall, at if stamp is None else stamp)
        yield stamp


def _beginning(ahead: Iterable[Micros | None]) -> Micros:
    """Where the wall stands at first: one of the first records may say too little, another too much."""
    known = sorted(at for at in ahead if at is not None)
    return known[min(1, len(known) - 1)] if known else BEFORE_ALL


def _borne_out(at: Micros, wall: Micros, ahead: Iterable[Micros | None], now: Micros | None) -> Micros:
    """Up to when the records that follow say that time has come."""
    following = [time for time in ahead if time is not None]
    if not following:
        return at if now is None or at <= now else wall
    return min((time for time in following if time >= wall), default=wall)


def _far(source: Source) -> Micros:
    """What is ahead by less makes nothing late that is in order; and a file in no order is taken as it is."""
    return max(source.skew, source.lateness)


def _teller(bundle: Bundle, source: Source) -> Callable[[Record], Micros | None]:
    """What a record says of when it came; None if it does not."""
    mapper, decode = Mapper(bundle, source), decoder(source.format)

    def told(record: Record) -> Micros | None:
        try:
            return mapper.received_at(decode(record.value, record.headers), record.row, None)
        except FormatError:
            return None

    return told
