"""The response: findings become alerts, with one identity and one life, and dispatches.

One file a stage; `pipeline.py` is their order.
"""

from __future__ import annotations

from streams.respond.passing import Output
from streams.respond.pipeline import STAGES, Respond

__all__ = ["STAGES", "Output", "Respond"]
