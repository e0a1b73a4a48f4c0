"""What every format offers, the limits they share and the one error they raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from streams.reasons import DeadReason

LIMIT = 1 << 20
"""The most bytes that one record may have."""
MAX_DEPTH = 64
"""How deep a record may be nested; an object in an object is 2."""
BOM = b"\xef\xbb\xbf"

Headers: TypeAlias = Mapping[str, bytes]
Decoder: TypeAlias = Callable[[bytes, Headers], dict[str, Any]]


class FormatError(ValueError):
    """Why these bytes are no record: `reason` of the closed list, `text` for a person.

    The text tells where and what, never the record's content: that may be personal.
    """

    def __init__(self, reason: DeadReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Format(Protocol):
    """An outside language. The modules of this package are its implementations."""

    def decode(self, value: bytes, headers: Headers) -> dict[str, Any]:
        """The record that a log entry holds; FormatError if it holds none."""


def check_size(value: bytes) -> None:
    """Refuse what is larger than a record may be, before any work is spent on it."""
    if len(value) > LIMIT:
        raise FormatError(DeadReason.TOO_LARGE, f"{len(value)} bytes, the limit is {LIMIT}")


def utf8(value: bytes) -> str:
    """The bytes as text; FormatError `not_utf8` with the position of the first wrong byte."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(DeadReason.NOT_UTF8, f"byte {error.start} is not UTF-8 ({error.reason})") from None
