"""What a rule takes for granted of its city: that a district exists, whose clock `time` is, that a page is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from streams.conditions import Expression
from streams.conditions.checked import Call, Const, Ident, ListOf, Node, Select, Used, walk
from streams.rulefile import codes
from streams.rulefile.advice.around import Around
from streams.rulefile.advice.conditions import conditions_of
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.embedded import spot_in
from streams.rulefile.exceptions import ExceptionDraft
from streams.rulefile.nodes import Mapping
from streams.rulefile.scalars import Passage, nearest
from streams.rulefile.scalars import advise as advised
from streams.rules import Rule

COMPARING = ("_==_", "_!=_", "@in")
OF_THE_DAY = frozenset(
    ("getHours", "getDayOfWeek", "getDate", "getDayOfMonth", "getDayOfYear", "getMonth", "getFullYear")
)
"""What of an instant depends on the zone that it is told in."""
A_PLACE = "message:tocsin.place"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/")


def advise(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """What there is to say about a rule and its city."""
    for passage, expression, before in (*conditions_of(draft, rule), *_exceptions(draft, rule)):
        assert expression.form is not None
        for node, at in _placed(expression.form[0]):
            if at >= before and isinstance(node, Call):
                _districts(passage, node, at, before, around)
                _clock(passage, node, at, before, around)
    _runbook(draft, rule, around)


def _exceptions(draft: RuleDraft, rule: Rule) -> Iterator[tuple[Passage, Expression, int]]:
    known = {one.name: one.where for one in rule.exemptions}
    written: tuple[ExceptionDraft, ...] = draft.values.get("exceptions", ())
    for one in written:
        if one.name in known:
            yield one.where, known[one.name], 0


def _placed(node: Node, call: int | None = None) -> Iterator[tuple[Node, int]]:
    """Each node with its place in the author's text: of what a macro brings along, that of its call."""
    at = node.offset if call is None else call
    yield node, at
    inside = at if isinstance(node, Used) else call
    for child in node.children():
        yield from _placed(child, inside)


def _districts(passage: Passage, node: Call, at: int, before: int, around: Around) -> None:
    """A comparison with a district that the city does not have."""
    known = around.city.districts
    if not known or node.function not in COMPARING or not any(_is_district(one) for one in node.args):
        return
    for const in (one for arg in node.args for one in (arg.elements if isinstance(arg, ListOf) else [arg])):
        if isinstance(const, Const) and isinstance(const.value, str) and const.value not in known:
            start = const.offset - before
            inside = at == node.offset and passage.text[start : start + 1] in ('"', "'")  # else a macro brought it
            spot = spot_in(passage.node, start, start + len(const.value) + 2) if inside else passage.spot
            text = f"the city has no district `{const.value}`"
            around.report.add(codes.NO_DISTRICT, spot, text, advised(const.value, known, "the districts are"))


def _is_district(node: Node) -> bool:
    if isinstance(node, Ident):
        return node.name.endswith("place.district")  # a part of a key
    return isinstance(node, Select) and node.field == "district" and node.operand.type == A_PLACE


def _clock(passage: Passage, node: Call, at: int, before: int, around: Around) -> None:
    """The hour or the day of an instant by a clock that nobody in the city looks at."""
    if node.function not in OF_THE_DAY or not node.member or len(node.args) != 1 or around.city.zone == "UTC":
        return
    target = node.args[0]
    if target.type != "timestamp" or any(isinstance(one, Call) and one.function == "local" for one in walk(target)):
        return
    start, stop = min(one.offset for one in walk(target)) - before, at - before + 2
    shown = passage.text[max(0, start) : stop]
    whole = at == node.offset and shown.endswith(f".{node.function}()")
    spot = spot_in(passage.node, start, stop) if whole else passage.spot
    inner = shown.removesuffix(f".{node.function}()") if whole else "time"
    text = f"`{node.function}()` of an instant is by UTC, and the city's clock is that of {around.city.zone}"
    hint = f'write local({inner}).{node.function}(), or {inner}.{node.function}("{around.city.zone}")'
    around.report.add(codes.UTC_CLOCK, spot, text, hint)


def _runbook(draft: RuleDraft, rule: Rule, around: Around) -> None:
    """A page that is not in the folders of runbooks."""
    named, written = rule.alert.runbook, draft.values.get("alert")
    if not written or not named or not around.pages or _SCHEME.match(named):
        return
    path = posixpath.normpath(named.partition("#")[0].partition("?")[0])
    if any(page == path or page.endswith(f"/{path}") for page in around.pages):
        return
    alert = draft.values.node.pairs["alert"][1]
    node = alert.get("runbook") if isinstance(alert, Mapping) else None
    spot = draft.values.spot("alert") if node is None else node.spot
    near = nearest(named, sorted(around.pages))
    hint = f"did you mean `{near}`?" if near else ""
    around.report.add(codes.NO_PAGE, spot, f"there is no page {named} below the folder of the rules", hint)
