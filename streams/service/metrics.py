"""Metrics and health on one port. The folds count for themselves; a scrape reads what they counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.respond.board import Board
from streams.vitals import GRAVITY, NONE

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Reading:
    """One figure: its name without `tocsin_`, its help text, its labels, and values by label values."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float],
                 gauge: bool = False) -> None:
        self.name, self.text, self.labels, self.values, self.gauge = name, text, labels, values, gauge

    def metric(self) -> Metric:
        """As Prometheus takes it."""
        kind = GaugeMetricFamily if self.gauge else CounterMetricFamily
        family = kind(f"tocsin_{self.name}", self.text, labels=self.labels)
        for labels, value in sorted(self.values.items()):
            family.add_metric(labels, value)
        return family


def gauges(boards: Sequence[Board]) -> list[Reading]:
    """What the boards of vital signs show: values, statuses and roll-ups."""
    values: dict[tuple[str, ...], float] = {}
    statuses: dict[tuple[str, ...], float] = {}
    usuals: dict[tuple[str, ...], float] = {}
    rolled: dict[tuple[str, ...], float] = {}
    for indicator, key, value, status in chain.from_iterable(board.gauges() for board in boards):
        labels = (indicator, ",".join(str(part) for part in key.values()))
        if isinstance(value, int | float):
            values[labels] = value
        if status != NONE:
            statuses[labels] = GRAVITY.get(status, -1)
    for indicator, key, usual in chain.from_iterable(board.usuals() for board in boards):
        for bound in ("expected", "low", "high"):
            value = getattr(usual, bound)
            if value is not None:
                usuals[indicator, ",".join(str(part) for part in key.values()), bound] = value
    for level, name, status in chain.from_iterable(board.rollups() for board in boards):
        rolled[level, name] = GRAVITY.get(status, -1)
    told = "0 green, 1 amber, 2 red, -1 unknown"
    return [
        Reading("indicator", "The newest value of each vital sign, by key.", ("indicator", "key"), values, gauge=True),
        Reading("indicator_status", f"The status of each vital sign: {told}.", ("indicator", "key"), statuses,
                gauge=True),
        Reading("indicator_usual", "What is usual for each vital sign: expected, and the range of nine in ten.",
                ("indicator", "key", "bound"), usuals, gauge=True),
        Reading("rollup_status", f"The status of each district and of the city: {told}.", ("level", "name"), rolled,
                gauge=True),
    ]


class _Readings(Collector):
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self.read = read

    def collect(self) -> Iterable[Metric]:
        return [reading.metric() for reading in self.read()]

    def describe(self) -> Iterable[Metric]:
        return []


class Port:
    """The port for scrapers and probes: `/metrics`, `/healthz` (alive), `/readyz` (has its partitions)."""

    def __init__(self, port: int, read: Callable[[], Iterable[Reading]], ready: Callable[[], bool],
                 host: str = "127.0.0.1") -> None:
        registry = CollectorRegistry()
        registry.register(_Readings(read))
        answers = {
            "/metrics": lambda: (200, CONTENT_TYPE, generate_latest(registry)),
            "/healthz": lambda: (200, "text/plain", b"alive\n"),
            "/readyz": lambda: (200, "text/plain", b"ready\n") if ready() else (503, "text/plain", b"not ready\n"),
        }
        self._server = ThreadingHTTPServer((host, port), _answering(answers))
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


def _answering(answers: Mapping[str, Callable[[], tuple[int, str, bytes]]]) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path.split("?")[0])
            status, kind, body = answer() if answer else (404, "text/plain", b"try /metrics /healthz /readyz\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Scrapes are not worth a line."""

    return Answering
