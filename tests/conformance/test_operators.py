"""ISA-18.2 as alerta-server moves it: every case passes, or is named with its reason."""

from __future__ import annotations

from tests.conformance.operators import HOME, run
from tests.conftest import needs_shared, shared


@needs_shared(f"conformance/{HOME}")
def test_operator_states_of_alerta() -> None:
    counts = run(shared() / "conformance" / HOME)
    assert not counts.failed
    assert counts.passed.total() > 5500
    assert counts.reasons.total() < 1300
