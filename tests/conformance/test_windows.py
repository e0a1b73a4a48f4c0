"""Esper's windows: every case passes, or is named with its reason."""

from __future__ import annotations

from tests.conformance.windows import DIFFERS, HOME, run
from tests.conftest import needs_shared, shared


@needs_shared(f"conformance/{HOME}")
def test_windows_of_esper() -> None:
    counts = run(shared() / "conformance" / HOME)
    assert not counts.failed
    assert sum(len(named) for named in counts.differs.values()) == len(DIFFERS)
    assert counts.passed.total() >= 90
