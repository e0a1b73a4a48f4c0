"""What may stand where in a rule file: for each type of field its shape, and the documents as tables of fields.

The tables themselves are those that `rulefile` and the kinds read by; a shape says of a type only how it is written
(a duration, a list of steps, a mapping by a further table). The JSON Schema is made of it, and an editor walks it to
know what belongs at the cursor. A new type of field gets its line in `SHAPES`; a test says so if it is missing.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import msgspec

from streams.kinds import Field, all_kinds
from streams.kinds.parts import indicators
from streams.policy import STAGES
from streams.rulefile import (
    assembling,
    baselining,
    common,
    documents,
    duty,
    exceptions,
    limits,
    parameters,
    structures,
    templates,
)
from streams.rulefile.responding import tables as responding
from streams.rulefile.tightening import LAWS, SIGN_LAWS
from streams.schedules import WEEKDAYS
from streams.specs import OPERATORS, PLAIN_MEASURES
from streams.tools.testing import words

TEXT = ("string", "number", "boolean")
"""What YAML may take a text for that is not in quotes."""


class Role(enum.StrEnum):
    """What a single value names or holds."""

    PLAIN = "plain"
    EXPRESSION = "expression"
    TEXT = "text"
    EVENT_TYPE = "event_type"
    RULE = "rule"
    LIST = "list"
    REGISTER = "register"
    DISTRICT = "district"
    OWNER = "owner"
    STEP = "step"


class One(msgspec.Struct, frozen=True):
    """A single value; `types` are JSON's, `values` the only ones, `pattern` what a text must fit."""

    types: tuple[str, ...] = TEXT
    values: tuple[str, ...] = ()
    pattern: str = ""
    least: float | None = None
    most: float | None = None
    role: Role = Role.PLAIN


class Table(msgspec.Struct, frozen=True):
    """A mapping by a table of fields.

    `one_of`: of each such group exactly one field must be there. `pairs`: the first needs the second beside it.
    `least`, `most`: how many fields. `more`: names that are not in the table may stand there too. `forms`: which
    fields go with a value of the field `type`: those that it needs, and those that it may have.
    """

    name: str
    fields: tuple[Field, ...]
    doc: str = ""
    one_of: tuple[tuple[str, ...], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    least: int = 0
    most: int | None = None
    more: bool = False
    forms: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


class Named(msgspec.Struct, frozen=True):
    """A mapping from names of the author's own to values of one shape; `pattern` is that of the names."""

    of: Shape
    pattern: str = ""
    but: tuple[str, ...] = ()


class Many(msgspec.Struct, frozen=True):
    """A list."""

    of: Shape
    least: int = 0
    most: int | None = None


class Either(msgspec.Struct, frozen=True):
    """One of several shapes."""

    of: tuple[Shape, ...]


class Anything(msgspec.Struct, frozen=True):
    """Whatever is written there."""


class RuleWithin(msgspec.Struct, frozen=True):
    """The rule of a template: that of its kind without an id, with placeholders for values."""


Shape: TypeAlias = One | Table | Named | Many | Either | Anything | RuleWithin

_PARTS = r"(\d+(\.\d+)?(us|ms|[smhdw]))+"
DURATION = One(("string",), pattern=f"^{_PARTS}$")
EXPRESSION = One(role=Role.EXPRESSION)
ROLES = {  # (field, type) -> what stands there
    ("event", "texts"): Role.EVENT_TYPE,
    ("event", "event_name"): Role.EVENT_TYPE,
    ("rule", "texts"): Role.RULE,
    ("rule", "id"): Role.RULE,
    ("part_of", "texts"): Role.RULE,
    ("by", "texts"): Role.EXPRESSION,
    ("calendar", "text"): Role.LIST,
    ("register", "string"): Role.REGISTER,
    ("district", "string"): Role.DISTRICT,
    ("owner", "string"): Role.OWNER,
    ("around", "name"): Role.STEP,
}
_OF_TEXT = ("texts", "text")
NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def shape_of(field: Field) -> Shape:
    """How the value of a field is written; `Anything` for a type that has no shape."""
    make = SHAPES.get(field.type)
    return Anything() if make is None else make(field)


def _one(field: Field, **more: object) -> One:
    """A single value of a field, by its values and its role."""
    otherwise = Role.TEXT if field.type in _OF_TEXT else Role.PLAIN
    role = ROLES.get((field.name, field.type), otherwise)
    return msgspec.structs.replace(One(values=field.values, role=role), **more)


def _or_list(one: Shape, least: int = 0) -> Either:
    return Either((one, Many(one, least)))


SHIFTED = tuple(Field(side, "trend", f"a {side} against the baseline, a little but for long")
                for side in baselining.TRENDS)
RARELY = tuple(Field(side, "rarity", f"rarely so far {side} the baseline") for side in baselining.SIDES)


def _condition(field: Field) -> Shape:
    told = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most", "eq": "exactly", "neq": "not"}
    fields = tuple(Field(name, "number", f"{told.get(name, name)} so much") for name in OPERATORS)
    if field.name == "condition":
        fields += (*RARELY, *SHIFTED)
    name = "condition" if field.name == "condition" else "comparison"
    return Table(name, fields, "a comparison with a number", least=1, most=1)


def _measure(field: Field) -> Shape:
    told = {
        "count": "how many events", "distinct": "how many different values", "sum": "the sum", "avg": "the average",
        "min": "the smallest", "max": "the largest", "slope": "how much it rises, by least squares",
        "spread": "the largest less the smallest", "deviation": "how far its place is from what is read nearby",
        "ratio": "the share of the events for which it is true",
    }
    plain = tuple(Field(name, "cel", told.get(name, name)) for name in PLAIN_MEASURES)
    shares = tuple(Field(f"p{share}", "cel", f"the value that {share} % do not exceed") for share in range(50, 100))
    fields = (*plain, *shares, Field("per", "duration", "the unit of time of a slope; 1h if not given"))
    names = tuple(field.name for field in (*plain, *shares))
    table = Table("measure", fields, "what is measured", one_of=(names,), pairs=(("per", "slope"),))
    return Either((One(("string",), ("count",)), table))


def _window(field: Field) -> Shape:
    table = Table("window", structures.WINDOW_FIELDS, "a span of time", forms=structures.WINDOW_PARTS)
    return Either((DURATION, table))


def _steps(field: Field) -> Shape:
    one_of = (("event", "rule", "not"),)
    return Many(Table("step", structures.STEP_FIELDS, "a step of a sequence", one_of), least=1)


def _schedule(field: Field) -> Shape:
    pairs = (("holidays", "calendar"), ("calendar", "holidays"))
    return _or_list(Table("schedule", duty.FIELDS, "when the rule is on duty", pairs=pairs), least=1)


def _limit(field: Field) -> Shape:
    table = Table("limit", limits.FIELDS, "a limit", pairs=(("alerts", "per"), ("per", "alerts")), least=1)
    return Either((One(("integer",), least=1), table))


def _types(name: str, table: tuple[Field, ...], taken: tuple[str, ...] = ()) -> Shape:
    kinds = next(field for field in table if field.name == "type")
    one = Either((One(("string",), kinds.values), Table(name, table, "a field")))
    return Named(one, NAME, (*taken, *sorted(documents.RESERVED)))


def _parameters(types: tuple[str, ...], *longer: Table) -> Shape:
    return Named(Either((One(("string",), types), *longer)), NAME, tuple(sorted(documents.RESERVED)))


def _days(field: Field) -> Shape:
    day = "|".join(WEEKDAYS)
    return _or_list(One(("string",), pattern=f"^({day})(-({day}))?$"), least=1)


def _instances(field: Field) -> Shape:
    named = (Field("id", "id", "the instance's name; the rule is called `template.instance`", required=True),)
    entry = Table("instance", named, "an instance, with a value for each parameter", more=True)
    register = Table("instances", templates.INSTANCES_FIELDS, "one instance for each row of a register")
    return Either((Many(entry, least=1), register))


def _severity(field: Field) -> Shape:
    beyond_a_word = One(("string",), pattern=r"[^A-Za-z0-9_]|^[0-9]", role=Role.EXPRESSION)
    return Either((One(("string",), field.values), beyond_a_word))


def _test_place(field: Field) -> Shape:
    degrees = Many(One(("number",)), 2, 2)
    apart = Table("place_of_a_test", words.PLACE, "a place, from the test's origin or by its degrees")
    return Either((degrees, apart))


def _tests(field: Field) -> Shape:
    return Many(Table("test", words.TEST, "a timeline with what must be found", least=1))


def _stages(field: Field) -> Shape:
    fields = tuple(Field(name, "duration", f"how long until it is {name}") for name in STAGES[1:])
    return Table("stages", fields, "how long until each stage of a case", least=1)


@cache
def _changes() -> Table:
    """What stands under `set` of an override: the fields that a district may change, whatever the rule's kind."""
    known = {field.name: field for field in (*indicators.FIELDS, *indicators.ABOUT_FIELDS) if field.name in SIGN_LAWS}
    known |= {field.name: field for name in all_kinds() for field in common.fields_of(name) if field.name in LAWS}
    known["recovery"] = msgspec.structs.replace(known["recovery"], type="recovery")
    fields = tuple(msgspec.structs.replace(field, required=False) for field in known.values())
    return Table("changes", fields, "the fields that are otherwise in the district")


SHAPES: Mapping[str, Callable[[Field], Shape]] = {
    "string": _one,
    "id": lambda field: _one(field, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
    "type_id": lambda field: _one(field, pattern=r"^[a-z0-9][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)*$"),
    "name": lambda field: _one(field, pattern=NAME),
    "integer": lambda field: One(("integer",)),
    "positive": lambda field: One(("integer",), least=1),
    "number": lambda field: One(("number",)),
    "boolean": lambda field: One(("boolean",)),
    "duration": lambda field: DURATION,
    "duration_or_off": lambda field: Either((DURATION, One(("string",), ("off",)), One(("boolean",), ("false",)))),
    "duration_or_cel": lambda field: Either((
        DURATION, One(pattern=r"^(?!\d+(\.\d+)?\s*[A-Za-z]*\s*$)", role=Role.EXPRESSION))),
    "distance": lambda field: One(("string",), pattern=r"^\d+(\.\d+)?(m|km)$"),
    "zone": _one,
    "date": lambda field: One(("string",), pattern=r"^\d{4}-\d{2}-\d{2}$"),
    "local_time": lambda field: One(("string",), pattern=r"^([01]?[0-9]|2[0-4]):[0-5][0-9]$"),
    "days": _days,
    "text": _one,
    "cel": lambda field: EXPRESSION,
    "path": lambda field: EXPRESSION,
    "severity": _severity,
    "texts": lambda field: _or_list(_one(field), least=1),
    "strings": lambda field: _or_list(_one(field)),
    "plain": lambda field: Anything(),
    "node": lambda field: Anything(),
    "condition": _condition,
    "recovery": lambda field: Either((One(("number",)), _condition(field))),
    "window": _window,
    "measure": _measure,
    "count": lambda field: Either((One(("integer",), least=1), Table("count", structures.COUNT_FIELDS, "how often"))),
    "selector": lambda field: Table("selector", structures.SELECTOR_FIELDS, "which events", (("event", "rule"),)),
    "steps": _steps,
    "expect": lambda field: Table("expect", structures.EXPECT_FIELDS, "who must report",
                                  (tuple(one.name for one in structures.EXPECT_FIELDS),)),
    "alert": lambda field: Table("alert", structures.ALERT_FIELDS, "what people read"),
    "dispatch": lambda field: Table("dispatch", structures.DISPATCH_FIELDS, "who is sent"),
    "limit": _limit,
    "baseline": lambda field: Table("learning", baselining.FIELDS, "what is normal, and how it is learnt"),
    "budget": lambda field: One(("string",), pattern=r"^\d+(\.\d+)?\s*/\s*(hour|day|week|month|year)$"),
    "rarity": lambda field: Table("rarity", baselining.RARITY_FIELDS, "how rare it must be",
                                  (("budget", "recurrence", "p"),)),
    "trend": lambda field: Table("trend", baselining.TREND_FIELDS, "which rise or fall is looked for"),
    "share": lambda field: Either((One(("number",)), One(("string",), pattern=r"^\d+(\.\d+)?\s*%$"))),
    "factors": lambda field: Many(Either((One(("number",), least=0), Many(One(("number",), least=0)))), least=1),
    "levels": lambda field: Many(Many(One(), least=1)),
    "range": lambda field: Many(One(("number",)), 2, 2),
    "bands": lambda field: Table("bands", indicators.BANDS_FIELDS, "where amber and red begin"),
    "mark": lambda field: Either((One(("number",)), Table("mark", RARELY, "how rare it must be", least=1, most=1))),
    "registered": lambda field: Table("of", indicators.OF_FIELDS, "which of a register were heard of"),
    "top": lambda field: Table("top", indicators.TOP_FIELDS, "the most frequent"),
    "schedule": _schedule,
    "exceptions": lambda field: Many(Table("exception", exceptions.FIELDS, "what is known and needs no alert")),
    "local_moment": lambda field: One(("string",), pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$"),
    "span": lambda field: Table("span", responding.SPAN_FIELDS, "from when to when"),
    "intervals": lambda field: Many(Table("interval", responding.INTERVAL_FIELDS, "all of which must hold"), least=1),
    "clock_times": lambda field: Many(Table("clock_time", responding.CLOCK_FIELDS, "hours of a day"), least=1),
    "channels": lambda field: Many(
        Table("channel", responding.CHANNEL_FIELDS, "a way to a receiver", forms=responding.WAY_PARTS), least=1),
    "stages": _stages,
    "routes": lambda field: Many(Table("inner_route", responding.INNER_FIELDS, "a route within another"), least=1),
    "chain": lambda field: Many(Table("escalation_step", responding.STEP_FIELDS, "who is told when"), least=1),
    "response_tests": lambda field: Many(
        Table("test_of_the_response", words.RESPONSE_TEST, "a time line with what must come of it"), least=1),
    "response_steps": lambda field: Many(Table("step_of_a_test", words.RESPONSE_STEP, "what happens"), least=1),
    "owners": lambda field: Many(Table("owner", responding.OWNER_FIELDS, "who is responsible for what"), least=1),
    "field_types": lambda field: _types("field", documents.FIELD_FIELDS, documents.EVENT_PARTS),
    "columns": lambda field: _types("column", documents.COLUMN_FIELDS),
    "mapping": lambda field: Table("event", documents.MAPPING_FIELDS, "how a record becomes an event"),
    "time": lambda field: Either((EXPRESSION, Table("time", documents.TIME_FIELDS, "a time of a record"))),
    "time_format": lambda field: Either((One(("string",), documents.TIME_FORMATS), One(("string",), pattern="%"))),
    "place": lambda field: Table("place", documents.PLACE_FIELDS, "where it happened",
                                 pairs=(("lat", "lon"), ("lon", "lat"))),
    "expressions": lambda field: Named(EXPRESSION),
    "list_values": lambda field: Many(One()),
    "districts": lambda field: Either((One(), Many(One()), Table("districts", documents.DISTRICTS_FIELDS))),
    "macro_parameters": lambda field: _parameters(parameters.MACRO_TYPES),
    "template_parameters": lambda field: _parameters(
        parameters.TEMPLATE_TYPES, Table("parameter", parameters.PARAMETER_FIELDS, "a parameter")),
    "instances": _instances,
    "rule_within": lambda field: RuleWithin(),
    "changes": lambda field: _changes(),
    "kind": lambda field: One(("string",), field.values),
    "tests": _tests,
    "moment": lambda field: One(("string",)),
    "nothing": lambda field: One(("boolean",), ("true",)),
    "length": lambda field: One(("string",), pattern=r"^[-+]?\d+(\.\d+)?(m|km)$"),
    "test_place": _test_place,
    "test_silences": lambda field: Named(Many(DURATION, least=1, most=2)),
    "test_registers": lambda field: Named(Many(Named(Anything()))),
    "test_lists": lambda field: Named(Many(One())),
    "test_events": lambda field: Many(Table("event_of_a_test", words.EVENT, "an event, with its fields", more=True)),
    "event_name": _one,
    "episodes": lambda field: Many(Table("episode", words.EPISODE, "an episode", more=True)),
    "readings": lambda field: Many(Table("reading_of_a_test", words.READING, "a reading", more=True)),
    "told": lambda field: Many(Named(Anything())),
    "duration_or_null": lambda field: Either((DURATION, One(("null",)))),
    "evidence": lambda field: Either((One(("integer",), least=0), Many(One()))),
}

ABOUT = {
    "city": "The city itself: its name, its time zone and its districts.",
    "event_type": "What can happen: a type of event and its fields.",
    "source": "A feed of one department or system, and how its records become events.",
    "register": "A table of things that exist, in a CSV file beside it.",
    "list": "Values for conditions: `device in lists.<id>`.",
    "macro": "An expression with a name, for use in other expressions: `where: at_night(time)`.",
    "template": "A rule with placeholders, and an instance of it for each entry of a list or row of a register.",
    "override": "A district's change to a rule: it may tighten, not loosen.",
    "indicator": "A vital sign: a measure, published every period with its status.",
    "receiver": "Who is told, and how.",
    "route": "Which alerts go to which receiver, together with which others, and how often.",
    "inhibit": "Alerts that keep others back while they last.",
    "silence": "What nobody wants to hear of for a while, why, and who answers for it.",
    "time_window": "Hours with a name, for routes.",
    "guard": "Alerts that nothing keeps back: life safety.",
    "escalation": "Who is told next while nobody takes a case.",
    "ownership": "Which unit is responsible for what, and who for the rest.",
    "storm": "How many notifications a receiver gets before there is a digest.",
    "deadlines": "How long it may be until each stage of a case.",
    "response": "How the response as a whole behaves.",
    "response_test": "Tests of the response: who is notified, what is kept quiet, what becomes of cases.",
    "baseline": "What the keys of a rule with a baseline begin with; `tocsin calibrate` writes it.",
    "tests": "The tests of a rule in a file of their own, `<rule>.test.yaml`.",
}
_ONE_OF = {"list": (("values", "file"),)}
_INSIDE = {("template", "rule"): "rule_within", ("override", "set"): "changes"}


@cache
def kinds() -> Mapping[str, Table]:
    """Each kind of document, rules of each kind among them, as a table whose `doc` says what it is."""
    found = {}
    for name in all_kinds():
        found[name] = _document(name, common.fields_of(name), all_kinds()[name].__doc__ or "")
    for name, fields in assembling.TABLES.items():
        found[name] = _document(name, fields, ABOUT[name])
    return found


@cache
def tests_file() -> Table:
    """A document of a `.test.yaml` file."""
    return Table("tests", assembling.TEST_FIELDS, ABOUT["tests"])


@cache
def within(kind: str) -> Table:
    """A rule of this kind as it stands in a template: without an id."""
    table = kinds()[kind]
    return msgspec.structs.replace(table, fields=tuple(field for field in table.fields if field.name != "id"))


def _document(name: str, fields: tuple[Field, ...], doc: str) -> Table:
    kept = tuple(_in_document(name, field) for field in fields if field.type != "later")
    return Table(name, kept, doc, one_of=(*groups(kept), *_ONE_OF.get(name, ())))


def _in_document(kind: str, field: Field) -> Field:
    """A field whose type says more here than where it is read."""
    if field.name == "kind":
        return msgspec.structs.replace(field, type="kind", values=(kind,))
    return msgspec.structs.replace(field, type=_INSIDE.get((kind, field.name), field.type))


def groups(fields: tuple[Field, ...]) -> tuple[tuple[str, ...], ...]:
    """The groups of fields of which one must be there, by what the table says (`instead`)."""
    names = {field.name for field in fields}
    return tuple((field.name, field.instead) for field in fields if field.instead in names)
