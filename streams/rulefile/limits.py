"""`limit`: how many matches of a sequence may be under way, and how many alerts of a rule are told within a time."""

from __future__ import annotations

import msgspec

from streams.kinds import Field
from streams.records import Micros
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import READERS as DOCUMENT_READERS
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.fields import read_fields
from streams.rulefile.nodes import Node, Scalar
from streams.rulefile.scalars import Bad
from streams.rules import Limit

FIELDS = (
    Field("alerts", "positive", "how many alerts of the rule are told within `per`; one more alert counts the others"),
    Field("per", "duration", "the time within which they are counted"),
    Field("matches", "positive", "how many matches of a key a sequence may have under way; `limit: 500` says the same",
          default=1000),
)


class LimitDraft(msgspec.Struct, frozen=True):
    """A limit as written; what is None is not limited by it."""

    matches: int | None = None
    alerts: Limit | None = None


def read_limit(node: Node, field: Field, report: Report) -> LimitDraft:
    """A number of matches, or `{alerts, per, matches}`."""
    if isinstance(node, Scalar):
        return LimitDraft(scalars.read_positive(node, field, report))
    values = read_fields(node, FIELDS, DOCUMENT_READERS, report, "`limit`")
    for one, other in (("alerts", "per"), ("per", "alerts")):
        if one in values.node.pairs and other not in values.node.pairs:
            raise Bad(codes.BAD_LIMIT, values.key_spot(one), f"`{one}` needs `{other}` beside it")
    if not values.node.pairs:
        raise Bad(codes.BAD_LIMIT, node.spot, "it limits nothing")
    per: Micros = values.get("per", 1)
    if per == 0:
        raise Bad(codes.BAD_LIMIT, values.spot("per"), "`per` must be longer than zero")
    alerts = Limit(values["alerts"], per) if "alerts" in values and "per" in values else None
    return LimitDraft(values.get("matches"), alerts)


def limit_of(draft: RuleDraft, report: Report) -> Limit | None:
    """The limit of the rule's alerts; a problem where it limits matches of a rule that has none."""
    written = draft.values.get("limit")
    if not isinstance(written, LimitDraft):
        return None
    has_matches = any(field.type == "steps" for field in draft.kind.FIELDS)
    if written.matches is not None and not has_matches:
        text = f"{scalars.a_or_an(draft.kind.NAME)} rule has no matches under way that could be limited"
        report.add(codes.BAD_LIMIT, draft.values.spot("limit"), text)
    if written.alerts is not None and draft.values.get("severity") == "extreme":
        text = "alerts of severity `extreme` are never limited"
        report.add(codes.LIMITS_NOTHING, draft.values.spot("limit"), text)
    return written.alerts
