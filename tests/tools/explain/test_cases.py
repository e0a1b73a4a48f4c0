"""Why, and why not: a case for each reason, with the exact sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from ruamel.yaml import YAML

from streams.rulefile import load
from streams.tools import replay
from streams.tools.explain import Explanation, explain
from streams.tools.explain.asking import key_of
from streams.tools.explain.causes import WHY
from streams.tools.explain.files import Files, story_of_files
from streams.tools.explain.report import as_json, as_text
from tests.tools.explain.times import instant

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
UNSAID = {"held_back", "no_finding"}


@cache
def cases() -> dict[str, Mapping[str, Any]]:
    found = [case for file in FILES for case in YAML(typ="safe").load(file.read_text())]
    return {case["name"]: case for case in found}


def written(case: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """The case's records as files, by source."""
    paths = {}
    for source, records in case["records"].items():
        rows = []
        for record in records:
            row = {name: value for name, value in record.items() if name not in ("at", "came")}
            row["time"] = instant_text(record["at"])
            if source == "calls":
                row["came"] = instant_text(record.get("came", record["at"]))
            rows.append(orjson.dumps(row))
        paths[source] = folder / f"{source}.jsonl"
        paths[source].write_bytes(b"\n".join(rows) + b"\n")
    return paths


def instant_text(clock: str) -> str:
    return f"2026-03-02T{clock}Z"


def explained(case: Mapping[str, Any], folder: Path) -> Explanation:
    """`separately`: each record in a batch of its own, so that what it brings is told before the next."""
    shutil.copytree(HERE / "rules", folder / "rules")
    (folder / "rules" / "rule.yaml").write_text(case["rule"])
    bundle = load(folder / "rules")
    rule = bundle.rules[case["ask"].get("rule", case["rule"].split("id: ", 1)[1].split()[0])]
    story = story_of_files(bundle, rule, Files(list(written(case, folder).items())))
    ask = case["ask"]
    named = story.told[-1].id if ask.get("finding") == "last" else ""
    key = key_of(rule, [f"{name}={part}" for name, part in ask.get("key", {}).items()])
    return explain(story, key, instant(ask["at"]) if "at" in ask else None, named, ask.get("near", ""))


@pytest.mark.parametrize("name", list(cases()))
def test_the_verdict_is_the_one_sentence_that_says_why(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases()[name]
    if case.get("separately"):
        monkeypatch.setattr(replay, "BATCH", 1)
    one = explained(case, tmp_path)
    assert re.sub(r"\b[0-9a-f]{24}\b", "{alert}", one.sentence) == case["verdict"], as_text(one)
    assert one.reason == case["reason"]
    told = orjson.loads(orjson.dumps(as_json(one)))
    assert told["verdict"]["sentence"] == one.sentence
    assert as_text(one).startswith(one.sentence)
    if "besides" in case:
        assert [reason["text"] for reason in told["reasons"][1:]] == case["besides"]


def test_every_reason_has_a_case() -> None:
    told = {case["reason"] for case in cases().values()}
    assert set(WHY) - told - UNSAID == set()
