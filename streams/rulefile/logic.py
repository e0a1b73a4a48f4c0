"""The logic hash: what of a rule decides when it holds, as canonical bytes.

Layout, comments, the order of event types and a default that is written out change nothing; nor do
texts, severity, owner, status, alert or dispatch. `suppress_for` and the limit of alerts are decided in respond.
`exceptions` change nothing either: one is added in the middle of a flood, and must neither close what is open nor
make the rule forget what it saw. They keep out what comes from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from streams.conditions import Definition
from streams.kinds import Kind
from streams.rulefile.bands import TopDraft
from streams.rulefile.baselining import BaselineDraft
from streams.rulefile.common import COMMON as COMMON_FIELDS
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.duty import ScheduleDraft
from streams.rulefile.limits import LimitDraft
from streams.rulefile.macros import used_by
from streams.rulefile.scalars import Passage
from streams.rulefile.structures import MeasureDraft, SelectorDraft, StepDraft
from streams.specs import Measure

COMMON = ("event", "rule", "where", "by", "for", "keep_firing_for", "limit", "schedule")
# A comment, a string in quotes, or white space: what may not and what may be squeezed.
_TOKENS = re.compile(r"""//[^\n]*|[rRbB]{0,2}("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\s+""", re.DOTALL)


def squeeze(text: str) -> str:
    """An expression without comments and with single spaces, so that layout is no change of logic."""
    return _TOKENS.sub(lambda found: found[0] if found[1] is not None else " ", text).strip()


def logic_of(
    draft: RuleDraft, zone: str, bases: Sequence[str] = (), macros: Mapping[str, Definition] | None = None
) -> str:
    """The hash of what decides when the rule holds; a field at its default counts as absent.

    `bases` are the references of the rules whose findings it reads: their logic is part of its own, and so
    are the texts of the `macros` that it calls. Rows of registers, values of lists and borders of zones are not: they
    change from day to day, and what was found goes on.
    """
    values = draft.values
    told = {name: _canonical(values[name]) for name in decisive(draft.kind) if name in values}
    for name in ("event", "rule"):
        if name in told:
            told[name] = sorted(told[name])
    own = {field.name for field in draft.kind.FIELDS}
    fields = (*(field for field in COMMON_FIELDS if field.name not in own), *draft.kind.FIELDS)
    defaults = {field.name: _canonical(field.default) for field in fields}
    deciding = {name: value for name, value in told.items() if value != defaults.get(name)}
    called = used_by(msgspec.json.encode(deciding, order="deterministic").decode(), macros or {})
    texts = {name: [list(macro.parameters.items()), squeeze(macro.text)] for name, macro in called.items()}
    parts = [draft.kind.NAME, zone, deciding, *bases, *([texts] if texts else [])]
    whole = msgspec.json.encode(parts, order="deterministic")
    return sha256(whole).hexdigest()[:16]


def decisive(kind: Kind) -> tuple[str, ...]:
    """The fields that decide when a rule holds: some common ones and all of the kind's own."""
    own = tuple(field.name for field in kind.FIELDS)
    return (*(name for name in COMMON if name not in own), *own)


def _canonical(value: Any) -> Any:
    """Plain values in which only what decides is left."""
    if isinstance(value, Passage):
        return squeeze(value.text)
    if isinstance(value, MeasureDraft):
        return _canonical(value.measure)
    if isinstance(value, Measure):
        return [value.name, squeeze(value.text), value.percentile, value.per]
    if isinstance(value, SelectorDraft):
        return [
            sorted(passage.text for passage in (*value.types, *value.rules)),
            _canonical(value.where),
            _canonical(value.by),
        ]
    if isinstance(value, TopDraft):
        return [[squeeze(passage.text) for passage in value.by], value.k]
    if isinstance(value, BaselineDraft):
        return value.logic
    if isinstance(value, LimitDraft):
        return value.matches
    if isinstance(value, ScheduleDraft):
        return [one.logic for one in value.duties]
    if isinstance(value, StepDraft):
        step = msgspec.to_builtins(value.step)
        return [{name: step[name] for name in step if name != "role"}, _canonical(value.selector)]
    if isinstance(value, tuple | list):
        return [_canonical(one) for one in value]
    return msgspec.to_builtins(value)
