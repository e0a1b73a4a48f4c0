"""The exact texts that authors see, and where they point."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon

from streams.conditions import ExpressionProblems, Limits, Scope, compile_expression, event_scope
from streams.zones import Zone
from tests.conditions.events import ACCIDENT, GAS, MANHOLE, SENSORS, told

SCOPE = event_scope(
    [ACCIDENT], lists={"watched": ["N1"]}, registers={"sensors": SENSORS}, known=[ACCIDENT, GAS, MANHOLE],
    zones={"centre": Zone("centre", Polygon([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]))},
)
QUOTES = "write a text in quotes and a number without; or convert with string(x) or int(x)"


@pytest.mark.parametrize(("text", "problem"), [
    ("lnae == 'N1'", "1:1 no event type has a field `lnae` | did you mean `lane`? (a field of traffic.accident)"),
    ("severty == 'x'", "1:1 no event type has a field `severty` | did you mean `severity`? (every event has it)"),
    ("tilt_deg > 15",
     "1:1 `tilt_deg` is no field of traffic.accident | it is a field of sensor.manhole: ask for that type under `event`"),
    ("event.lnae == 'x'", "1:7 no event type has a field `lnae` | did you mean `lane`? (a field of traffic.accident)"),
    ("has(event.lnae)", "1:11 no event type has a field `lnae` | did you mean `lane`? (a field of traffic.accident)"),
    ("lane == Traffic", '1:9 no event type has a field `Traffic` | a text stands in quotes: "Traffic"'),
    ("place.distrct == 'x'", "1:7 a place has no `distrct` | did you mean `district`?"),
    ("lane in lists.wached", "1:9 there is no list `wached` | did you mean `watched`?"),
    ("lists == 'x'", "1:1 a list has a name: lists.name | known: watched"),
    ('register("sensor", lane).team == "x"', "1:10 there is no register 'sensor' | did you mean `sensors`?"),
    ('register("sensors", lane).taem == "x"', "1:27 register sensors has no `taem` | did you mean `team`?"),
    ('register("sensors", injured).team == "x"', '1:1 the key of register sensors is not an int | '),
    ('register(lane, lane).team == "x"', '1:1 register takes a name in quotes and a key | write register("name", key).field'),
    ('register("sensors", lane) == lane', "1:27 `==` cannot compare sensors with string | "),
    ("lane.startWith('N')", '1:6 there is no function `startWith` | write text.startsWith("x")'),
    ("startsWith(lane, 'N')", '1:1 `startsWith` is not called like this | write text.startsWith("x")'),
    ("lane.lower() == 'n'", "1:6 there is no function `lower` | write text.lowerAscii()"),
    ("qwertz(lane)", "1:1 there is no function `qwertz` | the manual lists the functions"),
    ("distance(lane, place) < 3.0", "1:1 `distance` does not take string, place | write distance(place, place)"),
    ("injured > 'x'", f"1:9 `>` cannot compare int with string | {QUOTES}"),
    ("lane == 3", f"1:6 `==` cannot compare string with int | {QUOTES}"),
    ("lane == null", "1:6 `==` cannot compare string with null | whether a field is there says has(event.field)"),
    ("time > '2026-01-01'", '1:6 `>` cannot compare timestamp with string | write timestamp("2026-01-31T08:00:00Z")'),
    ("lasted > 10", '1:8 `>` cannot compare duration with int | write a span as duration("10m")'),
    ("0 < injured < 5", "1:13 `<` cannot compare bool with int | a < b < c is written a < b && b < c"),
    ("injured in ['a']", '1:9 an int cannot be in a list(string) | write x in ["a", "b"], all of the type of x'),
    ("lane + 1 == 'x'", f"1:6 `+` does not take string and int | {QUOTES}"),
    ("speed % 2 == 1", "1:7 `%` does not take double and int | % is for whole numbers: int(x) % 2"),
    ("!injured",
     "1:1 `!` stands before a condition, here before an int | compare it with something, for example x == 1"),
    ("injured && closed",
     "1:9 `&&` stands between two conditions, here between int and bool | compare it with something, for example x == 1"),
    ("injured ? true : false",
     "1:9 before `?` stands a condition, here an int | compare it with something, for example x == 1"),
    ("closed ? 1 : 'a'", "1:8 both sides of `:` have one type, here int and string | "),
    ("lane.x == 1", "1:5 a string has no fields | "),
    ("injured.all(x, x > 1)", "1:1 all, exists, map and filter go over a list or a map, this is an int | "),
    ("has(lane)", "1:5 has() asks for a field of something | write has(event.lane)"),
    ("if", "1:1 `if` is a word of CEL's own and no name | write condition ? this : that"),
    ("closed and lane == 'x'", "1:8 `and` is not expected here | write &&"),
    ("not closed", "1:5 `closed` is not expected here | write !"),
    ("(closed", "1:8 the expression ends before `)` | "),
    ("closed &&", "1:10 the expression ends too early | "),
    ("  ", "1:1 the expression is empty | write a condition or leave the field out"),
    ("injured", "1:1 a condition is true or false, this is of type int | compare it, for example injured == 1"),
    ("event", "1:1 an event is no value | name one of its fields: .field"),
    ('register("sensors", lane)', "1:1 a row of register sensors is no value | name one of its fields: .field"),
    ('severity >= "severe"', '1:10 words of severity have no order as texts | write severity in ["severe", "extreme"]'),
    ("state == 'opne'", "1:10 `state` is never 'opne' | did you mean \"open\"?"),
    ("state in ['open', 'x']", "1:19 `state` is never 'x' | it is one of open, closed"),
    ("type == 'traffic.acident'", "1:9 `type` is never 'traffic.acident' | did you mean \"traffic.accident\"?"),
    ("time > timestamp('yesterday')",
     "1:18 'yesterday' is not a timestamp such as 2026-01-31T08:00:00Z | write \"2026-01-31T08:00:00Z\""),
    ("lasted > duration('7d')",
     "1:19 '7d' is not a duration such as 90s, 10m or 1h30m | units are h, m, s, ms, us, ns; a day is 24h"),
    ("time.getHours('Asia/Shangai') > 8", "1:15 'Asia/Shangai' is not a time zone such as Asia/Shanghai or +08:00 | "),
    ("lane.matches('[')",
     "1:14 RE2 refuses the pattern '[': missing ]: [ | look-around and back-references do not exist in RE2"),
    ("lane.matches(lane)",
     "1:14 the pattern of matches must be a literal | so that it can be checked now; write r'pattern'"),
    ("extract(lane, 'a+') == 'a'",
     "1:15 extract gives the pattern's first group, this pattern has none | put brackets around what you want: r'no (\\d+)'"),
    ("in_zone(place, 'center')", "1:16 there is no zone 'center' | did you mean `centre`?"),
    ("in_zone(place, lane)", "1:16 in_zone takes the name of a zone in quotes | "),
])
def test_one_mistake(text: str, problem: str) -> None:
    assert told(text, SCOPE, "bool") == [problem]


def test_all_mistakes_at_once_in_the_order_of_the_text() -> None:
    text = "lnae == 'x' &&\n  injured > 'y' ||\n  severty == 'z'"
    assert [one.partition(" ")[0] for one in told(text, SCOPE, "bool")] == ["1:1", "2:11", "3:3"]


def test_columns_stay_where_a_register_was_named() -> None:
    text = 'register(\n  "sensors", // who\n  lane).team == 3 && register("sensors", lane).nope == 1'
    assert [one.partition(" ")[0] for one in told(text, SCOPE)] == ["3:14", "3:48"]


def test_columns_count_code_points() -> None:
    assert told("'é😀' + lnae == ''", SCOPE)[0].startswith("1:8 ")


def test_lengths_cover_the_word_that_is_wrong() -> None:
    for text, word in (("lnae == 'x'", "lnae"), ("place.distrct == 'x'", "distrct"), ("lane.startWith('x')", "startWith"),
                       ("state == 'opne'", "'opne'"), ("injured >= 'x'", ">="), ("x in lists.wached", "x")):
        with pytest.raises(ExpressionProblems) as found:
            compile_expression(text, SCOPE)
        one = found.value.problems[0]
        assert text[one.column - 1:one.column - 1 + one.length] == word


def test_sorts_tell_what_kind_of_mistake() -> None:
    for text, sort in (("lnae == 'x'", "name"), ("lane == 3", "type"), ("lane ==", "syntax"), ("lane", "result"),
                       ("state == 'opne'", "value"), ("+".join(["injured"] * 60) + " > 1", "size")):
        with pytest.raises(ExpressionProblems) as found:
            compile_expression(text, SCOPE, "bool")
        assert {one.sort for one in found.value.problems} == {sort}


def test_other_results_are_told_with_what_to_write() -> None:
    assert told("injured", SCOPE, "string") == ["1:1 this is of type int, string is wanted | write string(injured)"]
    assert told("lane", SCOPE, "int|double") == ["1:1 this is of type string, int or double is wanted | write int(lane)"]
    assert told("speed", SCOPE, "int") == ["1:1 this is of type double, int is wanted | "]


def test_zones_must_be_there() -> None:
    assert told("in_zone(place, 'x')", event_scope([ACCIDENT]))[0].startswith("1:16 no zones are declared")


def test_where_no_event_is_in_play_names_are_told_plainly() -> None:
    scope = Scope({"rule": ("string", "alert.rule"), "labels": ("map(string, string)", "alert.labels")}, ["alert"])
    assert told("rle == 'x'", scope) == ["1:1 nothing is called `rle` here | did you mean `rule`?"]


def test_size_is_bounded() -> None:
    long = "lane in [" + ", ".join(f"'{i}'" for i in range(500)) + "]"
    assert told(long, SCOPE) == [
        "1:1 the expression has 503 parts, 500 are allowed | put long choices into a list document: x in lists.name"]
    deep = "tags.all(a, tags.all(b, tags.all(c, a == b && b == c)))"
    assert told(deep, SCOPE)[0].startswith("1:1 all, exists, map and filter stand 3 deep in each other, 2 are allowed")
    loose = event_scope([ACCIDENT])
    loose.limits = Limits(nodes=1000, nesting=3)
    assert compile_expression(long, loose).equalities["lane"]
    assert compile_expression(deep, loose)


@given(st.text(alphabet="alneijurd.()[]{}'\"=!<>&|?:,+-*/% \n19é\\", max_size=30))
def test_any_text_is_an_expression_or_a_problem_inside_it(text: str) -> None:
    try:
        compile_expression(text, SCOPE, "bool")
    except ExpressionProblems as error:
        lines = text.split("\n")
        for one in error.problems:
            assert 1 <= one.line <= len(lines)
            assert 1 <= one.column <= len(lines[one.line - 1]) + 1
            assert one.message
            assert "tocsin." not in one.message
            assert "_register" not in one.message
