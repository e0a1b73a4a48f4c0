"""How the structured fields of a rule are read: condition, window, measure, steps, expect, tests ...

Each structure has a table of its fields, from which the manual is written too.
"""

from __future__ import annotations

import re

import msgspec

from streams.clocks import HOUR
from streams.kinds import Field
from streams.records import Micros
from streams.rulefile import codes, scalars
from streams.rulefile.baselining import SIDES, TRENDS, read_rarity, read_trend
from streams.rulefile.codes import Report
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.nodes import Listing, Mapping, Node, Scalar, describe, plain, walk
from streams.rulefile.scalars import Bad, Passage, Reader, advise
from streams.rules import Alert, Dispatch
from streams.specs import (
    OPERATORS,
    PLAIN_MEASURES,
    WINDOW_TYPES,
    Expect,
    Measure,
    Rarity,
    Step,
    Test,
    Window,
    Written,
)

CATEGORIES = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
WINDOW_FIELDS = (
    Field("type", "string", "how the window moves", default="sliding", values=WINDOW_TYPES),
    Field("size", "duration", "how long it is (not for session)"),
    Field("hop", "duration", "how far a hopping window moves each time"),
    Field("gap", "duration", "how long without an event ends a session"),
    Field("max", "duration", "how long a session may last"),
)
WINDOW_PARTS = {  # type -> what it must have, what it may have
    "sliding": (("size",), ()),
    "tumbling": (("size",), ()),
    "hopping": (("size", "hop"), ()),
    "session": (("gap",), ("max",)),
}
SELECTOR_FIELDS = (
    Field("event", "texts", "one or more event types, `sensor.*` for a branch", required=True, instead="rule"),
    Field("rule", "texts", "in place of `event`: one or more rules, whose findings are the events"),
    Field("where", "cel", "a condition over the event's fields"),
    Field("by", "texts", "the key in these events, if it is called otherwise there"),
)
STEP_FIELDS = (
    Field("name", "name", "what the step is called in texts and expressions", required=True),
    Field("event", "texts", "one or more event types, `sensor.*` for a branch"),
    Field("rule", "texts", "in place of `event`: one or more rules, whose findings are the events"),
    Field("where", "cel", "a condition over the event's fields"),
    Field("not", "selector", "what must not happen: {event, where}"),
    Field("count", "count", "how often: a number, or {min, max}"),
    Field("strict", "boolean", "no other event of the key may come before it", default=False),
    Field("optional", "boolean", "the step may be missing", default=False),
    Field("by", "texts", "the key in this step's events, if it is called otherwise there"),
    Field("within", "duration", "how long after the step before it"),
)
COUNT_FIELDS = (
    Field("min", "integer", "at least so often", default=1),
    Field("max", "integer", "at most so often"),
)
EXPECT_FIELDS = (
    Field("register", "string", "the register whose rows must report"),
    Field("seen_within", "duration", "whoever reported within this time must report again"),
)
ALERT_FIELDS = (
    Field("title", "text", "what people read first"),
    Field("summary", "text", "what happened, in a sentence or two"),
    Field("runbook", "string", "where it stands what to do"),
    Field("category", "string", "the category of CAP", values=CATEGORIES),
)
DISPATCH_FIELDS = (
    Field("to", "string", "who is sent", required=True),
    Field("priority", "integer", "1 (most urgent) to 5", default=3),
    Field("instruction", "text", "what to do there"),
)


class SelectorDraft(msgspec.Struct, frozen=True):
    """Which events, or findings of which `rules`, as written."""

    types: tuple[Passage, ...]
    where: Passage | None = None
    by: tuple[Passage, ...] | None = None
    rules: tuple[Passage, ...] = ()


class MeasureDraft(msgspec.Struct, frozen=True):
    """A measure as written; `expression` is None for `count`."""

    measure: Measure
    expression: Passage | None = None


class StepDraft(msgspec.Struct, frozen=True):
    """One step as written."""

    step: Step
    selector: SelectorDraft
    node: Mapping


def read_condition(node: Node, field: Field, report: Report) -> Test | Rarity:
    """`{gte: 3}`, or `{above: {budget: 2/month}}`."""
    if not isinstance(node, Mapping) or len(node.pairs) != 1:
        message = (
            f"{describe(node)} is not a condition"
            if not isinstance(node, Mapping)
            else "a condition has exactly one comparison"
        )
        raise Bad(codes.BAD_CONDITION, node.spot, message)
    ((name, (key, value)),) = node.pairs.items()
    if name in SIDES and field.name == "condition":
        return read_rarity(name, value, report)
    if name in TRENDS and field.name == "condition":
        return read_trend(name, value, report)
    if name not in OPERATORS:
        known = (*OPERATORS, *SIDES, *TRENDS) if field.name == "condition" else OPERATORS
        raise Bad(codes.BAD_CONDITION, key.spot, f"there is no comparison `{name}`", advise(name, known))
    return Test(name, scalars.read_number(value, field, report))


def read_window(node: Node, field: Field, report: Report) -> Window:
    """`10m`, or a mapping with `type`."""
    if isinstance(node, Scalar):
        return Window("sliding", size=scalars.read_duration(node, field, report))
    values = read_fields(node, WINDOW_FIELDS, READERS, report, "a window")
    kind = values.get("type", "sliding")
    if values.sound:
        _check_window_parts(values, kind)
    return Window(kind, values.get("size"), values.get("hop"), values.get("gap"), values.get("max"))


def _check_window_parts(values: Values, kind: str) -> None:
    needed, allowed = WINDOW_PARTS[kind]
    for name in values.read:
        if name not in ("type", *needed, *allowed):
            raise Bad(
                codes.BAD_WINDOW,
                values.key_spot(name),
                f"a {kind} window has no `{name}`",
                f"it has {' and '.join(needed + allowed)}",
            )
    for name in needed:
        if name not in values:
            raise Bad(
                codes.BAD_WINDOW,
                values.spot(),
                f"a {kind} window needs `{name}`",
                f"add it: {{type: {kind}, {', '.join(f'{one}: 1h' for one in needed)}}}",
            )


def read_measure(node: Node, field: Field, report: Report) -> MeasureDraft:
    """`count`, or one name and its expression: `{p90: answer_seconds}`; a slope may say `per`."""
    if isinstance(node, Scalar):
        if node.text == "count":
            return MeasureDraft(Measure())
        raise Bad(codes.BAD_MEASURE, node.spot, f"{describe(node)} is not a measure")
    names = [name for name in node.pairs if name != "per"] if isinstance(node, Mapping) else []
    if not isinstance(node, Mapping) or len(names) != 1:
        raise Bad(codes.BAD_MEASURE, node.spot, "a measure has exactly one name and its expression")
    key, value = node.pairs[names[0]]
    name, percentile = _measure_name(key)
    per = _per(node, name, field, report)
    if name == "count":
        return MeasureDraft(Measure())
    text = scalars.read_cel(value, field, report)
    return MeasureDraft(Measure(name, text.text, percentile, per), text)


def _measure_name(key: Scalar) -> tuple[str, int | None]:
    """The measure's name and, for `p90`, its percentile."""
    percentile = _percentile(key.text, key)
    if percentile is not None:
        return "percentile", percentile
    if key.text not in PLAIN_MEASURES:
        raise Bad(
            codes.BAD_MEASURE,
            key.spot,
            f"there is no measure `{key.text}`",
            advise(key.text, (*PLAIN_MEASURES, "p50", "p90", "p95", "p99")),
        )
    return key.text, None


def _per(node: Mapping, name: str, field: Field, report: Report) -> Micros:
    pair = node.pairs.get("per")
    if pair is None:
        return HOUR
    if name != "slope":
        raise Bad(codes.BAD_MEASURE, pair[0].spot, f"`per` belongs to a slope, not to `{name}`")
    per = scalars.read_duration(pair[1], field, report)
    if per == 0:
        raise Bad(codes.OUT_OF_RANGE, pair[1].spot, "`per` must be longer than zero")
    return per


def _percentile(name: str, key: Scalar) -> int | None:
    found = re.fullmatch(r"p(\d+(?:\.\d+)?)", name)
    if found is None:
        return None
    number = float(found[1])
    if not 50 <= number <= 99 or number != int(number):
        raise Bad(codes.OUT_OF_RANGE, key.spot, f"`{name}` is no percentile from p50 to p99")
    return int(number)


def read_count(node: Node, field: Field, report: Report) -> tuple[int, int | None]:
    """`3` as (3, 3), `{min: 2}` as (2, None)."""
    if isinstance(node, Scalar):
        low = scalars.read_integer(node, field, report)
        high: int | None = low
    else:
        values = read_fields(node, COUNT_FIELDS, READERS, report, "a count")
        low, high = values.get("min", 1), values.get("max")
    if low < 1:
        raise Bad(
            codes.OUT_OF_RANGE,
            node.spot,
            f"a step that happens {low} times is no step",
            "write `optional: true` for a step that may be missing, or `not:` for one that must not happen",
        )
    if high is not None and high < low:
        raise Bad(codes.OUT_OF_RANGE, node.spot, f"`max` ({high}) is less than `min` ({low})")
    return low, high


def read_selector(node: Node, field: Field, report: Report) -> SelectorDraft:
    """`{event: ..., where: ...}`."""
    values = read_fields(node, SELECTOR_FIELDS, READERS, report, f"`{field.name}`")
    return selector_of(values)


def selector_of(values: Values) -> SelectorDraft:
    """Which events a rule, a step or a selector means, from its fields."""
    return SelectorDraft(values.get("event", ()), values.get("where"), values.get("by"), values.get("rule", ()))


def read_steps(node: Node, field: Field, report: Report) -> tuple[StepDraft, ...]:
    """The steps of a sequence, each with the bit of its selector."""
    if not isinstance(node, Listing) or not node.entries:
        raise Bad(
            codes.BAD_STEPS,
            node.spot,
            f"{describe(node)} stands where a list of steps belongs"
            if not isinstance(node, Listing)
            else "there are no steps",
            "write a list: - {name: alarm, event: lift.trapped}",
        )
    steps = []
    for role, entry in enumerate(node.entries):
        try:
            steps.append(_read_step(entry, role, report))
        except Bad as bad:
            bad.tell(report)
    return tuple(steps)


def _read_step(node: Node, role: int, report: Report) -> StepDraft:
    values = read_fields(node, STEP_FIELDS, READERS, report, "a step")
    negated = "not" in values.node.pairs
    if negated and any(name in values for name in ("event", "rule", "where")):
        raise Bad(
            codes.BAD_STEPS,
            values.key_spot("not"),
            "a step has either `event` or `not`",
            "put `event`, `rule` and `where` inside `not`, or remove `not`",
        )
    if not negated and not {"event", "rule"} & values.node.pairs.keys() and values.sound:
        raise Bad(codes.MISSING_FIELD, values.spot(), "a step needs `event` or `not`")
    low, high = values.get("count", (1, 1))
    step = Step(
        values.get("name", f"step{role}"),
        role,
        negated,
        low,
        high,
        values.get("strict", False),
        values.get("optional", False),
        values.get("within"),
    )
    chosen = values.get("not") or selector_of(values)
    chosen = msgspec.structs.replace(chosen, by=chosen.by or values.get("by"))
    return StepDraft(step, chosen, values.node)


def read_expect(node: Node, field: Field, report: Report) -> Expect:
    """`{register: sensors}` or `{seen_within: 7d}`."""
    values = read_fields(node, EXPECT_FIELDS, READERS, report, "`expect`")
    if values.sound and len(values.read) != 1:
        raise Bad(codes.CONTRADICTION, node.spot, "`expect` needs exactly one of `register` and `seen_within`")
    return Expect(values.get("register"), values.get("seen_within"))


def read_alert(node: Node, field: Field, report: Report) -> tuple[Alert, tuple[Passage, ...]]:
    """What people read, and its texts with their places."""
    values = read_fields(node, ALERT_FIELDS, READERS, report, "`alert`")
    title, summary = values.get("title"), values.get("summary")
    alert = Alert(
        title.text if title else "",
        summary.text if summary else "",
        values.get("runbook", ""),
        values.get("category", ""),
    )
    return alert, tuple(text for text in (title, summary) if text)


def read_dispatch(node: Node, field: Field, report: Report) -> tuple[Dispatch, tuple[Passage, ...]]:
    """Who is sent, and the texts with their places."""
    values = read_fields(node, DISPATCH_FIELDS, READERS, report, "`dispatch`")
    priority, instruction = values.get("priority", 3), values.get("instruction")
    if not 1 <= priority <= 5:
        raise Bad(codes.OUT_OF_RANGE, values.spot("priority"), f"the priority {priority} is not from 1 to 5")
    return (
        Dispatch(values.get("to", ""), priority, instruction.text if instruction else ""),
        (instruction,) if instruction else (),
    )


def read_tests(node: Node, field: Field, report: Report) -> tuple[Written, ...]:
    """The tests of a rule as they are written, for the test tool."""
    if not isinstance(node, Listing):
        raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} stands where a list of tests belongs")
    for entry in node.entries:
        if not isinstance(entry, Mapping):
            raise Bad(
                codes.WRONG_TYPE,
                entry.spot,
                f"{describe(entry)} stands where a test belongs",
                "write {name: ..., events: [...], expect: [...]}",
            )
    return tuple(written(entry) for entry in node.entries)


def written(node: Node) -> Written:
    """Plain values, with line and column of each."""
    file = node.file
    spots = {path: file.position(one.start) for path, one in walk(node)}
    return Written(plain(node), file.name, spots)


READERS: dict[str, Reader] = {
    "string": scalars.read_string,
    "id": scalars.read_id,
    "name": scalars.read_name,
    "integer": scalars.read_integer,
    "positive": scalars.read_positive,
    "number": scalars.read_number,
    "boolean": scalars.read_boolean,
    "duration": scalars.read_duration,
    "duration_or_off": scalars.read_duration_or_off,
    "duration_or_cel": scalars.read_duration_or_cel,
    "zone": scalars.read_zone,
    "text": scalars.read_text,
    "cel": scalars.read_cel,
    "severity": scalars.read_severity,
    "path": scalars.read_cel,
    "texts": scalars.read_texts,
    "strings": scalars.read_strings,
    "plain": scalars.read_plain,
    "later": scalars.read_later,
    "condition": read_condition,
    "window": read_window,
    "measure": read_measure,
    "count": read_count,
    "selector": read_selector,
    "steps": read_steps,
    "expect": read_expect,
    "alert": read_alert,
    "dispatch": read_dispatch,
    "tests": read_tests,
}
