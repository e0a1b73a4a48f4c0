"""Rules that are made of other documents: instances of templates, and the variants of districts.

They become documents like those that authors write, and everything after this treats them so. Who names a
template, or a rule that a district has overridden, means all rules made of it: its family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from streams.kinds import all_kinds
from streams.rulefile import codes
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Document, Origin
from streams.rulefile.fields import Values
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.nodes import Node, Scalar, describe
from streams.rulefile.overrides import Override, folder_of
from streams.rulefile.scalars import Bad, Passage, advise
from streams.rulefile.shared import Shared
from streams.rulefile.structures import SelectorDraft, StepDraft
from streams.rulefile.templates import Template
from streams.rules import Register

VARIANT = "@"  # between a rule and the district of its variant; no id that an author writes has it
Read = Callable[[str, Node], Values]


class Deriver:
    """Adds to the `rules` of a folder those that its templates and overrides make.

    `read` reads the fields of a rule of a kind. `districts` are the city's, none if it names none.
    """

    def __init__(self, rules: dict[str, Document], read: Read, districts: Iterable[str], report: Report) -> None:
        self.rules, self.read, self.report = rules, read, report
        self.districts = tuple(districts)
        self.shared = Shared()
        self.families: dict[str, list[str]] = {}

    def templates(self, documents: Iterable[Document], registers: Mapping[str, Register]) -> None:
        """Add the instances of all templates."""
        for document in documents:
            try:
                self._instances(document, Template(document.values, registers, self.report))
            except Bad as bad:
                bad.tell(self.report)

    def _instances(self, document: Document, template: Template) -> None:
        kind = _kind_of(document.values.get("rule"))
        made = []
        for instance in template.instances():
            name = f"{template.id}.{instance.name}"
            origin = Origin(name, template.id, instance.name)
            self.shared.sizes[template.id] += 1
            with self.shared.of(self.report, origin):
                values = self.read(kind, instance.rule)
                if self._add(Document(kind, values, document.path, origin)):
                    made.append(name)
        self.families[template.id] = made

    def _add(self, document: Document) -> bool:
        known = self.rules.get(document.id)
        if known is None:
            self.rules[document.id] = document
            return True
        file = known.values.node.file
        line, _ = file.position(known.values.node.start)
        text = f"there is a rule of this id already, in {file.name}:{line}"
        self.report.add(codes.DUPLICATE_ID, document.values.spot("id"), text)
        return False

    # districts

    def confine(self) -> None:
        """Rules in a district's folder see that district only."""
        for name, document in list(self.rules.items()):
            district = folder_of(document.path)
            if not district:
                continue
            if self.districts and district not in self.districts:
                hint = advise(district, self.districts, "the districts are")
                text = f"the file is in the folder of a district `{district}`, and there is none"
                self.report.add(codes.OTHER_DISTRICT, document.values.spot("id"), text, hint)
            origin = msgspec.structs.replace(document.origin, district=district)
            self.rules[name] = msgspec.structs.replace(document, origin=origin)

    def overrides(self, documents: Iterable[Document], registers: Mapping[str, Register]) -> None:
        """Add the variants of all districts, and keep their districts out of the rules that they vary."""
        taken: dict[tuple[str, str], Override] = {}
        for document in documents:
            override = Override(document, self.districts, self.report)
            for base in self._bases(override):
                twin = taken.setdefault((base.id, override.district), override)
                if twin is override:
                    self._vary(override, base, registers)
                else:
                    override.tell_twin(twin)

    def _bases(self, override: Override) -> list[Document]:
        """The rules that an override means; none, and a problem, if there are none or it may not be."""
        if not override.sound():
            return []
        family = self.families.get(override.rule, [override.rule])
        found = [self.rules[name] for name in family if name in self.rules and VARIANT not in name]
        spot = override.values.spot("rule")
        if not found and override.rule not in self.families:
            hint = advise(override.rule, [*(name for name in self.rules if name[:1] != "\0"), *self.families])
            self.report.add(codes.UNKNOWN_BASE, spot, f"there is no rule `{override.rule}`", hint)
        if any(folder_of(one.path) for one in found):
            text = f"`{override.rule}` is a rule of a district itself"
            self.report.add(codes.UNKNOWN_BASE, spot, text, "change it where it stands")
        return [one for one in found if one.values.sound and not one.origin.district]

    def _vary(self, override: Override, base: Document, registers: Mapping[str, Register]) -> None:
        origin = msgspec.structs.replace(
            base.origin, rule=base.id, district=override.district, reason=override.values.get("reason", "")
        )
        before = self.report.faults
        with self.shared.of(self.report, origin):
            values = self.read(base.kind, override.merged(base))
            values.read["id"] = name = f"{base.id}{VARIANT}{override.district}"
            if values.sound and self.report.faults == before:
                override.check(base, values, registers)
        if self.report.faults > before:
            return
        outside = (*base.origin.outside, override.district)
        kept = msgspec.structs.replace(base.origin, rule=base.id, outside=outside)
        self.rules[base.id] = msgspec.structs.replace(base, origin=kept)
        self.rules[name] = Document(base.kind, values, override.path, origin)
        self.families.setdefault(base.id, [base.id]).append(name)
        if base.origin.template:
            self.families[base.origin.template].append(name)

    def name_families(self, others: Iterable[Document] = ()) -> None:
        """Who names a rule, or a template, names its whole family: rules do, and `others`."""
        wide = {name: family for name, family in self.families.items() if family != [name]}
        if not wide:
            return
        for document in (*self.rules.values(), *others):
            read = document.values.read
            for field in ("rule", "steps", "until", "part_of"):
                if field in read:
                    read[field] = _widened(read[field], wide)


def _kind_of(rule: Any) -> str:
    """The kind of a template's rule."""
    if not isinstance(rule, MappingNode):
        return ""  # told where the rule is read
    named = rule.get("kind")
    if named is None:
        hint = "add `kind:`, for example kind: threshold"
        raise Bad(codes.MISSING_FIELD, rule.spot, "the rule of a template does not say its `kind`", hint)
    if not isinstance(named, Scalar) or named.text not in all_kinds():
        hint = advise(named.text if isinstance(named, Scalar) else "", all_kinds())
        raise Bad(codes.UNKNOWN_KIND, named.spot, f"there is no kind of rule {describe(named)}", hint)
    return named.text


def _widened(value: Any, families: Mapping[str, list[str]]) -> Any:
    """The same with the families of the rules that are named."""
    if isinstance(value, tuple):
        return tuple(one for part in value for one in _wide_part(part, families))
    return _wide_selector(value, families) if isinstance(value, SelectorDraft) else value


def _wide_part(part: Any, families: Mapping[str, list[str]]) -> list[Any]:
    if isinstance(part, Passage):
        return [Passage(name, part.node) for name in families.get(part.text, [part.text])]
    if isinstance(part, StepDraft) and part.selector.rules:
        return [msgspec.structs.replace(part, selector=_wide_selector(part.selector, families))]
    return [part]


def _wide_selector(selector: SelectorDraft, families: Mapping[str, list[str]]) -> SelectorDraft:
    return msgspec.structs.replace(selector, rules=_widened(selector.rules, families))
