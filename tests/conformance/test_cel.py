"""CEL's own cases: all that need neither messages of protobuf nor an extension we do not have."""

from __future__ import annotations

from tests.conformance.cel import run
from tests.conftest import needs_shared, shared


@needs_shared("conformance/cel")
def test_the_cases_of_the_specification() -> None:
    counts = run(shared() / "conformance/cel")
    assert not counts.failed
    assert counts.reasons.keys() == {
        "extension not offered", "functions are declared by Tocsin alone", "protobuf messages are no values here"}
    assert counts.passed.total() > 800
