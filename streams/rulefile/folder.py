"""Which files of a folder of rules matter: those that are read, and runbooks, which only have to be there."""

from __future__ import annotations

from collections.abc import Iterable

SUFFIXES = (".yaml", ".yml", ".csv", ".txt", ".geojson")
RUNBOOKS = "runbooks"


def is_read(path: str) -> bool:
    """Whether what stands in the file matters."""
    return path.endswith(SUFFIXES)


def is_page(path: str) -> bool:
    """Whether the file is a page that people read, in a folder of runbooks."""
    return RUNBOOKS in path.split("/")[:-1] and not is_read(path)


def pages_of(paths: Iterable[str]) -> frozenset[str]:
    """The pages among the files; none at all: nobody knows where they are kept."""
    return frozenset(filter(is_page, paths))
