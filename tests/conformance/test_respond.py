"""Alertmanager's notifications and Prometheus' `for`: every case passes, or is named with its reason."""

from __future__ import annotations

import pytest

from tests.conformance.cases import cases
from tests.conformance.respond import BY_DESIGN, SHORT_MONTH, City, run
from tests.conftest import needs_shared, shared

HOME = "conformance/respond"


@needs_shared(HOME)
@pytest.mark.parametrize(("file", "passed", "differ"), [
    ("route_match.jsonl", 84, set()),
    ("time_intervals.jsonl", 100, {SHORT_MONTH}),
    ("rule_for.jsonl.gz", 107, set(BY_DESIGN.values())),
])
def test_routes_hours_and_for(file: str, passed: int, differ: set[str]) -> None:
    counts = run(shared() / HOME / file)
    assert not counts.failed
    assert counts.passed.total() == passed
    assert set(counts.reasons) == differ


@needs_shared(HOME)
def test_notifications_and_what_is_kept_back() -> None:
    """In both readings of absent labels."""
    counts = run(shared() / HOME / "notification_scenarios.jsonl.gz")
    assert not counts.failed
    assert counts.passed.total() == 188


@needs_shared(HOME)
def test_a_restart_at_any_point_changes_nothing() -> None:
    for case in list(cases(shared() / HOME / "notification_scenarios.jsonl.gz"))[::12]:
        plain, restarted = City(case, False), City(case, False, restart=True)
        assert restarted.notifications == plain.notifications
        assert restarted.suppression == plain.suppression
