"""The port for scrapers and probes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.service.metrics import Port, Reading
from tests.broker.cluster import get


@pytest.fixture
def port() -> Iterator[tuple[Port, dict[str, bool]]]:
    state = {"ready": False}
    readings = [Reading("records", "Records.", ("source", "fate"), {("s", "late"): 2, ("s", "event"): 40}),
                Reading("lag_entries", "Lag.", ("role",), {("detect",): 7}, gauge=True)]
    made = Port(0, lambda: readings, lambda: state["ready"])
    made.start()
    yield made, state
    made.stop()


def test_metrics_are_prometheus_text(port: tuple[Port, dict[str, bool]]) -> None:
    status, text = get(port[0].port, "/metrics")
    assert status == 200
    assert text.splitlines() == [
        "# HELP tocsin_records_total Records.", "# TYPE tocsin_records_total counter",
        'tocsin_records_total{fate="event",source="s"} 40.0', 'tocsin_records_total{fate="late",source="s"} 2.0',
        "# HELP tocsin_lag_entries Lag.", "# TYPE tocsin_lag_entries gauge", 'tocsin_lag_entries{role="detect"} 7.0']


def test_alive_and_ready_are_two_questions(port: tuple[Port, dict[str, bool]]) -> None:
    made, state = port
    assert get(made.port, "/healthz") == (200, "alive\n")
    assert get(made.port, "/readyz") == (503, "not ready\n")
    state["ready"] = True
    assert get(made.port, "/readyz") == (200, "ready\n")
    assert get(made.port, "/secrets")[0] == 404
