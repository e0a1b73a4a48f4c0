"""Runs the conformance cases of all sets: `python -m tests.conformance.run [FILE ...]`.

Without files: those of the shared folder. Prints, by set and family, how many passed, how many differ by
design (with the reason) and how many failed; ends with 1 if any failed. A set is a module here with `run(path)`
(the `Counts` of a file or of its folder) and, to know files of other places, `fits(path)`; `SETS` names all. Its
cases stand in the shared folder under its name, or where its `HOME` says.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.conformance.counts import Counts
from tests.conftest import shared

SETS = ("cel", "cep", "windows", "operators", "respond", "cap")


def modules() -> dict[str, Any]:
    """The sets that are here, by name."""
    names = (name for name in SETS if find_spec(f"tests.conformance.{name}"))
    return {name: importlib.import_module(f"tests.conformance.{name}") for name in names}


def home(name: str) -> Path:
    """Where the cases of a set stand."""
    return shared() / "conformance" / getattr(modules()[name], "HOME", name)


def set_of(path: Path) -> str | None:
    """Which set a file or folder is of: by its name, its folder's, or its first case."""
    known = modules()
    at_home = next((name for name in known if path.name == home(name).name), None)
    if at_home is not None:
        return at_home
    if path.parent.name in known:
        return path.parent.name
    return next((name for name, module in known.items() if hasattr(module, "fits") and module.fits(path)), None)


def run(paths: Iterable[Path]) -> dict[str, Counts]:
    """The counts by set."""
    found: dict[str, Counts] = {}
    for path in paths:
        name = set_of(path)
        if name is None:
            print(f"{path}: no set of ours reads this file", file=sys.stderr)
            continue
        found.setdefault(name, Counts()).merge(modules()[name].run(path))
    return found


def report(name: str, counts: Counts) -> Iterator[str]:
    """One set as people read it."""
    failed = sum(map(len, counts.failed.values()))
    yield f"{name}: {counts.passed.total()} passed, {counts.reasons.total()} differ by design, {failed} failed"
    for family in counts.families():
        differ, fail = (len(one.get(family, {})) for one in (counts.differs, counts.failed))
        yield f"  {family:<32} {counts.passed[family]:>5} passed {differ:>5} differ {fail:>5} failed"
    for reason, count in sorted(counts.reasons.items()):
        yield f"  differs by design, {reason}: {count}"
    for ids in counts.failed.values():
        for id, why in ids.items():
            yield f"  FAILED {id}: {why}"


def main(arguments: list[str]) -> int:
    """The exit code."""
    homes = (home(name) for name in modules())
    paths = [Path(one).resolve() for one in arguments] or [one for one in homes if one.exists()]
    if not paths:
        print(f"no cases: {shared() / 'conformance'} is not there; set TOCSIN_SHARED or name files")
        return 0
    found = run(paths)
    for name, counts in found.items():
        print("\n".join(report(name, counts)))
    return 1 if any(counts.failed for counts in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
