"""What is usual in seven weeks of real calls, by an indicator that comes with Tocsin: its range, and two bad nights."""

from __future__ import annotations

from typing import Any

import pytest

from streams.rulefile import workshop
from streams.tools.backtest import Backtest
from streams.tools.backtesting.command import chosen
from streams.tools.backtesting.vitals import vitals
from tests.conftest import ROOT, needs_shared, shared
from tests.real.montco import CALLS

pytestmark = [pytest.mark.real, needs_shared("data/montco911")]


def test_nine_of_ten_hours_are_as_usual_and_the_two_storms_are_not() -> None:
    bundle = chosen(workshop(ROOT / "rules"), ["calls-against-usual"])
    told = vitals(bundle, Backtest(bundle, [("montco911", shared() / CALLS)], vitals=True).steps())
    read: list[dict[str, Any]] = [one["data"] for one in told if one["type"] == "tocsin.vital.reading"]
    judged = [one for one in read if not one["usual"]["warming"] and one["value"] is not None]
    assert len(judged) > 2000
    inside = [one for one in judged if one["usual"]["low"] <= one["value"] <= one["usual"]["high"]]
    assert 0.88 <= len(inside) / len(judged) <= 0.94
    assert {one["status"] for one in read if one["usual"]["warming"]} == {"unknown"}
    bad = {one["end"][:10] for one in judged if one["status"] in ("amber", "red")}
    assert bad == {"2016-01-13", "2016-01-23"}  # by UTC: the snow squall of the evening of the 12th, and the blizzard
