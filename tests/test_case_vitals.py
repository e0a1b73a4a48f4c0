"""The vital signs of cases, from what respond itself tells of cases to the readings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.actions import Action
from streams.clocks import HOUR, MINUTE, parse_rfc3339
from streams.findings import ActionRow, ResponseFrame
from streams.policy import Deadlines, Policy
from streams.respond import Respond
from streams.rules import Dispatch
from streams.tools.backtest import Backtest
from streams.tools.backtesting.vitals import vitals
from tests.conftest import shipped
from tests.responses import NOON, bundle, finding, frame, rows, rule

CREW, CHECK, LEAD = ("unit",), ("verifier",), ("supervisor",)
NUMBER = 6


def told() -> list[bytes]:
    """Six cases: each accepted after 1, 2 ... minutes, there 10 minutes later; the last is sent back once, and late."""
    made = bundle(rule(dispatch=Dispatch("police", 1)))
    policy = Policy(deadlines=(Deadlines("usual", {"on_scene": 15 * MINUTE}),))
    fold = Respond(msgspec.structs.replace(made, policy=policy))
    outputs = []
    for number in range(NUMBER):
        opened = fold.step(number, frame(rows([finding(f"f{number}", key={"n": number}, evidence=f"e{number}")],
                                              offset=number)))
        outputs += opened
    cases = [one.key.decode() for one in outputs if one.topic == "cases"][::2]
    steps = []
    for number, case in enumerate(cases, 1):
        late = number == NUMBER
        steps += [(number, "accept", CREW, case), (number + 10, "arrive", CREW, case), (30, "dispose", CREW, case)]
        steps += [(31, "rework", CHECK, case), (40, "accept", CREW, case), (41, "dispose", CREW, case)] if late else []
        steps += [(50, "verify", CHECK, case), (51, "close", LEAD, case)]
    for offset, (minute, name, roles, case) in enumerate(sorted(steps, key=lambda one: one[0]), NUMBER):
        done = Action(f"a{offset}", NOON + minute * MINUTE, roles[0], roles, f"case.{name}", case, "because",
                      details={"code": "1"})
        outputs += fold.step(offset, ResponseFrame([ActionRow(done)]))
    return [one.value for one in outputs if one.topic == "cases"]


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By indicator the reading of 13:00, an hour after the first."""
    path = tmp_path_factory.mktemp("cases") / "cases.jsonl"
    path.write_bytes(b"\n".join(told()))
    whole = shipped()
    signs = {name: one for name, one in whole.indicators.items() if "cases" in one.sources}
    few = msgspec.structs.replace(whole, rules={}, indicators=signs)
    run = Backtest(few, [("cases", path)], vitals=True, finish=True)
    found = [one["data"] for one in vitals(whole, run.steps()) if one["type"] == "tocsin.vital.reading"]
    return {one["indicator"]: one for one in found if parse_rfc3339(one["end"]) == NOON + HOUR}


@pytest.mark.parametrize(("name", "value", "status"), [
    ("cases-accepted-p90", 330, "amber"),
    ("cases-arrived-p90", 930, "green"),
    ("cases-closed-on-time", 5 / 6, "amber"),
    ("cases-reworked", 1 / 6, "amber"),
    ("cases-open", 0, "green"),
    ("cases-found-by-rules", 1, "green"),
])
def test_what_happens_to_cases_is_read(
    readings: dict[str, dict[str, Any]], name: str, value: float, status: str
) -> None:
    assert readings[name]["value"] == pytest.approx(value)
    assert readings[name]["status"] == status


def test_no_indicator_of_cases_is_left_out(readings: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    whole = shipped()
    assert set(readings) == {name for name, one in whole.indicators.items() if "cases" in one.sources}
