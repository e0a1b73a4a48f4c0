"""The effective file of a rule: it reads as the rule does, and tells where every line comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rulefile.codes import Report
from streams.rulefile.drafts import Document
from streams.rulefile.effective import about, lines_of, rendered
from streams.rulefile.fields import Values
from streams.rulefile.nodes import Mapping, plain
from streams.rulefile.reading import documents
from streams.rulefile.spots import FileText
from tests.rulefile.derived import shop
from tests.rulefile.test_overrides import BASE, WEST
from tests.rulefile.test_templates import TEMPLATE


def read(text: str) -> Mapping:
    (node,) = documents(FileText("f", text), Report())
    assert isinstance(node, Mapping)
    return node


def again(text: str) -> None:
    node = read(text)
    lines = lines_of(Document("match", Values(node), "f"))
    assert plain(read(rendered(lines))) == plain(node)
    assert all(line.file == "f" and 1 <= line.line <= text.count("\n") + 1 for line in lines)


@pytest.mark.parametrize("text", [
    "a: 1\nb: [1, 'x, y', {c: d}]\n",
    "a:\n  - b: 1\n    c:\n      - d\n      - 'e: f'\n  - - g\n    - h\n",
    "a: |\n  one # two\n  three\nb: >\n  four\n  five\n",
    "a: '30'\nb: 30\nc: \"true\"\nd: ~\ne: ''\nf: {}\ng: []\n",
    "a: !str 30\nb: '*c'\nc: '@d'\nd: '- e'\ne: 'f #g'\n",
    "a: &x {b: 1}\nc: *x\n",
    "base: &x\n  b: 1\nc:\n  <<: *x\n  d: 2\n",
    "a: x == \"y\" && z in [\"a\", \"b\"]\n",
    "a: {b: 'c]', d: 'e}'}\n",
])
def test_it_reads_as_what_was_written(text: str) -> None:
    again(text)


values = st.recursive(
    st.text("aé1 #:,[]{}'\"\\-*&!|>%@`\n~", max_size=6) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("ab:# ,'", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), values, min_size=1, max_size=4))
def test_whatever_stands_there_reads_the_same(whole: dict[str, object]) -> None:
    import io

    from ruamel.yaml import YAML

    text = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.dump(whole, text)
    again(text.getvalue())


def test_a_districts_variant_tells_both_files() -> None:
    found = shop(BASE, districts__west__rules=WEST).effective("crashes@west")
    assert found is not None
    told, lines = found
    assert told == ["in the district west only: school zone"]
    origins = {line.text: (line.file, line.line) for line in lines}
    assert origins["condition: {gte: 3}"] == ("districts/west/rules.yaml", 6)
    assert origins["window: 10m"] == ("rules.yaml", 8)
    assert origins["  to: police"] == ("rules.yaml", 13)
    assert origins["  priority: 1"] == ("districts/west/rules.yaml", 6)
    assert rendered(lines).splitlines()[0].endswith("  # from rules.yaml:2")


def test_the_rule_itself_tells_where_it_does_not_hold() -> None:
    made = shop(BASE, districts__west__rules=WEST)
    found = made.effective("crashes")
    assert found is not None
    assert found[0] == ["everywhere but in west: there stands crashes@west"]
    assert made.effective("crash") is None


def test_an_instance_has_its_values_in_place() -> None:
    made = shop(TEMPLATE)
    found = made.effective("high.G-2")
    assert found is not None
    told, lines = found
    assert told == ["instance G-2 of the template high"]
    texts = {line.text: line.line for line in lines}
    assert texts["id: high.G-2"] == 3
    assert texts['where: "device == \\"G-2\\" && cm >= 40.5"'] == 15
    assert texts["window: 1h"] == 16
    assert about(Document("match", Values(read("a: 1")), "f"), []) == []
