"""A district's change to a rule: judged once, only ever tighter, and every field with its origin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kinds import all_kinds
from streams.rulefile.common import COMMON, OVERRIDABLE, fields_of
from streams.rulefile.tightening import LAWS
from streams.specs import Test
from streams.vitals import Bands
from tests.rulefile.derived import event, made, told, wanted

BASE = """
kind: threshold
id: crashes
title: Crashes
event: crash
where: speed > 10
by: place.district
window: 10m
condition: {gte: 5}
severity: moderate
owner: police
alert: {title: "Crashes in {{ place.district }}", category: Transport}
dispatch: {to: police, priority: 3}
"""
WEST = """
kind: override
id: west-crashes
rule: crashes
district: west
set: {condition: {gte: 3}, severity: severe, dispatch: {priority: 1}}
reason: school zone
"""
RULE = "kind: {kind}\nid: base\nevent: level\nby: [place.district, device]\nowner: a\n"


def test_the_variant_has_what_is_set_and_all_else_of_the_rule() -> None:
    rules = made(BASE, districts__west__rules=WEST).rules
    base, variant = rules["crashes"], rules["crashes@west"]
    assert (variant.base, variant.district, base.district) == ("crashes", "west", "")
    assert (variant.spec["condition"], base.spec["condition"]) == (Test("gte", 3), Test("gte", 5))
    assert (variant.severity, variant.title, variant.owner) == ("severe", "Crashes", "police")
    assert variant.dispatch is not None
    assert (variant.dispatch.to, variant.dispatch.priority) == ("police", 1)
    assert variant.logic != base.logic


def test_every_field_keeps_its_origin() -> None:
    variant = made(BASE, districts__west__rules=WEST).rules["crashes@west"]
    assert variant.origins["condition"] == ("districts/west/rules.yaml", 6)
    assert variant.origins["window"] == ("rules.yaml", 8)
    assert variant.origins["id"] == ("districts/west/rules.yaml", 3)


def test_a_variant_stands_where_its_override_does() -> None:
    rules = made(BASE, districts__west__rules="# of the west\n\n" + WEST.lstrip()).rules
    assert (rules["crashes"].file, rules["crashes"].line) == ("rules.yaml", 2)
    assert (rules["crashes@west"].file, rules["crashes@west"].line) == ("districts/west/rules.yaml", 4)


@given(st.sampled_from(["west", "east", "north", None]), st.floats(0, 20))
def test_each_event_is_judged_once(district: str | None, speed: float) -> None:
    happened = event(district=district, speed=speed)
    plain = wanted(PLAIN, happened)
    varied = wanted(VARIED, happened)
    assert [rule.partition("@")[0] for rule in varied] == plain
    assert varied in ([], ["crashes@west"] if district == "west" else ["crashes"])


PLAIN = made(BASE)
VARIED = made(BASE, districts__west__rules=WEST)


def test_two_districts_and_the_index() -> None:
    east = WEST.replace("west", "east").replace("gte: 3", "gte: 4")
    bundle = made(BASE, districts__west__rules=WEST, districts__east__rules=east)
    assert sorted(bundle.rules) == ["crashes", "crashes@east", "crashes@west"]
    where = bundle.rules["crashes@east"].selectors[0].where
    assert where is not None
    assert where.equalities == {"place.district": frozenset({"east"})}
    assert wanted(bundle, event(district="north", speed=11.0)) == ["crashes"]
    assert wanted(bundle, event(district="east", speed=11.0)) == ["crashes@east"]


def test_an_override_that_comes_or_goes_is_a_change_of_logic() -> None:
    assert PLAIN.rules["crashes"].logic != VARIED.rules["crashes"].logic


def test_who_names_the_rule_reads_its_variants() -> None:
    composite = "---\nkind: threshold\nid: many\nrule: crashes\nwindow: 1h\ncondition: {gte: 2}\n"
    rules = made(BASE + composite, districts__west__rules=WEST).rules
    assert rules["many"].bases == ("crashes", "crashes@west")


def test_of_a_sequence_the_first_step_that_must_happen_says_where() -> None:
    rule = """
kind: sequence
id: unanswered
by: road
within: 30m
steps:
  - {name: earlier, event: crash, optional: true}
  - {name: crash, event: crash}
  - {name: done, not: {event: cleared}}
"""
    change = WEST.replace("crashes", "unanswered").replace("condition: {gte: 3}", "owner: b")
    change = change.replace("priority: 1", "to: a")
    bundle = made(rule, districts__west__rules=change)
    assert [one.where is None for one in bundle.rules["unanswered@west"].selectors] == [True, False, True]
    assert [one.where is None for one in bundle.rules["unanswered"].selectors] == [True, False, True]
    assert wanted(bundle, event("cleared", district="east", road="A1")) == ["unanswered", "unanswered@west"]


def test_rows_of_a_register_are_expected_in_their_district() -> None:
    rule = "kind: absence\nid: silent\nevent: level\nby: device\nevery: 10m\nexpect: {register: gauges}\n"
    change = WEST.replace("crashes", "silent").replace("condition: {gte: 3}", "every: 5m")
    change = change.replace("priority: 1", "to: a")
    rules = made(rule, districts__west__rules=change).rules
    assert rules["silent"].expected == (("G-2",), ("G-3",))
    assert rules["silent@west"].expected == (("G 1",),)


def test_a_rule_in_a_districts_folder_sees_that_district_only() -> None:
    bundle = made("", districts__east__own=BASE)
    assert bundle.rules["crashes"].district == "east"
    assert wanted(bundle, event(district="east", speed=11.0)) == ["crashes"]
    assert wanted(bundle, event(district="west", speed=11.0)) == []
    assert wanted(bundle, event(speed=11.0)) == []


@pytest.mark.parametrize(("more", "code", "message"), [
    ({"districts__west__rules": WEST.replace("district: west", "district: east")}, "TOC087",
     "the file is west's, and a district changes nothing in another"),
    ({"districts__nord__rules": WEST.replace("district: west", "district: nord")}, "TOC087",
     "there is no district `nord`"),
    ({"districts__nord__own": BASE.replace("id: crashes", "id: own")}, "TOC087",
     "the file is in the folder of a district `nord`, and there is none"),
    ({"districts__east__own": BASE.replace("id: crashes", "id: own"),
      "districts__west__rules": WEST.replace("rule: crashes", "rule: own")}, "TOC088",
     "`own` is a rule of a district itself"),
    ({"districts__west__rules": WEST, "districts__west__more": WEST.replace("id: west-crashes", "id: again")}, "TOC018",
     "`crashes` is changed for west already, in districts/west/more.yaml:2"),
])
def test_a_district_keeps_to_itself(more: dict[str, str], code: str, message: str) -> None:
    stopping = [(one.code, one.message) for one in told(BASE, **more) if one.gravity == "bug"]
    assert stopping == [(code, message)]


def test_a_locked_field_is_not_changed() -> None:
    locked = BASE + "locked: [severity]\n"
    stopping = [(one.code, one.line, one.message) for one in told(locked, w=WEST) if one.gravity == "bug"]
    assert stopping == [("TOC086", 6, "`severity` of `crashes` is locked")]


def changed(kind: str, base: str, change: str) -> list[str]:
    """The codes of what is wrong with a change of a rule of a kind."""
    rule = RULE.format(kind=kind) + base
    override = f"kind: override\nid: o\nrule: base\ndistrict: west\nreason: r\nset: {{{change}}}\n"
    return [one.code for one in told(rule, o=override) if one.gravity == "bug"]


COUNT = "window: 10m\ncondition: {gte: 5}\n"
LOW = "window: 10m\nmeasure: {min: cm}\ncondition: {lt: 5}\nrecovery: {gt: 8}\n"
FEW = "window: 10m\ncondition: {lte: 5}\n"
STEPS = "within: 10m\nsteps: [{name: a, event: level}, {name: b, event: level}]\n"
ANSWER = "within: 10m\nsteps: [{name: a, event: level}, {name: b, not: {event: level}}]\n"
BETWEEN = "within: 10m\nsteps: [{name: a, event: level}, {name: b, not: {event: level}}, {name: c, event: level}]\n"
STEPPED = "kind: sequence\nid: base\nby: [place.district, device]\nowner: a\n"


@pytest.mark.parametrize(("kind", "base", "tighter", "looser"), [
    ("threshold", COUNT, "condition: {gte: 4}", "condition: {gte: 6}"),
    ("threshold", COUNT, "condition: {gte: 5}", "condition: {gt: 4}"),
    ("threshold", LOW, "condition: {lt: 6}", "condition: {lt: 4}"),
    ("threshold", LOW, "recovery: {gt: 9}", "recovery: {gt: 7}"),
    ("threshold", COUNT, "window: 20m", "window: 5m"),
    ("threshold", LOW, "window: 20m", "window: 5m"),
    ("threshold", FEW, "window: 5m", "window: 20m"),
    ("threshold", COUNT, "window: 10m", "window: {type: tumbling, size: 10m}"),
    ("threshold", COUNT + "measure: {avg: cm}\n", "condition: {gte: 4}", "window: 20m"),
    ("threshold", COUNT + "min_events: 3\n", "min_events: 2", "min_events: 4"),
    ("threshold", COUNT + "for: 1m\n", "for: 30s", "for: 2m"),
    ("threshold", COUNT + "keep_firing_for: 1m\n", "keep_firing_for: 2m", "keep_firing_for: 30s"),
    ("threshold", COUNT + "suppress_for: 1m\n", "suppress_for: 30s", "suppress_for: 2m"),
    ("threshold", COUNT + "severity: moderate\n", "severity: extreme", "severity: minor"),
    ("threshold", COUNT + "status: test\n", "status: stable", "status: experimental"),
    ("threshold", COUNT + "limit: {alerts: 5, per: 1h}\n", "limit: {alerts: 6, per: 1h}",
     "limit: {alerts: 4, per: 1h}"),
    ("threshold", COUNT, "title: Elsewhere", "limit: {alerts: 6, per: 1h}"),
    ("threshold", COUNT + "dispatch: {to: a, priority: 2}\n", "dispatch: {to: b, priority: 1}",
     "dispatch: {priority: 3}"),
    ("threshold", COUNT + "alert: {title: a, category: Fire}\n", "alert: {title: b}", "alert: {category: Met}"),
    ("absence", "every: 10m\n", "every: 5m", "every: 20m"),
    ("absence", "every: 10m\ngrace: 2m\n", "grace: 1m", "grace: 3m"),
    ("absence", "every: 10m\nforget_after: 7d\n", "forget_after: 8d", "forget_after: 6d"),
    ("absence", "every: register(\"gauges\", device).every\n", "grace: 0s", "every: 1m"),
])
def test_a_district_may_tighten_and_not_loosen(kind: str, base: str, tighter: str, looser: str) -> None:
    assert changed(kind, base, tighter) == []
    assert changed(kind, base, looser) == ["TOC085"]


@pytest.mark.parametrize(("base", "tighter", "looser"), [
    (STEPS, "within: 20m", "within: 5m"),
    (ANSWER, "within: 5m", "within: 20m"),
    (BETWEEN, "severity: severe", "within: 20m"),
    (BETWEEN, "severity: severe", "within: 5m"),
])
def test_within_is_tightened_by_what_the_steps_are(base: str, tighter: str, looser: str) -> None:
    def codes(change: str) -> list[str]:
        override = f"kind: override\nid: o\nrule: base\ndistrict: west\nreason: r\nset: {{{change}}}\n"
        return [one.code for one in told(STEPPED + base, o=override) if one.gravity == "bug"]

    assert codes(tighter) == []
    assert codes(looser) == ["TOC085"]


SIGN = """
kind: indicator
id: crashes-an-hour
event: crash
by: place.district
every: 15m
window: 1h
bands: {amber: 6, red: 12}
owner: police
"""
STRICT = """
kind: override
id: strict
rule: crashes-an-hour
district: west
set: {bands: {amber: 3, red: 12}, owner: west}
reason: school zone
"""


def test_a_district_may_tighten_the_bands_of_an_indicator() -> None:
    bundle = made(SIGN, districts__west__rules=STRICT)
    base, variant = bundle.indicators["crashes-an-hour"], bundle.indicators["crashes-an-hour@west"]
    assert base.vital is not None
    assert variant.vital is not None
    assert (base.vital.bands, variant.vital.bands) == (Bands(6, 12), Bands(3, 12))
    assert (variant.base, variant.owner, variant.district) == ("crashes-an-hour", "west", "west")
    assert [wanted(bundle, event("crash", where)) for where in ("west", "east")] == [[variant.id], [base.id]]


@pytest.mark.parametrize(("base", "change", "code"), [
    (SIGN, "bands: {amber: 6, red: 13}", "TOC085"), (SIGN, "recovery: -1", "TOC085"),
    (SIGN, "weight: 0.5", "TOC085"),
    (SIGN, "bands: {amber: {above: {p: 0.01}}, red: 12}", "TOC085"), (SIGN, "hold: 2", "TOC086"),
    (SIGN.replace("by: place.district\n", ""), "owner: west", "TOC089"),
    (SIGN.replace("{amber: 6, red: 12}", "{amber: 6, red: {above: {p: 0.001}}}\nbaseline: {season: none}"),
     "bands: {amber: 5, red: {above: {p: 0.0001}}}", "TOC085"),
])
def test_a_district_does_not_loosen_an_indicator(base: str, change: str, code: str) -> None:
    override = f"kind: override\nid: o\nrule: crashes-an-hour\ndistrict: west\nreason: r\nset: {{{change}}}\n"
    assert code in [one.code for one in told(base, o=override) if one.gravity == "bug"]


def test_the_laws_are_those_of_the_fields_that_may_be_locked() -> None:
    assert set(LAWS) == set(OVERRIDABLE)
    fields = {field.name for kind in all_kinds() for field in fields_of(kind)}
    assert set(OVERRIDABLE) <= fields
    assert "locked" in {field.name for field in COMMON}
