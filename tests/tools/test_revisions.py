"""Rule files at a revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from streams.tools.revisions import NoRevision, files_at


def git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *own, *words], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "city" / "rules"
    (rules / "detect").mkdir(parents=True)
    (rules / "detect" / "a.yaml").write_text("first")
    (rules / ".hidden.yaml").write_text("no")
    (rules / "notes.md").write_text("no")
    (tmp_path / "city" / "other.yaml").write_text("beside the rules")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    (rules / "detect" / "a.yaml").write_text("second")
    (rules / "b.csv").write_text("new")
    return rules


def test_the_files_are_those_of_the_revision_and_of_the_folder(folder: Path) -> None:
    assert files_at(folder, "HEAD") == {"detect/a.yaml": b"first"}
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "two")
    assert files_at(folder, "HEAD") == {"detect/a.yaml": b"second", "b.csv": b"new"}
    assert files_at(folder, "HEAD~1") == {"detect/a.yaml": b"first"}


@pytest.mark.parametrize(("revision", "told"), [
    ("nothing", "has no revision 'nothing': not a valid object name"),
    ("--output=x", "'--output=x' is no revision"),
])
def test_what_is_no_revision_is_told(folder: Path, revision: str, told: str) -> None:
    with pytest.raises(NoRevision, match=told):
        files_at(folder, revision)


def test_a_folder_without_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoRevision, match="not a git repository"):
        files_at(tmp_path, "HEAD")
