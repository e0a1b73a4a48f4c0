"""What a change of git touches, in a repository of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from streams import cli
from streams.tools.checking.changes import Change, changed_since, read_difference
from streams.tools.revisions import NoRevision

BASE = """\
kind: event_type
id: sensor.rain
fields: {device: string, mm: double}
---
kind: event_type
id: lift.trapped
fields: {device: string}
---
kind: source
id: feed
topic: t
format: json
event: {id: record.id, type: record.type, time: record.time}
"""
RULES = """\
kind: list
id: covers
values: [c1]
---
kind: match
id: heavy
event: sensor.rain
where: mm > 30.0
---
kind: match
id: listed
event: lift.trapped
where: device in lists.covers
---
kind: match
id: other
event: lift.trapped
where: device == "d9"
"""
Told = Callable[..., tuple[int, str]]


def git(folder: Path, *words: str) -> None:
    who = {f"GIT_{role}_{part}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    plain = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env=plain)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "base.yaml").write_text(BASE)
    (rules / "rules.yaml").write_text(RULES)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


@pytest.fixture
def told(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """`tocsin check` with words: the exit code and the ids of lines that are told of."""
    monkeypatch.chdir(home)

    def run(*words: str) -> tuple[int, str]:
        code = cli.main(["check", "--changed", "HEAD", *words])
        return code, "".join(capsys.readouterr())

    return run


def edit(home: Path, old: str, new: str, file: str = "rules.yaml") -> None:
    path = home / "rules" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_is_told_where_nothing_has_changed(told: Told) -> None:
    assert told() == (0, "0 mistakes, 0 remarks\n")


def test_only_the_rule_that_has_changed_is_told_of(home: Path, told: Told) -> None:
    edit(home, "mm > 30.0", "mmm > 30.0")
    edit(home, "id: other", "id: other\nowner: me")
    code, text = told()
    assert code == 1
    assert "TOC032" in text
    edit(home, "mmm > 30.0", "mm > 30.0")
    code, text = told()
    assert code == 0
    assert "`other` has no tests" in text
    assert "`heavy`" not in text
    assert "`listed`" not in text


def test_rules_that_use_what_has_changed_are_told_of(home: Path, told: Told) -> None:
    edit(home, "values: [c1]", "values: [c1, c2]")
    text = told()[1]
    assert "`listed` has no owner" in text
    assert "`other`" not in text
    edit(home, "mm: double", "mm: int", "base.yaml")
    assert "`heavy` has no owner" in told()[1]


def test_a_rule_that_uses_what_is_gone_is_told_of(home: Path, told: Told) -> None:
    edit(home, "kind: list\nid: covers\nvalues: [c1]\n---\n", "")
    code, text = told()
    assert code == 1
    assert "there is no list `covers`" in text or "covers" in text
    assert "`other`" not in text


def test_a_new_file_is_all_new(home: Path, told: Told) -> None:
    (home / "rules" / "new.yaml").write_text("kind: match\nid: new\nevent: sensor.rain\n---\nkind: match\nid: other\n")
    code, text = told()
    assert code == 1
    assert "`new` has no owner" in text
    assert "TOC018" in text  # the other of two documents with one id stands where nothing has changed
    assert "`heavy`" not in text


def test_a_changed_source_touches_the_rules_that_read_it(home: Path, told: Told) -> None:
    edit(home, "topic: t", "topic: t\ndisorder: 5m", "base.yaml")
    assert "`heavy` has no owner" in told()[1]


def test_a_folder_outside_git_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(NoRevision, match="is in no git repository"):
        changed_since(tmp_path, "HEAD")


@pytest.mark.parametrize("revision", ["nope", "--output=x"])
def test_an_unknown_revision_is_refused_in_words(home: Path, told: Told, revision: str,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", f"--changed={revision}"]) == 2
    assert revision in capsys.readouterr().err


def test_without_git_it_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(NoRevision, match="git is not installed"):
        changed_since(home / "rules", "HEAD")


def test_a_difference_is_read_line_by_line() -> None:
    text = """\
diff --git a/x y.yaml b/x y.yaml
--- a/x y.yaml\t
+++ b/x y.yaml\t
@@ -3 +3,2 @@ kind: match
-id: gone
+id: here
+++ b/no file
@@ -9,2 +10,0 @@
-{kind: list, id: lost}
-# id
"""
    assert read_difference(text) == Change({"x y.yaml": ((3, 4), (10, 11))}, frozenset({"gone", "lost"}))
