"""The commands of the desk over an embedded log: lists, stories, actions and what is said of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from streams import desk_words
from streams.clocks import HOUR, MINUTE, SECOND
from streams.findings import CLOSED
from streams.logs import Outgoing, open_log
from streams.policy import Deadlines, Owner, Policy, Step
from streams.respond.cases.table import TABLE
from streams.respond.operating.table import ACTIONS
from streams.rules import Alert, Dispatch
from streams.tools.asking import Misasked
from streams.tools.desk import posting, story
from streams.tools.desk.naming import brief, named
from tests.desks import TOPICS, Deployment, deployed
from tests.responses import NOON, bundle, finding, rows, rule

POLICY = Policy(
    owners=(Owner("works", "Infra"),), fallback="duty",
    deadlines=(Deadlines("all", {"accepted": MINUTE, "on_scene": 8 * MINUTE}, escalation="p1"),),
    escalations={"p1": (Step(2 * MINUTE, "chief", "accepted", 1),)})
BUNDLE = msgspec.structs.replace(bundle(
    rule("crash", dispatch=Dispatch("police", 1), severity="severe", alert=Alert("Crashes in {{ district }}")),
    rule("leak", severity="minor")), policy=POLICY)


WHY = "Five crashes in ten minutes: 2 events, value 5, district west."
WATCH = "admin, call_taker, dispatcher, supervisor"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment with one alert that has a case, and one that has none."""
    made = deployed(tmp_path, BUNDLE, NOON + 10 * SECOND, monkeypatch)
    made.find(rows([finding("f1"), finding("f2", rule="leak", key={"district": "east"}, opened=-5)]))
    return made


def told(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_lists_tell_what_waits_the_gravest_first(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert home.tocsin("alert", "ls") == 0
    head, first, second = told(capsys)
    assert head == ["alert", "seen", "fires", "severity", "district", "since", "what", "quiet", "case"]
    assert first[1:8] == ["new", "yes", "severe", "west", "07-01", "20:00:00", "Crashes"]
    assert second[1:5] == ["new", "yes", "minor", "east"]
    assert home.tocsin("alert", "ls", "--district", "east", "--json") == 0
    [one] = lines(capsys)
    assert (one["rule"], one["operator"], one["labels"]["district"], one["case"]) == ("leak", "new", "east", "")
    assert home.tocsin("alert", "ls", "--state", "acked") == 0
    assert capsys.readouterr().out == "no alert is in the list, or none of what was asked for\n"
    assert home.tocsin("case", "ls") == 0
    assert told(capsys)[1][1:8] == ["dispatched", "police", "1", "0", "west", "07-01", "20:00:00"]
    assert home.tocsin("case", "ls", "--late") == 0
    assert capsys.readouterr().out.startswith("no case is open")


def test_who_acts_is_told_what_is_so_now_or_why_not(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    home.tocsin("alert", "ls", "--json")
    crash, leak = (one["alert"] for one in lines(capsys))
    with home.answering():
        assert home.tocsin("alert", "ack", crash[:8], leak[:8], "--reason", "on it") == 0
        assert capsys.readouterr().out == "".join(
            f"alert {one[:6]} seen until 07-02 00:00:10, by lan: on it\n" for one in (crash, leak))
        assert home.tocsin("alert", "ack", crash[:8], "--as", "mei") == 1
        out, err = capsys.readouterr()
        assert (out, err) == ("", f"alert.ack {crash[:6]}: it is acked, and to ack it must be new or returned\n")
        assert home.tocsin("alert", "shelve", leak, "--for", "9h", "--reason", "works", "--json") == 1
        [refused] = lines(capsys)
        assert (refused["done"], refused["refused"], refused["event"]) == (False, "incomplete", None)
        assert home.tocsin("alert", "shelve", leak, "--for", "9h", "--reason", "works", "--role", "supervisor") == 0
        assert home.tocsin("alert", "unack", crash, "--expect", "1") == 1
        assert "it is at version 2, and 1 was seen" in capsys.readouterr().err
        assert home.tocsin("case", "accept", "", "--role", "unit") == 2


def test_a_case_is_moved_and_says_what_is_due_next(home: Deployment, capsys: pytest.CaptureFixture[str],
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    home.tocsin("case", "ls", "--json")
    name = lines(capsys)[0]["case"]
    monkeypatch.setenv("TOCSIN_ROLE", "unit")
    with home.answering():
        assert home.tocsin("case", "accept", name[:7]) == 0
        accepted = f"case {name[:6]}: accepted, by lan; on_scene is due 07-01 20:08:00 (version 3)\n"
        assert capsys.readouterr().out == accepted
        assert home.tocsin("case", "extend", name, "--by", "1h", "--reason", "fog", "--role", "supervisor") == 0
        assert "extended: on_scene by 07-01 21:08:00, by lan: fog" in capsys.readouterr().out
        assert home.tocsin("case", "open", "--title", "A tree on the road", "--district", "west", "--label",
                           "category=Infra", "--role", "call_taker") == 0
        opened = capsys.readouterr().out
        assert "discovered, by lan" in opened
        assert home.tocsin("case", "merge", opened.split()[1][:6], "--into", name[:6], "--reason", "the same",
                           "--role", "dispatcher") == 0
        assert f"is one with case {name[:6]}" in capsys.readouterr().out
        assert home.tocsin("case", "split", name, "--reason", "two places", "--role", "dispatcher") == 0
        assert home.tocsin("case", "extend", name, "--by", "long", "--reason", "fog") == 2
        assert home.tocsin("case", "open", "--title", "x", "--label", "category") == 2


def test_a_story_is_told_in_order_of_time(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    home.tocsin("alert", "ls", "--json")
    crash = lines(capsys)[0]["alert"]
    with home.answering():
        home.wait_until(NOON + 3 * MINUTE)
        assert home.tocsin("alert", "shelve", crash, "--for", "2h", "--reason", "nothing to do") == 0
        home.find(rows([finding("f1", sequence=2, change=CLOSED, closed=4, at=4)], offset=9))
        assert home.tocsin("alert", "unshelve", crash, "--role", "viewer") == 1
    capsys.readouterr()
    assert home.tocsin("alert", "show", crash) == 0
    text = capsys.readouterr().out
    head, tale = text.split("\n\n")
    assert f"why      {WHY}" in head
    case = head.splitlines()[-1].split()[1][:6]
    assert tale.splitlines() == [
        f"07-01 20:00:00  fires: Crashes in west (severe, in west). {WHY}",
        "07-01 20:00:00  police is sent, priority 1",
        f"07-01 20:00:00  case {case}: registered",
        f"07-01 20:00:00  case {case}: dispatched to police",
        f"07-01 20:01:00  case {case}: accepted is overdue since 07-01 20:01:00",
        f"07-01 20:02:00  case {case}: chief is told, level 1",
        "07-01 20:03:00  put aside until 07-01 22:03:00, by lan: nothing to do",
        "07-01 20:04:00  is over",
        f"07-01 20:04:00  case {case}: its alert is over; priority 2",
        f"07-01 20:04:00  refused to lan, alert.unshelve: `alert.unshelve` takes one of the roles {WATCH}",
    ]
    assert home.tocsin("case", "show", case, "--json") == 0
    [shown] = lines(capsys)
    assert (shown["missed"], len(shown["story"])) == (["accepted"], 10)


def test_without_an_answer_it_is_said_that_nobody_took_it(
        home: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "PATIENCE_S", 0.0)
    home.tocsin("alert", "ls", "--json")
    crash = lines(capsys)[0]["alert"]
    assert home.tocsin("alert", "ack", crash) == 1
    assert capsys.readouterr().err.endswith("the action stands on the log and will be taken when one runs\n")
    with home.answering():
        pass
    assert home.tocsin("alert", "ls", "--json", "--state", "acked") == 0
    assert [one["alert"] for one in lines(capsys)] == [crash]


def test_what_cannot_be_meant_is_told_with_what_can(home: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert home.tocsin("alert", "show", "zzz") == 2
    err = capsys.readouterr().err
    assert "no alert 'zzz'; there are:\n" in err
    assert "new, severe: Crashes in west" in err
    assert home.tocsin("alert", "ls", "--state", "seen") == 2
    assert home.tocsin("alert", "ack", "zzz", "--role", "king") == 2
    assert "there is no role 'king'" in capsys.readouterr().err


def test_where_a_long_topic_is_read_from_is_searched_for(
        home: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "SEARCHED_FROM", 2)

    async def searched() -> list[int]:
        log = open_log(home.broker)
        await log.start()
        await log.append([Outgoing(TOPICS.late, 0, None, b"{}", (), number * HOUR) for number in range(20)])
        found = [await story.beginning(log, TOPICS.late, since) for since in (None, 0, 7 * HOUR, 30 * HOUR)]
        await log.stop()
        return found

    everything, first, seventh, after = asyncio.run(searched())
    assert (everything, first) == (0, 0)
    assert 5 <= seventh <= 7
    assert after >= 17


def test_ids_are_told_by_their_beginnings() -> None:
    known = {"abcdefgh": "one", "abcdefgi": "two", "zz": "three"}
    assert brief(known) == {"abcdefgh": "abcdefgh", "abcdefgi": "abcdefgi", "zz": "zz"}
    assert named("z", known, "case") == "zz"
    assert named("abcdefgh", known, "case") == "abcdefgh"
    with pytest.raises(Misasked, match="begins the ids of 2 cases; write more of it:\n  abcdefgh  one"):
        named("abc", known, "case")
    with pytest.raises(Misasked, match="none at all"):
        named("abc", {}, "case")


def test_the_words_of_the_command_are_those_of_the_tables() -> None:
    assert [*desk_words.ALERT_VERBS] == [name.replace("_", "-") for name in ACTIONS]
    assert [*desk_words.CASE_VERBS] == [*TABLE]
