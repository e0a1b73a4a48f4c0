"""The rule that a source brings along: its own silence is a finding, as if an author had written it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from streams.clocks import show_duration
from streams.kinds import all_kinds
from streams.rulefile.building import Builder
from streams.rulefile.codes import Report
from streams.rulefile.common import fields_of
from streams.rulefile.drafts import RuleDraft
from streams.rulefile.expressions import Expressions, Names
from streams.rulefile.fields import read_fields
from streams.rulefile.reading import documents
from streams.rulefile.scalars import LONGEST
from streams.rulefile.selection import Selection, branch_of, fits
from streams.rulefile.spots import FileText
from streams.rulefile.structures import READERS
from streams.rules import SILENCE_OF, Rule, Source

PREFIX = SILENCE_OF
TEMPLATE = """\
kind: absence
id: {prefix}{id}
title: {title}
event: {branch}
where: {where}
by: source
every: {silence}
forget_after: {forget}
severity: moderate
owner: city
alert:
  title: {title}
  summary: "Nothing since {{{{ since }}}}; something at least every {silence} is normal. What it tells of is unknown."
"""


def silence_rule(source: Source, names: Names, sources: Mapping[str, Source], expressions: Expressions) -> Rule | None:
    """The rule; None if the source does not want one or no event of it would be accepted."""
    branch = branch_of(*source.mapping.type.prefix)
    known = source.open or any(fits(branch, name) for name in names.event_types)
    if source.silence is None or not known:
        return None
    report = Report()
    file = FileText(
        f"(source {source.id})",
        TEMPLATE.format(
            prefix=PREFIX,
            id=source.id,
            title=json.dumps(f"Source {source.title or source.id} is silent"),
            branch=json.dumps(branch),
            where=json.dumps(f"source == {json.dumps(source.id)}"),
            silence=show_duration(source.silence),
            forget=show_duration(LONGEST),  # as long as it stands in the files, somebody must know that it is silent
        ),
    )
    (node,) = documents(file, report)
    values = read_fields(node, fields_of("absence"), READERS, report, "an absence rule")
    builder = Builder(names, Selection(names.event_types, sources, report), expressions.reporting(report), report)
    rule = builder.build(RuleDraft(all_kinds()["absence"], values, ""))
    assert rule is not None, [problem.render() for problem in report.problems]
    placeless = {path: one for path, one in rule.facts.items() if path.partition(".")[0] != "place"}
    return msgspec.structs.replace(rule, facts=placeless)  # where its last event was says nothing of a whole feed
