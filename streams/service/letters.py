"""Dead letters of entries of a log, as every role but ingest writes them: what could not be read, or not be delivered.

Ingest's letters say more of their record and are made where records are understood; see `streams.records.DeadLetter`.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from streams.logs import Entry, Outgoing
from streams.reasons import DeadReason
from streams.topics import Topics

KEPT = 65_536
"""So many bytes of an entry a letter keeps."""


def dead_letter(topics: Topics, key: bytes, entry: Entry, reason: DeadReason, problem: str,
                more: Mapping[str, str] | None = None) -> Outgoing:
    """An entry with the reason why nothing came of it, `problem` in words; `more` are further fields of the schema."""
    value = entry.value or b""
    letter = {"reason": reason, "problem": problem, "topic": entry.topic, "partition": entry.partition,
              "offset": entry.offset, "size": len(value), **(more or {})}
    return Outgoing(topics.dlq, 0, key, orjson.dumps(letter))


def in_text(entry: Entry) -> dict[str, str]:
    """The fields that keep an entry's value as text; of a large one the first part, so that the log takes it."""
    return {"record": (entry.value or b"")[:KEPT].decode("utf-8", "replace"), "encoding": "text"}
