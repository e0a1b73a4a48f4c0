"""The documents of rule files as pieces of text."""

from __future__ import annotations

from streams.tools.checking.pieces import Piece, pieces, with_users

TEXTS = {
    "rules/a.yaml": """\
# about it
kind: event_type
id: sensor.rain
---
{kind: list, id: covers, values: [c1]}
--- # more
kind: register
id: sensors
key: device
---
kind: macro
id: heavy
expression: mm > 3 && device in lists.covers
""",
    "rules/b.yaml": """\
kind: match
id: first
event: sensor.*
where: heavy()
---
kind: threshold
id: second
rule: [first, "third"]
---
kind: absence
id: third
event: sensor.rain
every: register("sensors", device).every
---
kind: sequence
id: fourth
steps:
  - name: a
    rule:
      - second
  - {name: b, event: lift.trapped}
""",
    "rules/first.test.yaml": "tests: []\n",
    "rules/more.test.yaml": "rule: second\ntests: []\n",
    "rules/sensors.csv": "device\nd1\n",
}


def found() -> dict[str, Piece]:
    return {f"{piece.file.removeprefix('rules/')[:1]} {piece.id}": piece for piece in pieces(TEXTS)}


def users(of: str) -> set[str]:
    every = found()
    return {name for name, piece in every.items() if piece in with_users([every[of]], every.values())}


def test_each_document_is_found_with_its_lines() -> None:
    spans = {name: (one.kind, one.first, one.last) for name, one in found().items()}
    assert spans["a sensor.rain"] == ("event_type", 1, 3)
    assert spans["a covers"] == ("list", 4, 5)
    assert spans["a sensors"] == ("register", 6, 9)
    assert spans["b fourth"] == ("sequence", 14, 21)
    assert spans["f first"] == ("", 1, 1)
    assert "m second" in spans
    assert not any(piece.file.endswith(".csv") for piece in pieces(TEXTS))


def test_what_uses_a_document_is_found_through_others() -> None:
    assert users("a covers") == {"a covers", "a heavy", "b first", "b second", "b fourth", "f first", "m second"}
    assert users("a sensors") == {"a sensors", "b third", "b second", "b fourth", "m second"}
    assert users("a sensor.rain") >= {"b first", "b third"}
    assert users("b fourth") == {"b fourth"}


def test_a_register_reads_the_file_beside_it() -> None:
    assert found()["a sensors"].files == {"sensors.csv"}
    assert Piece("x.yaml", 1, "kind: list\nid: a\nfile: ../lists/long.txt\n").files == {"long.txt"}
