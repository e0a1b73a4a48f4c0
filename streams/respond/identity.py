"""Identities that follow from what they name, so that a replay finds the same."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

_packer = msgspec.msgpack.Encoder()


def identity(*parts: Any) -> str:
    """24 hex digits that stand for these values and no others."""
    return digest(parts).hex()


def digest(content: Any) -> bytes:
    """12 bytes that stand for a content."""
    return blake2b(_packer.encode(content), digest_size=12).digest()


def alert_id(finding: str) -> str:
    """The alert that begins with this finding."""
    return identity("alert", finding)


def dispatch_id(alert: str) -> str:
    """The one dispatch of an alert."""
    return identity("dispatch", alert)
