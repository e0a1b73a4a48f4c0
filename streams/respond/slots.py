"""State rows that a crash in the middle of writing cannot spoil.

All rows of one call to `give` belong together, but a topic takes them one by one. So each row holds
the value before beside the new one, stamped with the input offset it stands for, and the head row,
which names the offset that is complete, is written last. A reader takes the new value of rows at or
below the head and the one before of the others: either the whole write counts or nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from streams.records import packed, unpacked

_packer = msgspec.msgpack.Encoder()


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """One row: its value behind input offset `stamp`, and its value before. None: not there."""

    stamp: int
    new: bytes | None
    old: bytes | None


_slots = msgspec.msgpack.Decoder(Slot)


class Slots:
    """What was written last, by name, and what a write that broke off left to be set right."""

    def __init__(self) -> None:
        self._given: dict[bytes, bytes | None] = {}
        self._torn: dict[bytes, bytes | None] = {}
        self._gone: dict[bytes, None] = {}  # those of the given that are None

    def give(self, stamp: int, fresh: Mapping[bytes, bytes | None]) -> dict[bytes, bytes | None]:
        """The rows to write for values that changed; None deletes. To be written before the head.

        What is gone keeps its row until the next call: only then is the write before it complete.
        """
        rows: dict[bytes, bytes | None] = dict.fromkeys(self._gone)
        for name in self._gone:
            del self._given[name]
        self._gone = {}
        torn, self._torn = self._torn, {}
        for name, value in {**torn, **fresh}.items():
            before = self._given.get(name)
            if value is not None or before is not None:
                rows[name] = packed(_packer.encode(Slot(stamp, value, before)))
                self._given[name] = value
                if value is None:
                    self._gone[name] = None
        return rows

    def take(self, complete: int, rows: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        """The values that count, in order of name; `complete` is the head's offset."""
        self._given, self._torn, self._gone = {}, {}, {}
        for name in sorted(rows):
            slot = _slots.decode(unpacked(rows[name]))
            value = slot.new if slot.stamp <= complete else slot.old
            self._given[name] = value
            if value is None:
                self._gone[name] = None
            if slot.stamp > complete:
                self._torn[name] = value
            if value is not None:
                yield name, value
