"""The documents tell the truth: every command in them runs, every rule in them loads, nothing is left out."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from importlib.metadata import metadata
from itertools import takewhile
from pathlib import Path

import pytest

from streams import cli
from streams.clocks import DAY
from streams.kinds import all_kinds
from streams.problems import Gravity
from streams.reasons import SENTENCES
from streams.rulefile import check
from streams.rulefile.codes import CODES
from streams.rulefile.common import COMMON
from streams.rulefile.silence import PREFIX
from streams.rules import Bundle, City
from streams.service.worker import Settings, Worker
from streams.tools.manual import parts, rewritten
from streams.tools.ruletest import run_folder
from streams.tools.schema import schema_of
from streams.tools.testing import response
from streams.topics import Topics
from tests.conftest import ROOT

README, MANUAL, RUNBOOK = ROOT / "README.md", ROOT / "rules" / "README.md", ROOT / "deploy" / "README.md"
PROBLEMS = ROOT / "rules" / "problems.md"
BLOCK = re.compile(r"^```(?P<kind>[a-z .]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
KAFKA = "kafka://127.0.0.1:19092"
MAKE = """#!/bin/sh
# In place of make: the set-up is done, the demo runs as the Makefile runs it.
case "$1" in
  demo) exec {python} -m streams.demo ;;
  kafka-up) exit 0 ;;
  *) echo "no make $1 in a document"; exit 1 ;;
esac
"""


def blocks(page: Path, kind: str) -> list[str]:
    return [found["text"] for found in BLOCK.finditer(page.read_text()) if found["kind"].strip() == kind]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder as a newcomer has it: the rules, and the commands on the path."""
    shutil.copytree(ROOT / "rules", tmp_path / "home" / "rules")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "tocsin").write_text(f"#!/bin/sh\nexec {sys.executable} -m streams.cli \"$@\"\n")
    (bin_ / "make").write_text(MAKE.format(python=sys.executable))
    for program in bin_.iterdir():
        program.chmod(0o755)
    return tmp_path / "home"


def shell(home: Path, script: str, **more: str) -> str:
    path = f"{home.parent / 'bin'}:/usr/bin:/bin"
    script = script.replace('export PATH="$PWD/.venv/bin:$PATH"', "")
    known = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(home), **more}
    words = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(words, cwd=home, capture_output=True, text=True, timeout=180, env=known, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.slow
def test_the_readme_leads_from_nothing_to_a_first_alert(home: Path) -> None:
    told = [shell(home, script) for script in blocks(README, "sh")]
    [records] = re.findall(r"^(\d+) records came in", told[0], re.MULTILINE)
    assert f"({int(records):,} records)" in README.read_text()
    assert "2 passed, 0 failed" in "".join(told)
    assert '"rule":"my-first-rule"' in told[-3]
    assert "because condition.gte: 3 → 4" in told[-2]
    assert "tocsin.alert.firing" in told[-1]


@pytest.mark.broker
def test_the_readme_s_kafka_commands_run(home: Path, broker: str) -> None:
    [script] = blocks(README, "sh kafka")
    prefix = f"docs{os.getpid()}"
    calls = home / "rules" / "sources" / "calls.yaml"
    calls.write_text(calls.read_text().replace("topic: city.calls", f"topic: {prefix}.calls"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script = script.replace(KAFKA, f"{broker} --prefix {prefix}").replace("127.0.0.1:9400", f"127.0.0.1:{port}")
    script = script.replace("tocsin run", f"tocsin run --port {port}").strip() + " | head -n 5\n"
    ends = "trap 'kill %1; wait %1 || true' EXIT\nset +o pipefail\n"
    told = shell(home, "tocsin simulate city --seed 7 > made.txt\n" + ends + script)
    assert "tocsin.alert.firing" in told


def test_the_readme_s_schema_for_an_editor_is_written(home: Path) -> None:
    [script] = blocks(README, "sh editor")
    shell(home, script)
    [(path, files)] = json.loads((home / ".vscode" / "settings.json").read_text())["yaml.schemas"].items()
    assert json.loads((home / path).read_text()) == schema_of(version=metadata("tocsin")["Version"])
    assert files == ["rules/**/*.yaml"]


def test_every_document_in_the_manual_loads_and_its_tests_pass(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    written, files = blocks(MANUAL, "yaml"), tmp_path / "rules" / "detect"
    assert len(written) > 20
    for number, text in enumerate(written):
        name = "../city.yaml" if text.startswith("kind: city") else f"manual-{number}.yaml"
        (files / name).write_text(text)
    for found in BLOCK.finditer(MANUAL.read_text()):
        if found["kind"].startswith("csv "):
            (files / found["kind"].removeprefix("csv ")).write_text(found["text"])
    bundle, problems = check(tmp_path / "rules")
    beside = "TOC116"  # examples are variations of each other and of the library, and no one city's
    wrong = [problem for problem in problems if problem.gravity is not Gravity.INFO and problem.code != beside]
    assert [problem.render() for problem in wrong] == []
    assert bundle is not None
    rules = [rule for rule in bundle.rules.values()
             if Path(rule.file).name.startswith("manual-") and not rule.id.startswith(PREFIX)]
    assert [rule.id for rule in rules if not rule.tests] == []
    results = run_folder(tmp_path / "rules", [rule.id for rule in rules])
    results += [one for one in response.results(bundle) if Path(one.file).name.startswith("manual-")]
    assert {(result.rule, result.name): result.problems for result in results if result.problems} == {}


@pytest.mark.parametrize("page", [MANUAL, PROBLEMS])
def test_what_is_made_from_the_code_is_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert rewritten(text) == text, f"run: python -m streams.tools.manual {page.relative_to(ROOT)}"


def test_the_manual_names_everything_an_author_meets() -> None:
    text = MANUAL.read_text()
    names = [*all_kinds(), *CODES, *SENTENCES, *(field.name for field in COMMON)]
    names += [field.name for kind in all_kinds().values() for field in kind.FIELDS]
    assert [name for name in names if name not in text] == []
    assert [name for name in parts() if f"<!-- made: {name} -->" not in text] == []
    functions = ("distance", "in_zone", "local", "extract", "slug", "register")
    assert [name for name in functions if f"`{name}(" not in text] == []


def test_the_readme_names_every_command_and_option() -> None:
    text = README.read_text()
    commands = choices(cli._parser())
    assert [name for name in commands if f"tocsin {name}" not in text] == []
    words = [word for parser in commands.values() for word in choices(parser)]
    assert [word for word in words if not re.search(rf"`(tocsin \w+ )?{word}\b", text)] == []
    parsers = [one for parser in commands.values() for one in (parser, *choices(parser).values())]
    options = {option for parser in parsers for action in parser._actions
               for option in action.option_strings if option.startswith("--") and option != "--help"}
    assert [option for option in sorted(options) if option not in text] == []


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The words that follow a command, each with its own parser."""
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0]) if found else {}


def test_the_readme_names_only_targets_that_the_makefile_has() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README.read_text(), re.MULTILINE))
    assert [name for name in sorted(named) if f"\n{name}:" not in (ROOT / "Makefile").read_text()] == []


def test_the_runbook_tells_every_topic_as_it_is_made() -> None:
    rows = table(RUNBOOK, "topic")
    for spec in Topics().specs(97):
        kept = "compacted" if spec.retention is None else f"{spec.retention // DAY} days"
        partitions = "`--partitions`" if spec.partitions == 97 else str(spec.partitions)
        assert rows.get(f"`{spec.name}`", [])[:2] == [partitions, kept], spec.name
    assert len(rows) == len(Topics().specs(97))


def test_the_runbook_tells_every_metric_and_its_labels() -> None:
    worker = Worker(Bundle("b", City(), {}, {}, {}, {}, {}), Settings("embedded:///nowhere/log.db"))
    made = {f"`tocsin_{one.name}{'' if one.gauge else '_total'}`": ", ".join(one.labels) for one in worker.readings()}
    assert {name: row[0] for name, row in table(RUNBOOK, "metric").items()} == made


def test_the_runbook_tells_everything_that_subscribers_read() -> None:
    text = RUNBOOK.read_text()
    for file in sorted((ROOT / "tests" / "respond" / "golden").glob("*.json")):
        event = json.loads(file.read_text())
        told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
        assert [name for name in (*event, *event["data"]) if name not in told] == [], file.name


def test_the_architecture_tells_every_dependency_and_its_licence() -> None:
    rows = table(ROOT / "ARCHITECTURE.md", "package")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [found[0] for text in project["dependencies"] if (found := re.match(r"[\w.-]+", text))]
    assert sorted(rows) == sorted(names)
    for name in names:
        told = metadata(name)
        whole = " ".join(str(told.get_all(field)) for field in ("License-Expression", "License", "Classifier"))
        assert rows[name][0].split("-")[0] in whole, name


def table(page: Path, first: str) -> dict[str, list[str]]:
    """The rows of the page's table whose first column is headed so: first cell -> the others."""
    lines = page.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[start + 2:])
    cells = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)
    return {first: others for first, *others in cells}


@pytest.mark.parametrize("page", [README, MANUAL, RUNBOOK, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"])
def test_pages_name_only_files_that_are_there(page: Path) -> None:
    named = re.findall(r"`((?:streams|rules|deploy|tests|bench)/[\w./-]*?)/?`", page.read_text())
    missing = [name for name in named if not (ROOT / name).exists() and not name.startswith("rules/detect/")]
    assert missing == []


@pytest.mark.parametrize("page", [README, MANUAL, PROBLEMS, RUNBOOK])
def test_links_within_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    titles = [title.strip().lower() for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    anchors = {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_every_problem_code_leads_to_its_page() -> None:
    titles = re.findall(r"^### (TOC\d+)$", PROBLEMS.read_text(), re.MULTILINE)
    linked = re.findall(r"\[(TOC\d+)\]\(problems\.md#(toc\d+)\)", MANUAL.read_text())
    assert [code for code, _ in linked] == titles == sorted(CODES)
    assert all(anchor == code.lower() for code, anchor in linked)
