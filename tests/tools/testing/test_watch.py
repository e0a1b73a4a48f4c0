"""Rounds follow changes of rule files, and of nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.tools.testing.watch import rounds


def add(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "b.yaml").write_text("b")


def remove(folder: Path) -> None:
    (folder / "a.yaml").unlink()


def rewrite(folder: Path) -> None:
    (folder / "a.yaml").write_text("longer than before")


def touch(folder: Path) -> None:
    os.utime(folder / "a.yaml", ns=(1, 1))


def other(folder: Path) -> None:
    (folder / "notes.odt").write_text("not of the rules")


@pytest.mark.parametrize(("change", "number"), [(add, 2), (remove, 2), (rewrite, 2), (touch, 2), (other, 1)])
def test_a_round_follows_each_change(change: Callable[[Path], None], number: int, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a")
    changes = [change]

    def wait() -> bool:
        if changes:
            changes.pop()(tmp_path)
            return False
        return True

    assert list(rounds(tmp_path, wait)) == list(range(1, number + 1))
