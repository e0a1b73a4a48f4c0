"""What stands now: the fold of respond, by the state that a worker keeps and by what has come since."""

from __future__ import annotations

import msgspec

from streams import findings
from streams.logs import Log
from streams.respond import Respond
from streams.rules import Bundle
from streams.topics import Topics

BEHIND = "at"
"""The header of a row of state that names the offset which it stands behind."""


async def respond_of(log: Log, topics: Topics, bundle: Bundle) -> Respond:
    """The fold as it is at the moment: what a worker kept of it, and what stands on its topic since.

    Raises UnknownTopic.
    """
    best: dict[bytes, tuple[int, bytes | None]] = {}
    async for batch in log.read(topics.state("respond"), 0):
        for entry in batch:
            key, behind = entry.key or b"", int(dict(entry.headers).get(BEHIND, b"-1"))
            if key not in best or behind >= best[key][0]:  # a worker that wakes late may write what is old
                best[key] = (behind, entry.value)
    fold = Respond(bundle)
    fold.restore({key: value for key, (_, value) in best.items() if value is not None})
    async for batch in log.read(topics.respond, 0, fold.offset + 1):
        for entry in batch:
            try:
                fold.step(entry.offset, findings.decode(entry.value or b""))
            except msgspec.DecodeError:
                fold.offset = entry.offset  # a worker passes over it too, and tells a dead letter
    return fold
