"""What `pip install` gives: a wheel with the package and the command, one version; locks hold no address."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+) \\$", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Name -> version of a lock."""
    return dict(PINNED.findall((ROOT / lock).read_text("utf-8")))


def name_of(requirement: str) -> str:
    """`ruamel-yaml` for `ruamel.yaml>=0.19.1,<0.20`."""
    return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower().replace(".", "-").replace("_", "-")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name == f"tocsin-{PROJECT['version']}-py3-none-any.whl"
    assert "streams/records.py" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"streams", "tocsin"}


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Pages, schemas and other files that code reads travel with it."""
    names = set(zipfile.ZipFile(wheel).namelist())
    git = ["git", "ls-files", "streams"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    there = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert there - names == set()


def test_the_command_is_importable() -> None:
    (entry,) = distribution("tocsin").entry_points.select(group="console_scripts")
    assert (entry.name, entry.value) == ("tocsin", PROJECT["scripts"]["tocsin"])
    assert callable(getattr(import_module(entry.module), entry.attr))


def test_the_installed_version_is_the_projects() -> None:
    """After a change of version: `make setup`."""
    assert distribution("tocsin").version == PROJECT["version"]


def test_the_lock_holds_every_dependency() -> None:
    """After a change of dependencies: `make lock`."""
    dev = PROJECT["optional-dependencies"]["dev"]
    assert {name_of(one) for one in PROJECT["dependencies"]} <= pins("requirements.lock").keys()
    assert {name_of(one) for one in dev} <= pins("requirements-dev.lock").keys()


def test_the_locks_agree_and_name_no_address() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / lock).read_text("utf-8")
