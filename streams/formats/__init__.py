"""The languages that feeds speak: bytes to records, pure. One file a language; this table names them all.

`decoder(source.format)(value, headers)` gives a record: a dict with text keys. Whatever the bytes
are, it gives that or raises `FormatError`.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.formats import cap, cloudevents, csv, json
from streams.formats.contract import LIMIT, MAX_DEPTH, Decoder, Format, FormatError, Headers

FORMATS: Mapping[str, Format] = {"json": json, "csv": csv, "cloudevents": cloudevents, "cap": cap}

__all__ = ["FORMATS", "LIMIT", "MAX_DEPTH", "Decoder", "Format", "FormatError", "Headers", "decoder"]


def decoder(name: str) -> Decoder:
    """How a format's records are read; ValueError for a name that is none."""
    if name not in FORMATS:
        raise ValueError(f"{name!r} is not a format; there are {', '.join(FORMATS)}")
    return FORMATS[name].decode
