"""What stands on the topics is what `tocsin schema --events` says, and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import orjson
import pytest
from hypothesis import given

from streams.actions import Action
from streams.cli import main
from streams.findings import CLOSED, OPENED, RETRACTED, UPDATED, Finding, ResponseFrame
from streams.formats import feedback
from streams.frames import AcceptedRow
from streams.ingest.intake import Intake, Record
from streams.ingest.route import Router
from streams.logs import Outgoing
from streams.records import Event, Place
from streams.respond import Output, Respond
from streams.respond.cases.life import CaseNews
from streams.respond.cases.table import STATES, TABLE
from streams.respond.people import ACTIONS
from streams.rulefile import check
from streams.rules import SEVERITIES, Bundle
from streams.service.folds import poison
from streams.service.intake import dead_record, late_record
from streams.tools import answering, ruletest
from streams.tools.events import contents, signs
from streams.tools.events.kinds import KINDS, TOPICS, undescribed
from streams.tools.events.schema import DRAFT, asyncapi, schema_of
from streams.topics import SHORT_NAMES, Topics
from streams.vitals import STATUSES, Top
from tests.conftest import ROOT
from tests.respond.test_board import Feed, city, indicator, reading
from tests.responses import NOON, RULES, logs, read, run

SCENARIOS = ROOT / "tests" / "scenarios"
SCHEMA = schema_of()
OPEN = jsonschema.Draft202012Validator(SCHEMA)


def closed(part: Any) -> Any:
    """The schema with nothing allowed that it does not name."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    inner = {name: closed(one) for name, one in part.items()}
    return inner | ({"additionalProperties": False} if isinstance(part.get("properties"), dict) else {})


CLOSED_SCHEMA = jsonschema.Draft202012Validator(closed(SCHEMA))


def test_it_is_a_schema_and_says_what_every_field_means() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DRAFT
    silent = [f"{name}.{field}" for name, part in SCHEMA["$defs"].items()
              for field, shape in part.get("properties", {}).items() if field != "data" and not shape["description"]]
    assert silent == []
    for kind in KINDS:
        alone = schema_of(kind.name)
        jsonschema.Draft202012Validator.check_schema(alone)
        assert set(alone["$defs"]) < set(SCHEMA["$defs"])


@pytest.mark.parametrize("name", ["alert", "dispatch", "reading", "rollup"])
def test_the_golden_events_fit(name: str) -> None:
    event = orjson.loads((ROOT / "tests" / "respond" / "golden" / f"{name}.json").read_bytes())
    CLOSED_SCHEMA.validate(event)
    jsonschema.Draft202012Validator(schema_of(name)).validate(event)
    for part, gone in [(one, name) for one in (event, event["data"]) for name in one if name != "type"]:
        kept = part.pop(gone)
        assert undescribed(event), gone
        assert not CLOSED_SCHEMA.is_valid(event), gone
        part[gone] = kept
    event["data"]["more"] = 1
    assert undescribed(event) == f"{name}: its struct lacks a field"
    assert OPEN.is_valid(event)
    with pytest.raises(KeyError, match="no kind with the type"):
        undescribed({**event, "type": "tocsin.x.y"})


@given(logs())
def test_whatever_is_published_fits(log: list[ResponseFrame]) -> None:
    for event in [read(output) for output in run(Respond(RULES), log)][:3]:
        CLOSED_SCHEMA.validate(event)


@pytest.mark.parametrize("name", ["composites", "limits", "match", "near", "threshold"])
def test_what_the_scenarios_publish_fits(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[Output] = []

    def kept(bundle: Bundle, told: Iterable[Finding]) -> Iterator[Output]:
        for output in answering.outputs(bundle, told):
            published.append(output)
            yield output

    monkeypatch.setattr(ruletest, "outputs", kept)
    for file in (SCENARIOS / "base.yaml", SCENARIOS / "meters.csv", SCENARIOS / f"{name}.yaml"):
        shutil.copy(file, tmp_path)
    ruletest.run_folder(tmp_path)
    assert len(published) > 1
    assert {told for output in published if (told := undescribed(read(output)))} == set()
    assert {output.topic for output in published} <= set(TOPICS)


def test_readings_and_roll_ups_fit() -> None:
    feed = Feed(city(indicator(), indicator("most", top=Top(("street",), 3), bands=None)))
    told = feed.tell(reading(15, 31.5, "red"), reading(15, None, "unknown"), reading(30, 7, "green"),
                     reading(15, [[["elm"], 5, 3, 1], [["oak"], 2, 0]], "none", indicator="most"))
    assert {one["type"] for one in told} == {"tocsin.vital.reading", "tocsin.vital.rollup"}
    assert any(one["data"].get("top") for one in told)
    assert [undescribed(one) for one in told] == [""] * len(told)


def test_what_people_do_fits() -> None:
    action = Action("1", NOON, "ann", ("unit",), "case.dispose", "c1", "done", 3, (), ("e1",), {"code": "01"})
    CLOSED_SCHEMA.validate(orjson.loads(feedback.encode(action, "/unit/3")))
    least = {"specversion": "1.0", "id": "1", "source": "/x", "type": "tocsin.feedback.case.open",
             "data": {"actor": "ann", "roles": ["call_taker"]}}
    CLOSED_SCHEMA.validate(least)
    assert feedback.decode(orjson.dumps(least), {}, NOON).name == "case.open"
    assert not OPEN.is_valid({**least, "type": "tocsin.feedback.case.paint"})
    lacking = [field.name for field in msgspec.structs.fields(feedback.Feedback)
               if field.name not in {one.name for one in msgspec.structs.fields(contents.Feedback)}]
    assert lacking == []


def test_every_action_that_the_code_names_is_described() -> None:
    named = re.compile(r"""["'`]((?:alert|case|silence|drill)\.[a-z_]+)["'`]""")
    found = {name for path in sorted((ROOT / "streams").rglob("*.py"))
             for name in named.findall(path.read_text("utf-8"))}
    rooms = {f"{kind.room}.{change}" for kind in KINDS for change in kind.changes}
    fields = {"alert.category", "alert.severity", "alert.x"}
    assert {"silence.add", "silence.expire", "drill.start", "alert.ack", "case.accept"} <= found - fields
    assert found - fields - rooms <= {*ACTIONS}
    assert {f"tocsin.feedback.{name}" for name in ACTIONS} == {
        type for kind in KINDS if kind.name == "feedback" for type in kind.types}


def bare(name: str, value: bytes) -> None:
    """An entry that is no CloudEvent fits its schema, closed and whole."""
    jsonschema.Draft202012Validator(closed(schema_of(name))).validate(orjson.loads(value))
    CLOSED_SCHEMA.validate(orjson.loads(value))


def test_what_came_too_late_and_what_was_not_understood_fits(tmp_path: Path) -> None:
    for place in (None, Place(1.0, 2.0, "west", None, "Elm")):
        event = Event("i", "s", "t", 5, 6, place, None, {"a": [1]}, 0, 7)
        bare("late", late_record(AcceptedRow(0, 4, event)))
    for file in (SCENARIOS / "base.yaml", SCENARIOS / "meters.csv"):
        shutil.copy(file, tmp_path)
    bundle, problems = check(tmp_path)
    assert bundle is not None, problems
    source = next(iter(bundle.sources.values()))
    for stamp in (None, 5):
        letters = Intake(bundle, source, Router(bundle)).take([Record(0, stamp, b"\xff{")]).dead
        bare("dead_letter", dead_record(letters[0]))
    sent: Outgoing = poison(Topics(), "tocsin.work", 0, 3, b"x", ValueError("no frame"))
    bare("dead_letter", sent.value or b"")


def test_the_words_are_those_of_the_code() -> None:
    assert get_args(contents.Severity) == SEVERITIES
    assert get_args(signs.Status) == STATUSES
    held = msgspec.structs.fields(contents.HeldBack)
    assert {OPENED, UPDATED, CLOSED, RETRACTED} in [set(get_args(one.type)) for one in held]
    changes = next(kind.changes for kind in KINDS if kind.name == "case")
    assert {*STATES} <= {*changes}
    moves = {f"`{name}`" for name in ("overdue", "escalated", "extended", "resumed", "noted", "supervised", "split",
                                      "alert_over")}
    assert all(name in str(CaseNews.__doc__) for name in moves)
    assert {row.target for row in TABLE.values()} - {""} <= {*changes}


def test_asyncapi_says_where_everything_stands() -> None:
    document = asyncapi("1.2", "north")
    assert {one["address"] for one in document["channels"].values()} == {f"north.{name}" for name in TOPICS}
    assert set(SHORT_NAMES) - set(TOPICS) == {"events"}  # frames of our own
    assert [name for name, one in document["operations"].items() if one["action"] == "receive"] == ["hear_feedback"]
    assert document["info"]["version"] == "1.2"
    for place in refs(document):
        found: Any = document
        for part in place.removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, dict)


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for one in part.values():
            yield from refs(one)
    elif isinstance(part, list):
        for one in part:
            yield from refs(one)


def test_the_command(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    def printed(*words: str) -> dict[str, Any]:
        assert main(["schema", *words]) == 0
        found: dict[str, Any] = orjson.loads(capsysbinary.readouterr().out)
        return found

    assert printed("--events")["$defs"] == orjson.loads(orjson.dumps(SCHEMA["$defs"]))
    assert printed("alert", "--events")["oneOf"] == [{"$ref": "#/$defs/alert_event"}]
    assert printed("--asyncapi", "--prefix", "x")["channels"]["alerts"]["address"] == "x.alerts"
    for words, told in ((["alrt", "--events"], b"did you mean `alert`?"), (["alert", "--asyncapi"], b"of all events")):
        assert main(["schema", *words]) == 2
        assert told in capsysbinary.readouterr().err
