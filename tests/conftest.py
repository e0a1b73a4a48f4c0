"""What all tests share: how hard hypothesis tries, the shared data, the broker."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from streams.rulefile import load
from streams.rules import Bundle

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("dev", max_examples=100, deadline=None)
settings.register_profile(
    "ci", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@cache
def shipped() -> Bundle:
    """The rules that come with Tocsin, read once."""
    return load(ROOT / "rules")


def shared() -> Path:
    """The folder of the shared data: $TOCSIN_SHARED, else `../shared` beside the project."""
    return Path(os.environ.get("TOCSIN_SHARED") or ROOT.parent / "shared").resolve()


def needs_shared(path: str) -> pytest.MarkDecorator:
    """Skip a test, saying why, where the shared data lack `path` (for example `data/montco911`)."""
    return pytest.mark.skipif(
        not (shared() / path).exists(),
        reason=f"{shared() / path} is not there; set TOCSIN_SHARED to the folder that holds {path}",
    )


@pytest.fixture(scope="session")
def broker() -> str:
    """The address of a running Kafka, `kafka://host:port`; whoever wants a topic invents its name."""
    address = os.environ.get("TOCSIN_BROKER", "")
    if not address:
        pytest.skip("no Kafka: TOCSIN_BROKER is not set (`make test` starts one; by hand: `make kafka-up`)")
    return address if "://" in address else f"kafka://{address}"


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.broker)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a log is: of each home once."""
    if request.param == "embedded":
        return f"embedded://{tmp_path / 'log.db'}"
    return str(request.getfixturevalue("broker"))
