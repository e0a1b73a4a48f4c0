"""The shape of the project holds (rules in tests/architecture.py), and each rule bites what it should."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import architecture as shape
from tests.architecture import Fault, Source

ROOT = Path(__file__).resolve().parent.parent
IGNORED = {
    ".git", ".venv", ".cache", ".run", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis",
}

Rule = Callable[[Source], Iterator[Fault]]
OF_THE_PACKAGE: tuple[Rule, ...] = (
    shape.known_room, shape.imports_downwards, shape.kinds_apart, shape.pure, shape.faust_at_home,
    shape.lazy_cli, shape.good_names,
)
OF_ALL_CODE: tuple[Rule, ...] = (
    shape.short_file, shape.short_functions, shape.module_docstring, shape.nothing_swallowed,
)
OF_ALL_TEXT: tuple[Rule, ...] = (shape.no_markers, shape.no_addresses)


@cache
def files() -> dict[str, str]:
    """Path -> text of every text file that git tracks or would track; without git, of every file."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    walked = (p for p in ROOT.rglob("*") if p.is_file() and not IGNORED & set(p.relative_to(ROOT).parts))
    paths = [ROOT / name for name in listed.stdout.split("\0") if name] if listed.returncode == 0 else walked
    found = {}
    for path in paths:
        raw = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in raw:
            found[path.relative_to(ROOT).as_posix()] = raw.decode("utf-8", "replace")
    return found


def sources(*folders: str, suffix: str = ".py") -> list[Source]:
    """The files below these folders, in order."""
    return [
        Source(path, text) for path, text in sorted(files().items())
        if path.endswith(suffix) and (not folders or path.split("/")[0] in folders)
    ]


def broken(rule: Rule, where: Iterable[Source]) -> list[str]:
    """What breaks the rule, as text for people."""
    return [str(fault) for source in where for fault in rule(source)]


@cache
def code() -> tuple[list[Source], dict[str, list[str]]]:
    """All Python files, without their trees, and by rule what breaks it: each file is parsed once for all rules."""
    found: dict[str, list[str]] = {}
    read = sources()
    for source in read:
        rules = OF_ALL_CODE if source.path.split("/")[0] != "streams" else (*OF_ALL_CODE, *OF_THE_PACKAGE)
        for rule in rules:
            found.setdefault(name_of(rule), []).extend(broken(rule, [source]))
        forget_tree(source)
    return read, found


def forget_tree(source: Source) -> None:
    """The imports and lengths of functions are kept, and not the tree: those of all files are large."""
    assert source.imports is not None
    assert source.lengths is not None
    del source.tree, source.nodes


def package() -> list[Source]:
    """The files of the package, without their trees."""
    return [source for source in code()[0] if source.path.split("/")[0] == "streams"]


def name_of(rule: Rule) -> str:
    """A rule's name, as a test's id."""
    return rule.__name__


def case_name(value: object) -> str | None:
    """A planted case is named by its rule and file."""
    return getattr(value, "__name__", None) or (None if "\n" not in str(value) else "")


def test_there_is_something_to_look_at() -> None:
    """The rules below would all hold for an empty list."""
    assert {"streams/records.py", "streams/detect/engine.py", "pyproject.toml"} <= files().keys()


@pytest.mark.parametrize("rule", OF_THE_PACKAGE, ids=name_of)
def test_the_package_keeps(rule: Rule) -> None:
    found = code()[1][name_of(rule)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", OF_ALL_CODE, ids=name_of)
def test_all_code_keeps(rule: Rule) -> None:
    found = code()[1][name_of(rule)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", OF_ALL_TEXT, ids=name_of)
def test_all_files_keep(rule: Rule) -> None:
    found = broken(rule, sources(suffix=""))
    assert not found, "\n" + "\n".join(found)


def test_public_names_are_documented() -> None:
    where = sources("streams")
    contracts = shape.contract_methods(where)
    found = broken(lambda source: shape.documented(source, contracts), where)
    assert not found, "\n" + "\n".join(found)


def test_the_median_function_is_short() -> None:
    found = [str(fault) for fault in shape.short_median(package())]
    assert not found, "\n" + "\n".join(found)


def test_no_circles() -> None:
    found = [str(fault) for fault in shape.no_cycles(package())]
    assert not found, "\n" + "\n".join(found)


def test_kinds_are_complete() -> None:
    found = [str(fault) for fault in shape.complete_kinds(files())]
    assert not found, "\n" + "\n".join(found)


# ---- each rule bites: a planted fault is found where it stands, its innocent neighbour is not

LONG = "def f():\n" + "    x = 1\n" * 60
PLANTED: list[tuple[Rule, str, str, int]] = [  # the rule, the file, its text, the line of the fault
    (shape.known_room, "streams/gossip.py", '"""Unknown."""\n', 1),
    (shape.imports_downwards, "streams/records.py", "import msgspec\nfrom streams.clocks import DAY\n", 2),
    (shape.imports_downwards, "streams/conditions/check.py", "from streams import formats\n", 1),
    (shape.imports_downwards, "streams/respond/life.py", "import streams.detect.engine\n", 1),
    (shape.imports_downwards, "streams/respond/life.py", "from streams.ingest.route import Router\n", 1),
    (shape.imports_downwards, "streams/logs/sqlite.py", "\nfrom streams.clocks import DAY\n", 2),
    (shape.imports_downwards, "streams/detect/engine.py", "from streams.logs import Log\n", 1),
    (shape.imports_downwards, "streams/detect/engine.py", "from streams.rulefile import load\n", 1),
    (shape.imports_downwards, "streams/tools/demo.py", "def f():\n    from streams.service import app\n", 2),
    (shape.imports_downwards, "streams/console/page.py", "from streams import tools\n", 1),
    (shape.imports_downwards, "streams/tools/check.py", "from .backtest import run\n", 1),
    (shape.kinds_apart, "streams/kinds/match.py", "from streams.kinds.absence import Absence\n", 1),
    (shape.kinds_apart, "streams/kinds/match.py", "import msgspec\nimport streams.kinds.absence\n", 2),
    (shape.kinds_apart, "streams/kinds/match.py", "from streams.kinds import absence\n", 1),
    (shape.pure, "streams/kinds/match.py", "from time import time\n", 1),
    (shape.pure, "streams/detect/engine.py", "import os.path\n", 1),
    (shape.pure, "streams/respond/life.py", "import streams\nimport asyncio\n", 2),
    (shape.pure, "streams/formats/csv.py", "def f():\n    import random\n", 2),
    (shape.pure, "streams/formats/csv.py", "from pathlib import Path\n", 1),
    (shape.pure, "streams/clocks.py", "from datetime import UTC, datetime\nNOW = datetime.now(UTC)\n", 2),
    (shape.pure, "streams/formats/csv.py", "open('x')\n", 1),
    (shape.faust_at_home, "streams/tools/demo.py", "import faust\n", 1),
    (shape.faust_at_home, "streams/cli.py", "def run():\n    from faust.cli import base\n", 2),
    (shape.lazy_cli, "streams/cli.py", "import sys\nfrom streams.service import app\n", 2),
    (shape.lazy_cli, "streams/commands.py", "if sys:\n    from streams.logs import Log\n", 2),
    (shape.short_file, "streams/detect/engine.py", "x = 1\n" * 500, 500),
    (shape.short_functions, "streams/detect/engine.py", "\n" + LONG, 2),
    (shape.module_docstring, "streams/detect/engine.py", "import msgspec\n", 1),
    (shape.documented, "streams/detect/engine.py", "class E:\n    '''.'''\n    def step(self):\n        1\n", 3),
    (shape.documented, "streams/detect/engine.py", "def step():\n    pass\n", 1),
    (shape.no_markers, "rules/city.yaml", "kind: city\n# " + "TO" + "DO\n", 2),
    (shape.nothing_swallowed, "streams/detect/engine.py", "try:\n    f()\nexcept Exception:\n    pass\n", 3),
    (shape.nothing_swallowed, "streams/detect/engine.py", "try:\n    f()\nexcept:\n    g()\n", 3),
    (shape.good_names, "streams/helpers.py", "", 1),
    (shape.good_names, "streams/detect/engine.py", "x = 1\nclass StateManager:\n    pass\n", 2),
    (shape.good_names, "streams/detect/engine.py", "class S:\n    def process_event(self):\n        pass\n", 2),
    (shape.no_addresses, "requirements.lock", "\n--index-url https://py" + "pi.org/simple\n", 2),
    (shape.no_addresses, "README.md", "as ." + "library/env tells, and `/" + ".lib" + "rary` too\n", 1),
]
INNOCENT: list[tuple[Rule, str, str]] = [
    (shape.known_room, "streams/detect/corrections.py", ""),
    (shape.imports_downwards, "streams/kinds/absence.py", "from streams import clocks, kinds\n"),
    (shape.imports_downwards, "streams/ingest/intake.py", "from streams.ingest.route import partition_of\n"),
    (shape.imports_downwards, "streams/logs/sqlite.py", "import streams.logs\nimport streams.records\n"),
    (shape.imports_downwards, "streams/service/app.py", "from streams import logs, respond, engine\n"),
    (shape.kinds_apart, "streams/kinds/match.py", "from streams.kinds import Field\n"),
    (shape.pure, "streams/rulefile/reading.py", "from pathlib import Path\n"),
    (shape.pure, "streams/service/app.py", "import time\nprint(time.time())\n"),
    (shape.pure, "streams/clocks.py", "from datetime import datetime\ndatetime.fromtimestamp(0)\n"),
    (shape.faust_at_home, "streams/service/app.py", "import faust\n"),
    (shape.lazy_cli, "streams/cli.py", "import streams.problems\ndef f():\n    import streams.tools\n"),
    (shape.short_file, "streams/detect/engine.py", "x = 1\n" * 499),
    (shape.short_functions, "streams/detect/engine.py", LONG.replace("    x = 1\n", "", 1)),
    (shape.documented, "streams/detect/engine.py", "def _step():\n    1\nclass _E:\n    def f(self):\n        1\n"),
    (shape.no_markers, "scripts/x.sh", "mktemp fetch." + "X" * 6 + "\n"),
    (shape.nothing_swallowed, "streams/detect/engine.py", "try:\n    f()\nexcept KeyError:\n    pass\n"),
    (shape.nothing_swallowed, "streams/detect/engine.py", "try:\n    f()\nexcept:\n    g()\n    raise\n"),
    (shape.good_names, "streams/detect/engine.py", "def items():\n    pass\nclass Database:\n    pass\n"),
    (shape.no_addresses, "README.md", "pip install tocsin; a library of rules; /works\n"),
]


@pytest.mark.parametrize(("rule", "path", "text", "line"), PLANTED, ids=case_name)
def test_a_planted_fault_is_found(rule: Rule, path: str, text: str, line: int) -> None:
    found = list(rule(Source(path, text)))
    assert [(fault.path, fault.line) for fault in found] == [(path, line)]
    assert found[0].todo, "a fault tells what to do"


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENT, ids=case_name)
def test_what_is_right_passes(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []


def test_every_rule_is_planted() -> None:
    """A rule that nobody has seen bite is no rule."""
    planted = {rule for rule, *_ in PLANTED}
    assert planted >= {*OF_THE_PACKAGE, *OF_ALL_CODE, *OF_ALL_TEXT}


def test_long_functions_are_found_by_their_median() -> None:
    ten = "def f():\n" + "    x = 1\n" * 9
    nine = "def f():\n" + "    x = 1\n" * 8
    assert [fault.line for fault in shape.short_median([Source("streams/a.py", ten + ten + nine)])] == [11]
    assert not list(shape.short_median([Source("streams/a.py", ten + nine + nine)]))


def test_a_method_that_a_protocol_explains_needs_no_docstring() -> None:
    contract = Source("streams/a.py", "class Fold(Protocol):\n    def step(self):\n        '''One step.'''\n")
    user = Source("streams/b.py", "class Sum:\n    '''.'''\n    def step(self):\n        pass\n")
    function = Source("streams/b.py", "def step():\n    pass\n")
    contracts = shape.contract_methods([contract])
    assert contracts == {"step"}
    assert not list(shape.documented(user, contracts))
    assert list(shape.documented(function, contracts))


def test_a_circle_is_found() -> None:
    one = Source("streams/frames.py", "from streams.judging.measures import m\n")
    other = Source("streams/judging/measures.py", "from streams import frames\n")
    lazy = Source("streams/judging/measures.py", "def f():\n    from streams import frames\n")
    found = list(shape.no_cycles([one, other]))
    assert "streams.frames -> streams.judging.measures -> streams.frames" in found[0].what
    assert not list(shape.no_cycles([one, lazy]))


COMPLETE = {
    "streams/kinds/__init__.py": "from streams.kinds import match\n",
    "streams/kinds/match.py": 'NAME = "match"\n',
    "tests/kinds/test_match.py": "",
    "tests/scenarios/match.yaml": "",
}


@pytest.mark.parametrize("gone", [path for path in COMPLETE if path != "streams/kinds/match.py"])
def test_an_incomplete_kind_is_found(gone: str) -> None:
    assert not list(shape.complete_kinds(COMPLETE))
    left = {path: text for path, text in COMPLETE.items() if path != gone}
    assert [gone in fault.what for fault in shape.complete_kinds(left)] == [True]


def test_a_kind_by_another_name_is_found() -> None:
    assert len(list(shape.complete_kinds(COMPLETE | {"streams/kinds/match.py": 'NAME = "mach"\n'}))) == 1
