"""What stands now: the fold of respond, by the state that a worker keeps on `tocsin.state.respond`."""

from __future__ import annotations

from streams.logs import Log
from streams.respond import Respond
from streams.rules import Bundle

BEHIND = "at"
"""The header of a row of state that names the offset which it stands behind."""


async def respond_of(log: Log, topic: str, bundle: Bundle) -> Respond:
    """The fold as it is at the moment, by the state that respond keeps on a topic. Raises UnknownTopic."""
    best: dict[bytes, tuple[int, bytes | None]] = {}
    async for batch in log.read(topic, 0):
        for entry in batch:
            key, behind = entry.key or b"", int(dict(entry.headers).get(BEHIND, b"-1"))
            if key not in best or behind >= best[key][0]:  # a worker that wakes late may write what is old
                best[key] = (behind, entry.value)
    fold = Respond(bundle)
    fold.restore({key: value for key, (_, value) in best.items() if value is not None})
    return fold
