"""rules show: which rule stands in a district, and what is said where there is none."""

from __future__ import annotations

import orjson
import pytest

from streams.tools.asking import Misasked
from streams.tools.show import as_json, shown
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
