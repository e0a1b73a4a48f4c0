"""`kind: baseline`: what a rule's keys begin with, as `tocsin calibrate` writes it; and whether it fits the rule.

It is no part of a rule's logic: a file that is written anew changes what a new key begins with, and nothing that is
learnt already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.clocks import HOUR, show_duration, zone_of
from streams.kinds import Field
from streams.kinds.parts.exceedance import COUNTED
from streams.records import KeyValues
from streams.rulefile import codes, scalars
from streams.rulefile.codes import Report
from streams.rulefile.documents import ID, KIND
from streams.rulefile.drafts import Document, RuleDraft
from streams.rulefile.nodes import Listing, Node, describe
from streams.rulefile.scalars import Bad, Reader, advise
from streams.specs import Learning, Measure, Window
from streams.unusual.baselines import SEASONS, Season
from streams.unusual.profiles import Profile

FIELDS = (
    KIND,
    Field(ID.name, ID.type, "the rule whose keys begin with it", required=True),
    Field("season", "string", "the season of the rule's baseline when it was learnt", required=True,
          values=tuple(SEASONS)),
    Field("size", "duration", "the size of the rule's window when it was learnt", required=True),
    Field("bins", "positive", "how many windows of each key were learnt", required=True),
    Field("scatter", "number", "the variance beyond chance, where the mean is 1", required=True),
    Field("curve", "factors", "what each hour of the season brings, in proportion to the mean; a row for each day, "
          "Monday first", required=True),
    Field("others", "number", "what a key brings in a window that is not among the `levels`", required=True),
    Field("levels", "levels", "what each key brings in a window: the parts of the key, then a number", default={}),
)


def read_factors(node: Node, field: Field, report: Report) -> tuple[float, ...]:
    """Numbers, or rows of numbers, that are not negative."""
    if not isinstance(node, Listing):
        raise Bad(codes.BAD_PROFILE, node.spot, f"{describe(node)} stands where a list of numbers belongs")
    found: list[float] = []
    for entry in node.entries:
        found += read_factors(entry, field, report) if isinstance(entry, Listing) else [_share(entry)]
    return tuple(found)


def read_levels(node: Node, field: Field, report: Report) -> dict[KeyValues, float]:
    """`[[Norristown, 0.81], [Abington, 0.64]]`."""
    found: dict[KeyValues, float] = {}
    for entry in node.entries if isinstance(node, Listing) else [node]:
        if not isinstance(entry, Listing) or not entry.entries:
            raise Bad(codes.BAD_PROFILE, entry.spot, f"{describe(entry)} stands where a key and its level belong")
        *parts, level = entry.entries
        key = tuple(scalars.scalar(part, "a part of a key", codes.BAD_PROFILE).value for part in parts)
        if key in found:
            raise Bad(codes.BAD_PROFILE, entry.spot, "this key stands there already")
        found[key] = _share(level)
    return found


def _share(node: Node) -> float:
    value = scalars.scalar(node, "a number", codes.BAD_PROFILE).value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise Bad(codes.BAD_PROFILE, node.spot, f"{describe(node)} is not a number of at least 0")
    return float(value)


READERS: dict[str, Reader] = {"factors": read_factors, "levels": read_levels}


class Profiles:
    """The documents, by the rule that each is of; what none of the rules took is told at the end."""

    def __init__(self, documents: Iterable[Document], report: Report) -> None:
        self.documents = {one.id: one for one in documents}
        self.report = report
        self.asked: set[str] = set()

    def of(self, draft: RuleDraft, spec: Mapping[str, Any]) -> Profile | None:
        """What the keys of a rule begin with; None where there is nothing, or nothing that fits."""
        learning, window = spec.get("baseline"), spec.get("window")
        rule = draft.values["id"]
        document = self.documents.get(rule) or self.documents.get(rule.partition("@")[0])
        if document is None or not isinstance(learning, Learning) or not isinstance(window, Window):
            return None
        if (spec.get("measure") or Measure()).name not in COUNTED:
            return None
        self.asked.add(document.id)
        return self._profile(document, draft, learning, window.size or HOUR)

    def _profile(self, document: Document, draft: RuleDraft, learning: Learning, size: int) -> Profile | None:
        values = document.values
        if not values.sound:
            return None
        if (values["season"], values["size"]) != (learning.season, size):
            text = f"it was learnt with the season {values['season']} and windows of {show_duration(values['size'])}"
            self.report.add(codes.OLD_PROFILE, values.spot("size"), f"{text}, the rule has others: it is not used")
            return None
        wanted, curve = Season(learning.season, size, zone_of("UTC")).buckets, values["curve"]
        parts, levels = len(draft.values.get("by", ())), values.get("levels", {})
        if len(curve) != wanted or not sum(curve):
            text = f"the curve has {len(curve)} numbers that add up to {sum(curve):g}; {wanted} belong there"
            self.report.add(codes.BAD_PROFILE, values.spot("curve"), text)
            return None
        strange = next((key for key in levels if len(key) != parts), None)
        if strange is not None:
            text = f"the key {list(strange)} has {len(strange)} parts, those of the rule have {parts}: it is not used"
            self.report.add(codes.OLD_PROFILE, values.spot("levels"), text)
            return None
        mean = sum(curve) / wanted
        return Profile(values["bins"], max(0.0, float(values["scatter"])), tuple(one / mean for one in curve),
                       levels, max(0.0, float(values["others"])))

    def tell_unused(self, rules: Iterable[str]) -> None:
        """Report the documents of rules that are not there, or have no baseline of counts."""
        for name, document in self.documents.items():
            if name not in self.asked and document.values.sound:
                known = list(rules)
                text = f"there is no rule `{name}` that counts against a baseline: nothing begins with this"
                self.report.add(codes.IDLE_PROFILE, document.values.spot("id"), text, advise(name, known))
