"""From all files to the bundle: which document is what, in which order they are understood."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from streams.kinds import Field, all_kinds
from streams.problems import Gravity, Problem
from streams.rulefile import codes, documents, indicators
from streams.rulefile.advice import Adviser
from streams.rulefile.advice.unused import tell_unused
from streams.rulefile.areas import read_areas
from streams.rulefile.building import Builder
from streams.rulefile.codes import Report
from streams.rulefile.common import called, fields_of, foreign_to
from streams.rulefile.deriving import Deriver
from streams.rulefile.drafts import Document, RuleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import Values, read_fields
from streams.rulefile.folder import is_read, pages_of
from streams.rulefile.macros import MACRO_FIELDS, Macros
from streams.rulefile.nodes import Mapping as MappingNode
from streams.rulefile.nodes import Node, Scalar, describe
from streams.rulefile.ordering import observed, ordered
from streams.rulefile.overrides import OVERRIDE_FIELDS
from streams.rulefile.profiles import FIELDS as PROFILE_FIELDS
from streams.rulefile.profiles import Profiles
from streams.rulefile.readers import READERS as RULE_READERS
from streams.rulefile.reading import decode
from streams.rulefile.reading import documents as documents_of
from streams.rulefile.registers import Beside, check_registers, read_list, read_register
from streams.rulefile.responding import tables as responding
from streams.rulefile.responding.understanding import Responding
from streams.rulefile.scalars import Bad, advise
from streams.rulefile.selection import Selection
from streams.rulefile.silence import PREFIX, silence_rule
from streams.rulefile.snoozes import Snoozed, put_off
from streams.rulefile.sources import SourceReader
from streams.rulefile.spots import FileText
from streams.rulefile.templates import TEMPLATE_FIELDS
from streams.rules import Bundle, City, Register, Rule, Source
from streams.specs import Written

T = TypeVar("T")
LATER = frozenset(("place",))
TABLES = {
    "city": documents.CITY_FIELDS,
    "event_type": documents.EVENT_TYPE_FIELDS,
    "source": documents.SOURCE_FIELDS,
    "register": documents.REGISTER_FIELDS,
    "list": documents.LIST_FIELDS,
    "macro": MACRO_FIELDS,
    "template": TEMPLATE_FIELDS,
    "override": OVERRIDE_FIELDS,
    indicators.KIND.NAME: indicators.FIELDS,
    "baseline": PROFILE_FIELDS,
    **responding.TABLES,
}
TEST_FIELDS = (
    Field("kind", "string", "tests", values=("tests",)),
    Field("rule", "id", "the rule; by default what the file is named after"),
    Field("tests", "tests", "timelines with the findings they must give", required=True),
)
TEST_SUFFIX = ".test.yaml"
ONE_ALONE = ("city", "response")
"""Kinds of which there is but one document."""


class Assembler:
    """Reads all files. `root` stands before the names of files in problems; `today` is a day from 1970-01-01."""

    def __init__(self, files: Mapping[str, bytes], root: str, today: int | None = None) -> None:
        self.files, self.root = files, root
        self.report = Report(today)
        self.documents: dict[str, dict[str, Document]] = {}
        self.tests: list[Document] = []
        self.texts: list[FileText] = []
        self.snoozed: list[Snoozed] = []
        self.broken: list[str] = []
        self.beside: dict[str, tuple[Written, ...]] = {}
        self.derived: Deriver
        self.signs: Deriver
        self.names: Names
        self.sources: dict[str, Source]
        self.city: City

    def assemble(self) -> tuple[Bundle | None, list[Problem]]:
        """The bundle, if nothing stops it, and everything there is to say."""
        for path in sorted(self.files):
            if path.endswith(".yaml"):
                self._file(path)
            elif path.endswith(".yml"):
                self.report.add(
                    codes.OTHER_SUFFIX,
                    FileText(f"{self.root}{path}", "").spot(0),
                    "only files called *.yaml are read",
                    "rename the file",
                )
        bundle = self._understand()
        self.snoozed = put_off(self.texts, self.report, complete=not self.report.faults)
        return (None if self.report.faults else bundle), sorted(self.report.problems)

    # files to documents

    def _file(self, path: str) -> None:
        file = decode(f"{self.root}{path}", self.files[path], self.report)
        if file is None:
            return
        self.texts.append(file)
        before = len(self.report.problems)
        for node in documents_of(file, self.report):
            self._document(node, path)
        if any(problem.gravity is Gravity.FATAL for problem in self.report.problems[before:]):
            self.broken.append(file.text)

    def _document(self, node: Node, path: str) -> None:
        try:
            if path.endswith(TEST_SUFFIX):
                values = read_fields(node, TEST_FIELDS, RULE_READERS, self.report, "a file of tests")
                self.tests.append(Document("tests", values, path))
                return
            kind = self._kind(node)
            if kind is not None:
                self._keep(Document(kind, self._values(kind, node), path))
        except Bad as bad:
            bad.tell(self.report)

    def _kind(self, node: Node) -> str | None:
        """The kind of a document that is to be read."""
        if not isinstance(node, MappingNode):
            raise Bad(codes.NOT_A_MAPPING, node.spot, f"a document is a mapping, and this is {describe(node)}")
        named = node.get("kind")
        if named is None:
            raise Bad(
                codes.MISSING_FIELD,
                node.spot,
                "the document does not say its `kind`",
                "begin it with `kind:`, for example kind: threshold",
            )
        if not isinstance(named, Scalar):
            raise Bad(codes.WRONG_TYPE, named.spot, f"{describe(named)} stands where a kind belongs")
        kind = named.text
        if kind in TABLES or kind in all_kinds():
            return kind
        if kind in LATER:
            raise Bad(codes.READ_LATER, named.spot, f"documents of kind `{kind}` are not read yet and are ignored")
        raise Bad(
            codes.UNKNOWN_KIND,
            named.spot,
            f"there is no kind {describe(named)}",
            advise(kind, (*TABLES, *all_kinds(), *LATER)),
        )

    def _values(self, kind: str, node: Node) -> Values:
        if kind in TABLES:
            foreign = indicators.FOREIGN if kind == indicators.KIND.NAME else None
            return read_fields(node, TABLES[kind], RULE_READERS, self.report, called(kind), foreign)
        return read_fields(
            node, fields_of(kind), RULE_READERS, self.report, f"{called(kind)} rule", foreign_to(kind)
        )

    def _keep(self, document: Document) -> None:
        """File a document under what it is; two of one id are one too many."""
        shelf = document.kind if document.kind in TABLES else "rule"
        known = self.documents.setdefault(shelf, {})
        name = shelf if shelf in ONE_ALONE else document.id
        if name and name not in known:
            known[name] = document
        elif name:
            self._twice(document, shelf, known[name])
        if shelf == "rule" and known.get(name) is not document:
            known[f"\0{len(known)}"] = document  # it can be no rule, but its other mistakes are told too
            document.values.sound = False
        if shelf == "rule" and name.startswith(PREFIX):
            text = f"`{PREFIX}` begins the rules that sources bring along"
            self.report.add(codes.BAD_ID, document.values.spot("id"), text, "choose another id")

    def _twice(self, document: Document, shelf: str, first: Document) -> None:
        what = called(shelf) if shelf in ONE_ALONE else f"{called(shelf)} `{document.id}`"
        file = first.values.node.file
        line, _ = file.position(first.values.node.start)
        text = f"there is {what} already, in {file.name}:{line}"
        self.report.add(codes.DUPLICATE_ID, document.values.spot("id"), text)

    def _all(self, shelf: str) -> Iterable[Document]:
        return self.documents.get(shelf, {}).values()

    # documents to the bundle

    def _understand(self) -> Bundle:
        town = next(iter(self._all("city")), None)
        about = None if town is None else (town.values, town.path)
        areas = read_areas(self.files, self.root, about, self.report)
        drawn = areas.districts.names if areas.districts is not None else ()
        city = City() if town is None else documents.read_city(town.values, drawn)
        beside = Beside(self.files, self.root, self.report)
        event_types = {one.id: documents.read_event_type(one.values) for one in self._all("event_type")}
        registers = self._each("register", lambda one: read_register(one.values, one.path, beside, self.report))
        lists = self._each("list", lambda one: read_list(one.values, one.path, beside, self.report))
        check_registers([(event_types[one.id], one.values) for one in self._all("event_type")], registers, self.report)
        self._derive(city, registers)
        macros = Macros([one.values for one in self._all("macro")], self.report)
        names = Names(event_types, registers, lists, city.zone, areas.zones, macros.definitions, areas.districts)
        expressions = Expressions(self.report)
        reader = SourceReader(names, expressions, city, self.report)
        read = self._each("source", lambda one: reader.read(one.values))
        sources = {name: source for name, source in read.items() if source is not None}
        self.names, self.sources, self.city = names, sources, city
        rules = self._rules(names, expressions, sources)
        signs = self._indicators(names, expressions, sources, rules)
        policy = Responding(self._all, names, expressions, city, rules, self.report).policy()
        called = names.called()
        macros.check_unused(names, called, any(one.values.get("open") for one in self._all("source")))
        if not self.report.faults:
            texts = [file.text for file in self.texts]
            tell_unused(self._all, texts, called, [*rules.values(), *signs.values()], sources, self.report)
            rules |= self._silences(names, sources, expressions)
        return Bundle(
            identity(self.files), city, event_types, sources, registers, lists, rules, areas.zones, areas.districts,
            signs, policy, {one.id: one.values.get("tests", ()) for one in self._all("response_test")},
        )

    def _derive(self, city: City, registers: Mapping[str, Register]) -> None:
        """The rules that other documents make."""
        rules = self.documents.setdefault("rule", {})
        self.derived = Deriver(rules, self._values, city.districts, self.report)
        self.derived.templates(self._all("template"), registers)
        self.derived.confine()
        signs = self.documents.setdefault("indicator", {})
        self.signs = Deriver(signs, self._values, city.districts, self.report)
        self.signs.confine()
        changes = list(self._all("override"))
        self.signs.overrides([one for one in changes if one.values.get("rule") in signs], registers)
        self.derived.overrides([one for one in changes if one.values.get("rule") not in signs], registers)
        self.derived.name_families(self._all("indicator"))

    def _each(self, shelf: str, read: Callable[[Document], T]) -> dict[str, T]:
        return {one.id: read(one) for one in self._all(shelf)}

    def again(
        self, only: Container[str], registers: Mapping[str, Register], lists: Mapping[str, tuple[Any, ...]]
    ) -> tuple[dict[str, Rule], list[Problem]]:
        """Some of the rules that were assembled, over other registers and lists; and what is wrong with that."""
        kept, self.report = self.report, Report()
        try:
            names = self.names.over(registers, lists)
            return self._rules(names, Expressions(self.report), self.sources, only), self.report.problems
        finally:
            self.report = kept

    def _rules(
        self,
        names: Names,
        expressions: Expressions,
        sources: Mapping[str, Source],
        only: Container[str] | None = None,
    ) -> dict[str, Rule]:
        selection = Selection(names.event_types, sources, self.report, "\n".join(self.broken), self._unsure(sources))
        documents = [one for one in self._all("rule") if only is None or one.id in only]
        drafts = [RuleDraft(all_kinds()[one.kind], one.values, one.path, one.origin) for one in documents]
        profiles = Profiles(self._all("baseline"), self.report)
        builder = Builder(names, selection, expressions, self.report, observed([*drafts, *self._signs()]), profiles)
        rules: dict[str, Rule] = {}
        adviser = Adviser(names.event_types, sources, self.report, self.city, pages_of(self.files))
        tests = self.beside = self._tests()
        for draft in ordered(drafts, self.report):
            with self.derived.shared.of(self.report, draft.origin):
                rule = builder.build(draft)
                if rule is not None:
                    rule = msgspec.structs.replace(rule, tests=(*rule.tests, *tests.get(rule.id, ())))
                    rules[rule.id] = rule
                    adviser.advise(draft, rule)
        if only is None:
            adviser.compare(self.derived.shared)
            profiles.tell_unused(rules)
        self.derived.shared.tell(self.report)
        return rules

    def _indicators(
        self, names: Names, expressions: Expressions, sources: Mapping[str, Source], rules: Mapping[str, Rule]
    ) -> dict[str, Rule]:
        """The vital signs."""
        selection = Selection(names.event_types, sources, self.report, "\n".join(self.broken), self._unsure(sources))
        builder = Builder(names, selection, expressions, self.report)
        builder.rules.update(rules)
        maker = indicators.Indicators(builder, self.documents["rule"], self.signs.shared, self.report)
        made = maker.build(self._signs())
        return {
            name: msgspec.structs.replace(sign, tests=(*sign.tests, *self.beside.get(name, ())))
            for name, sign in made.items()
        }

    def _signs(self) -> list[RuleDraft]:
        return [RuleDraft(indicators.KIND, one.values, one.path, one.origin) for one in self._all("indicator")]

    def _unsure(self, sources: Mapping[str, Source]) -> bool:
        """Whether an open source could not be read."""
        return any(one.id not in sources and one.values.get("open") for one in self._all("source"))

    def _tests(self) -> dict[str, tuple[Written, ...]]:
        """The tests that stand in files of their own, by rule."""
        families = self.derived.families
        known = [*(one.id for one in (*self._all("rule"), *self._all("indicator")) if one.id), *families]
        found: dict[str, tuple[Written, ...]] = {}
        for one in self.tests:
            rule = one.values.get("rule", one.path.rpartition("/")[2].removesuffix(TEST_SUFFIX))
            if rule not in known:
                self.report.add(
                    codes.UNKNOWN_RULE,
                    one.values.spot("rule"),
                    f"there is no rule `{rule}`",
                    advise(rule, known),
                )
            for name in families.get(rule, [rule]) if rule not in self.documents["rule"] else [rule]:
                found[name] = (*found.get(name, ()), *one.values.get("tests", ()))
        return found

    def _silences(self, names: Names, sources: Mapping[str, Source], expressions: Expressions) -> dict[str, Rule]:
        """The rules that watch over the sources themselves."""
        lines = {
            one.id: (one.path, one.values.node.file.position(one.values.node.start)[0]) for one in self._all("source")
        }
        found = {source.id: silence_rule(source, names, sources, expressions) for source in sources.values()}
        return {
            rule.id: msgspec.structs.replace(rule, file=lines[name][0], line=lines[name][1])
            for name, rule in found.items()
            if rule is not None
        }


def identity(files: Mapping[str, bytes]) -> str:
    """The hash of the names and texts of all files that are read."""
    whole = sha256()
    for path in sorted(filter(is_read, files)):
        whole.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return whole.hexdigest()[:16]
