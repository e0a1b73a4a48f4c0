"""Overrides: a district's change to a rule of the city, for what happens in that district.

The rule itself then stands for everywhere else, and the variant, called `rule@district`, for the district:
each event is judged once. What begins a match decides where it belongs: of a sequence the first step that
must happen; its other steps may lie anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from streams.kinds import Field
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.documents import ID, KIND
from streams.rulefile.drafts import Document
from streams.rulefile.fields import Values
from streams.rulefile.filling import with_pairs
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.nodes import Node, Scalar, describe
from streams.rulefile.scalars import advise
from streams.rulefile.tightening import judge, laws_of
from streams.rules import Register
from streams.specs import Expect

OVERRIDE_FIELDS = (
    KIND,
    ID,
    Field("rule", "id", "the rule that it changes, a template (all its instances) or an indicator", required=True),
    Field("district", "string", "where", required=True),
    Field("set", "node", "the fields that are otherwise there", required=True),
    Field("reason", "string", "why", required=True),
    Field("owner", "string", "who looks after the override; the rule's own is set under `set`"),
    Field("tests", "tests", "timelines with the findings that the rule must give in the district", default=()),
)
FOLDER = "districts"
MERGED = ("alert", "dispatch")  # mappings of which single entries are set
OF_ONE_PLACE = ("match", "absence", "sequence")  # kinds for which an event, a thing or a first step says where


class Override:
    """An override as read."""

    def __init__(self, document: Document, districts: tuple[str, ...], report: Report) -> None:
        self.values, self.path, self.report = document.values, document.path, report
        self.rule: str = self.values.get("rule", "")
        self.district: str = self.values.get("district", "")
        self.districts = districts

    def sound(self) -> bool:
        """Whether it can be applied at all; what is wrong is reported."""
        before = self.report.faults
        own = folder_of(self.path)
        spot = self.values.spot("district")
        if self.district and self.districts and self.district not in self.districts:
            hint = advise(self.district, self.districts, "the districts are")
            self.report.add(codes.OTHER_DISTRICT, spot, f"there is no district `{self.district}`", hint)
        elif own and self.district and own != self.district:
            text = f"the file is {own}'s, and a district changes nothing in another"
            self.report.add(codes.OTHER_DISTRICT, spot, text, f"write district: {own}, or put the file elsewhere")
        changed = self.values.get("set")
        if changed is not None and not isinstance(changed, MappingNode):
            text = f"{describe(changed)} stands where the changed fields belong"
            self.report.add(codes.WRONG_TYPE, changed.spot, text, "write a mapping: condition: {gte: 3}")
        return self.values.sound and self.report.faults == before

    @property
    def changed(self) -> MappingNode:
        """What it sets."""
        node = self.values["set"]
        assert isinstance(node, MappingNode)
        return node

    def merged(self, base: Document) -> MappingNode:
        """The rule as it stands in the district; each part keeps the place where it is written."""
        pairs = dict(base.values.node.pairs)
        pairs.pop("tests", None)
        if "tests" in self.values.node.pairs:
            pairs["tests"] = self.values.node.pairs["tests"]
        for name, (key, node) in self.changed.pairs.items():
            pairs[name] = (key, _over(pairs[name][1], node) if name in MERGED and name in pairs else node)
        named = self.values.node.get("id") or self.values.node
        pairs["id"] = (pairs["id"][0], Scalar(named.file, named.start, named.end, base.id, "", "str"))
        return with_pairs(base.values.node, pairs)

    def check(self, base: Document, variant: Values, registers: Mapping[str, Register]) -> None:
        """The law: a district may tighten and retarget, not loosen; nor touch what is locked."""
        locked: tuple[str, ...] = base.values.get("locked", ())
        for name, (key, _) in self.changed.pairs.items():
            if name not in laws_of(base.kind):
                text = f"`{name}` of `{base.id}` cannot be changed for a district"
                hint = advise(name, laws_of(base.kind), "a district may change")
                self.report.add(codes.NOT_OVERRIDABLE, key.spot, text, hint)
            elif name in locked:
                text = f"`{name}` of `{base.id}` is locked"
                self.report.add(codes.NOT_OVERRIDABLE, key.spot, text, "ask the rule's owner to unlock it")
            else:
                wrong = judge(name, base.kind, base.values, variant)
                if wrong:
                    text, hint = wrong
                    self.report.add(codes.LOOSENED, variant.spot(name), text, hint)
        why = indivisible(base, registers)
        if why:
            self.report.add(codes.NOT_DIVISIBLE, self.values.spot("rule"), *why)

    def tell_twin(self, twin: Override) -> None:
        """Another one has changed the same rule for the same district."""
        file = twin.values.node.file
        line, _ = file.position(twin.values.node.start)
        text = f"`{self.rule}` is changed for {self.district} already, in {file.name}:{line}"
        self.report.add(codes.DUPLICATE_ID, self.values.spot("rule"), text, "put both into one override")


def folder_of(path: str) -> str:
    """The district in whose folder a file is; "" for the city's own files."""
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == FOLDER else ""


def indivisible(base: Document, registers: Mapping[str, Register]) -> tuple[str, str] | None:
    """Why a rule cannot be divided by district, and what to do; None if each key, or each match, lies in one."""
    by = {passage.text.strip().removeprefix("event.") for passage in base.values.get("by", ())}
    expect = base.values.get("expect")
    register = registers.get(expect.register or "") if isinstance(expect, Expect) else None
    if base.kind not in OF_ONE_PLACE and "place.district" not in by:
        return f"a key of `{base.id}` reaches across districts: what happens at a border would count in neither", ""
    if register is not None and not any(
        field.name == "district" or field.type == "place" for field in register.fields.values()
    ):
        text = f"the rows of {register.id}, which `{base.id}` expects to report, do not say their district"
        return text, "add a column `district` to the register"
    return None


def _over(base: Node, node: Node) -> Node:
    """Two mappings as one."""
    if not isinstance(base, MappingNode) or not isinstance(node, MappingNode):
        return node
    pairs: Mapping[str, tuple[Scalar, Any]] = {**base.pairs, **node.pairs}
    return with_pairs(node, dict(pairs))
