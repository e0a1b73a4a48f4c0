"""Our reading of CAP and the schema's are one."""

from __future__ import annotations

from tests.conformance.cap import run
from tests.conftest import needs_shared, shared


@needs_shared("conformance/cap")
def test_cap() -> None:
    counts = run(shared() / "conformance" / "cap")
    assert not counts.failed
    assert set(counts.differs) == {"attribute"}
    assert counts.passed.total() > 1500
