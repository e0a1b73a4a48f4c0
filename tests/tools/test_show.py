"""rules show and list: which rule stands in a district, which there are, and what is said where there is none."""

from __future__ import annotations

import orjson
import pytest

from streams.tools.asking import Misasked
from streams.tools.show import as_json, listed, rows, shown
from tests.rulefile.derived import shop
from tests.rulefile.test_overrides import BASE, WEST


def test_the_district_chooses_the_variant() -> None:
    made = shop(BASE, districts__west__rules=WEST)
    west = shown(made, "crashes", "west")
    assert west.startswith("# in the district west only: school zone\n")
    assert "\ncondition: {gte: 3} " in west
    assert "\ncondition: {gte: 5} " in shown(made, "crashes", "east")
    assert shown(made, "crashes@west") == west
    first = orjson.loads(next(iter(as_json(made, "crashes", "west"))))
    assert first == {"text": "kind: threshold", "file": "rules.yaml", "line": 2}


@pytest.mark.parametrize(("rule", "district", "text"), [
    ("crashs", "", "no rule 'crashs'; did you mean `crashes`?"),
    ("crashes", "wst", "no district 'wst'; did you mean `west`?"),
    ("own", "west", "own is a rule of the district east, and does not hold in west"),
])
def test_what_there_is_not(rule: str, district: str, text: str) -> None:
    made = shop(BASE, districts__east__own=BASE.replace("id: crashes", "id: own"))
    with pytest.raises(Misasked) as found:
        shown(made, rule, district)
    assert str(found.value) == text


def test_a_template_names_its_rules() -> None:
    rule = "{kind: match, event: level, where: device == $device}"
    head = "kind: template\nid: level\nparameters: {device: string}\ninstances: [{id: n, device: a}]\n"
    with pytest.raises(Misasked) as found:
        shown(shop(f"{head}rule: {rule}\n"), "level")
    assert str(found.value) == "level is a template; name one of its rules: level.n"


def test_all_rules_are_listed_with_who_answers_for_them_and_where_they_stand() -> None:
    made = shop(BASE, districts__west__rules=WEST, own=BASE.replace("id: crashes", "id: own\nstatus: experimental"))
    found = {row["id"]: row for row in rows(made, root="rules/")}
    assert set(found) == {"crashes", "crashes@west", "own"}
    assert list(found["own"]) == ["id", "kind", "severity", "owner", "status", "district", "file", "line"]
    assert (found["own"]["kind"], found["own"]["status"]) == ("threshold", "experimental")
    assert (found["crashes"]["file"], found["crashes"]["line"]) == ("rules/rules.yaml", 2)
    assert found["crashes@west"]["district"] == "west"
    head, *lines = listed(rows(made, root="rules/")).splitlines()
    assert head.split() == ["rule", "kind", "severity", "owner", "status", "where"]
    assert [line.split()[0] for line in lines] == sorted(found)
    assert lines[0].endswith(" rules/rules.yaml:2")


def test_the_list_can_be_of_a_district_or_of_some_rules() -> None:
    made = shop(BASE, districts__west__rules=WEST)
    assert [row["id"] for row in rows(made, district="west")] == ["crashes@west"]
    assert [row["id"] for row in rows(made, district="east")] == ["crashes"]
    assert [row["id"] for row in rows(made, "crashes")] == ["crashes", "crashes@west"]
    with pytest.raises(Misasked, match="did you mean `crashes`"):
        rows(made, "crashs")
