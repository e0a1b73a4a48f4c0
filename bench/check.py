"""What `tocsin check` costs: the library's rules in many copies, no two with the same condition.

`python -m bench.check NUMBER`; one JSON line. Every copy keeps its texts and tests: a file is mostly that.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.workload import CACHE, ROOT
from streams.rulefile import check

_DOCUMENT = re.compile(r"^---\n", re.MULTILINE)
_NAME = re.compile(r"^(id|title): (.+)$", re.MULTILINE)
_WHERE = re.compile(r"^(where: |  - \{.*?where: )(?=[\w!(])", re.MULTILINE)
_STEP = re.compile(r"^(  - \{name: \w+, +event: [\w.*]+)(?=[,}])", re.MULTILINE)
_KIND = re.compile(r"^kind: (match|threshold|sequence|absence)$", re.MULTILINE)
_BASES = re.compile(r"\brule: ")


def rules(number: int) -> Path:
    """A folder with so many rules, written anew."""
    made = CACHE / "check"
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(ROOT / "rules", made, ignore=shutil.ignore_patterns("detect", "districts", "runbooks", "*.md"))
    library = {path.name: documents(path) for path in sorted((ROOT / "rules" / "detect").rglob("*.yaml"))}
    (made / "detect").mkdir()
    left, copy = number, 0
    while left > 0:
        for name, own in library.items():
            chosen = own[:left]
            left -= len(chosen)
            if chosen:
                (made / "detect" / f"{copy}-{name}").write_text("---\n".join(varied(one, copy) for one in chosen))
        copy += 1
    return made


def documents(path: Path) -> list[str]:
    """The rules of a file of the library that stand by themselves."""
    return [one for one in _DOCUMENT.split(path.read_text()) if _KIND.search(one) and not _BASES.search(one)]


def varied(document: str, copy: int) -> str:
    """A document under another name, for one district of many: no text of its conditions stands elsewhere."""
    text = _NAME.sub(lambda found: f"{found[1]}: {_named(found[2], copy)}", document)
    where = f'place.district != "d{copy}"'
    if "\nsteps:" in text and not _WHERE.search(text):
        return _STEP.sub(rf"\g<1>, where: {where}", text)
    if "\nwhere: " in text or "\nsteps:" in text:
        return _WHERE.sub(rf"\g<1>{where} && ", text)
    return text.replace("\nseverity:", f"\nwhere: {where}\nseverity:", 1)


def _named(name: str, copy: int) -> str:
    return f'{name[:-1]} {copy}"' if name.endswith('"') else f"{name}-{copy}"


def measure(number: int) -> dict[str, Any]:
    """One run: how long all of it took, and what was found."""
    folder = rules(number)
    size = sum(path.stat().st_size for path in folder.rglob("*.yaml"))
    gc.disable()  # as the command does
    wall, cpu = time.perf_counter(), time.process_time()
    bundle, problems = check(folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "where": "check", "rules": number, "mb": round(size / 1e6, 1), "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2), "cpu_ms_per_rule": round(cpu / number * 1000, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "sound": bundle is not None,
        "problems": dict(sorted(Counter(problem.code for problem in problems).items())),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
