"""Reading files of cases: one JSON object a line, perhaps compressed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def cases(path: Path) -> Iterator[dict[str, Any]]:
    """The cases of a `.jsonl` or `.jsonl.gz` file."""
    content = path.read_bytes()
    for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
        if line.strip():
            yield json.loads(line)


def first(path: Path) -> dict[str, Any]:
    """The first case, to see what a file holds."""
    return next(cases(path), {})
