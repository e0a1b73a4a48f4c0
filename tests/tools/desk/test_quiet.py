"""Silences, routes, shift reports and exercises at the desk: what is said agrees with what then happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from streams import matchers
from streams.clocks import HOUR, MINUTE, SECOND
from streams.findings import CLOSED
from streams.policy import Channel, Deadlines, Inhibit, Policy, Receiver, Route, Silence
from streams.rules import Alert, Dispatch
from streams.schedules import Duty, Schedule
from tests.desks import Deployment, deployed
from tests.responses import NOON, bundle, finding, rows, rule
from tests.tools.desk.test_desk import lines


def where(text: str) -> Any:
    return matchers.parse(text).compiled()


ROOT = Route("0", "all", "desk", group_by=("district", "rule"), group_wait=0, routes=(
    Route("0.0", "sensors", "team", where("rule=sensor"), active=("nights",)),))
POLICY = Policy(
    root=ROOT, receivers={"desk": Receiver("desk", channels=(Channel("webhook"),)),
                          "team": Receiver("team", resolved=False)},
    windows={"nights": Schedule((Duty(begin=22 * 60, end=6 * 60),))},
    inhibits=(Inhibit("feeder", where("rule=feeder"), where("rule=lamp"), ("district",)),),
    guards={"life": where("severity=extreme")}, deadlines=(Deadlines("all", {"accepted": MINUTE}),),
    silences=(Silence("roadworks", where("rule=crash"), NOON + HOUR, NOON + 2 * HOUR, "roads", "night works", "W-1"),))
BUNDLE = msgspec.structs.replace(bundle(
    rule("crash", dispatch=Dispatch("police", 1), alert=Alert("Crashes in {{ district }}")),
    rule("feeder"), rule("lamp"), rule("sensor"), rule("fire", severity="extreme")), policy=POLICY)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment with an alert of each rule in the west."""
    made = deployed(tmp_path, BUNDLE, NOON + 10 * SECOND, monkeypatch)
    made.find(rows([finding(name, rule=name) for name in ("crash", "feeder", "lamp", "sensor", "fire")]))
    return made


def out(home: Deployment, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert home.tocsin(*words) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def test_a_silence_is_tried_made_listed_and_ended(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    tried = out(home, capsys, "silence", "preview", "--match", "district=west", "rule!=lamp", "--match", "rule=lamp")
    assert tried.startswith("would mute 4 alerts now\n")
    assert "1 alert of these a guard keeps; nobody can silence them\n" in tried
    with home.answering():
        made = out(home, capsys, "silence", "add", "--match", "rule=crash", "--for", "1h", "--reason", "works",
                   "--ticket", "W-2")
        name = made.split()[1]
        assert made.startswith(f"silence {name} holds for 1h, until 07-01 21:00:10\nmutes 1 alert now\n")
        assert out(home, capsys, "silence", "add", "--match", "severity=extreme", "--for", "1h", "--reason", "loud",
                   code=1) == "silence.add: the guard `life` keeps these alerts: nobody can silence them\n"
        alert = orjson.loads(out(home, capsys, "alert", "ls", "--rule", "crash", "--json"))
        assert alert["quiet"] == [{"reason": "silenced", "by": name, "source": ""}]
        shown = out(home, capsys, "alert", "show", alert["alert"])
        assert f"quiet    silenced by lan until 07-01 21:00:10: works ({name})" in shown
        listed = [line.split() for line in out(home, capsys, "silence", "ls").splitlines()]
        assert listed[1][:3] == [name[:6], "active", "rule=crash"]
        assert ["roadworks", "pending"] in [line[:2] for line in listed]
        assert out(home, capsys, "silence", "expire", name[:8]) == f"silence.expire {name[:6]}: done\n"
        assert out(home, capsys, "silence", "expire", "roadworks", code=1).endswith("and ends there\n")
    home.now += SECOND
    assert [one["silence"] for one in map(orjson.loads, out(
        home, capsys, "silence", "ls", "--state", "expired", "--json").splitlines())] == [name]
    assert "--match" in out(home, capsys, "silence", "preview", "--match", "rule", code=2)
    assert "both say" in out(home, capsys, "silence", "add", "--match", "rule=x", "--for", "1h", "--until",
                             "2025-07-02", code=2)


def test_a_route_is_tested_with_all_that_decides(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    lamp = out(home, capsys, "route", "test", "rule=lamp", "district=west", "severity=minor")
    feeder = orjson.loads(out(home, capsys, "alert", "ls", "--rule", "feeder", "--json"))["alert"]
    assert lamp.splitlines() == [
        "labels   rule=lamp, district=west, severity=minor", "route    all -> desk (webhook)",
        "         together: district=west, rule=lamp; after 0s, then every 5m, again after 4h",
        f"         quiet now: explained by alert {feeder} (Five crashes in ten minutes), by the rule feeder",
        f"inhibit  feeder: an alert fires that explains it ({feeder})", "so       desk would not, now"]
    assert "it lacks district, so no alert is like it" in out(home, capsys, "route", "test", "rule=lamp")
    assert "no alert fires that would" in out(home, capsys, "route", "test", "rule=lamp", "district=east")
    sensor = out(home, capsys, "route", "test", "rule=sensor")
    assert "route    sensors -> team" in sensor
    assert "only within nights; not that it is over" in sensor
    assert "so       team would not, now" in sensor
    night = out(home, capsys, "route", "test", "rule=sensor", "--at", "2025-07-02T01:00Z")
    assert "so       team would be told" in night
    assert "silence  roadworks: pending, of roads: night works" in out(home, capsys, "route", "test", "rule=crash")
    grave = out(home, capsys, "route", "test", "rule=lamp", "severity=extreme")
    assert "guard    life: nothing keeps it quiet" in grave
    told = orjson.loads(out(home, capsys, "route", "test", "--alert", feeder, "--json"))
    assert [(one["receiver"], one["group"]) for one in told["routes"]] == [
        ("desk", {"district": "west", "rule": "feeder"})]
    assert "give the labels" in out(home, capsys, "route", "test", code=2)
    home.broker = "embedded:///nowhere/log.db"
    alone = out(home, capsys, "route", "test", "rule=lamp", "district=west")
    assert alone.splitlines()[-2:] == [
        "what fires now is not known: there is no log of a deployment here", "so       desk would be told"]


def test_an_exercise_is_begun_and_ended_at_the_desk(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    with home.answering():
        assert "takes one of the roles" in out(home, capsys, "drill", "crash", code=1)
        begun = out(home, capsys, "drill", "crash", "--key", "district=east", "--severity", "severe", "--role",
                    "supervisor")
        assert begun.startswith("EXERCISE: Crashes in east: alert ")
        assert "it is over at 07-02 00:00:10, or with: tocsin drill end\n" in begun
        assert "EXERCISE: Crashes in east" in out(home, capsys, "case", "ls")
        assert out(home, capsys, "drill", "end", "--role", "supervisor") == "the exercise is over\n"
        assert "EXERCISE" not in out(home, capsys, "case", "ls")
    assert "did you mean `crash`?" in out(home, capsys, "drill", "crahs", code=2)
    assert "a word too many" in out(home, capsys, "drill", "crash", "x", code=2)


def test_a_shift_hands_over_what_happened_and_what_is_open(
        home: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_ROLE", "admin")
    with home.answering():
        home.wait_until(NOON + 2 * MINUTE)
        alert, case = (orjson.loads(out(home, capsys, *words, "--json").splitlines()[0])[words[0]]
                       for words in (("alert", "ls", "--rule", "crash"), ("case", "ls")))
        out(home, capsys, "alert", "ack", alert)
        out(home, capsys, "drill", "crash", "--key", "district=east")
        for words in (("accept",), ("dispose", "--code", "1"), ("verify", "--as", "mei"), ("close", "--as", "mei")):
            out(home, capsys, "case", words[0], case, *words[1:])
        home.find(rows([finding("f2", rule="crash", key={"district": "north"}, opened=3, at=3)], offset=9))
        home.find(rows([finding("lamp", 2, CLOSED, rule="lamp", closed=4, at=4)], offset=10))
    home.now = NOON + 2 * HOUR
    told = lines_of(home, capsys, "shift", "report", "--from", "2025-07-01T12:00Z", "--json")
    assert told | {"kept_quiet": 0} == {
        "alerts": 6, "by_severity": {"extreme": 1, "minor": 5},
        "by_rule": {"crash": 2, "feeder": 1, "lamp": 1, "sensor": 1, "fire": 1}, "notified": 4, "kept_quiet": 0,
        "held_back": {}, "acked": 1, "shelved": 0, "out_of_service": 0, "open_cases": 1,
        "by_stage": {"dispatched": 1}, "by_age": {"under 4h": 1}, "late_stages": {"accepted": 1}, "closed_cases": 1,
        "on_time": 0.0, "reworked": 0.0, "exercises": 1, "indicators": [],
        "from": "2025-07-01T12:00:00.000000Z", "to": "2025-07-01T14:00:00.000000Z", "district": ""}
    assert told["kept_quiet"] == {"inhibited": 1, "outside_hours": 1}
    text = out(home, capsys, "shift", "report", "--district", "west")
    assert text.startswith("07-01 14:00:00 to 07-01 22:00:00 in west\n\nalerts          5 (1 extreme, 4 minor)\n")
    assert "closed cases    1, 0% in time, 0% after rework\n" in text
    assert "--from is not before --to" in out(home, capsys, "shift", "report", "--from", "2030-01-01", code=2)


def lines_of(home: Deployment, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert home.tocsin(*words) == 0
    [one] = lines(capsys)
    return one
