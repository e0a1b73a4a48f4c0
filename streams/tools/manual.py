"""The parts of the manual that follow from the code: tables of fields, problem codes, reasons.

`python -m streams.tools.manual rules/*.md` rewrites what stands between the markers of a page; a test
fails where a page is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from streams.clocks import DAY, show_duration
from streams.kinds import Field, all_kinds
from streams.kinds.parts import indicators
from streams.reasons import (
    SENTENCES,
    DeadReason,
    ExceptionReason,
    Fate,
    HeldReason,
    NotifyReason,
    QuietReason,
    RouteReason,
)
from streams.rulefile import (
    assembling,
    baselining,
    common,
    documents,
    duty,
    exceptions,
    limits,
    macros,
    overrides,
    parameters,
    profiles,
    structures,
    templates,
    tightening,
)
from streams.rulefile.codes import CODES
from streams.rulefile.indicators import FIELDS as INDICATOR_FIELDS
from streams.rulefile.responding import tables as responding
from streams.tools import problempages
from streams.tools.explain.causes import WHY
from streams.tools.testing.words import EPISODE, EVENT, READING, RESPONSE_STEP, RESPONSE_TEST, TEST

BLOCK = re.compile(r"(<!-- made: (?P<name>[a-z_ ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fields_table(fields: Iterable[Field]) -> str:
    """A table of fields: name, what it is, default."""
    rows = ["| field | meaning | default |", "|---|---|---|"]
    for field in fields:
        if field.type == "later":
            continue
        doc = field.doc[0].upper() + field.doc[1:].rstrip(".")
        words = f"{doc}. One of {', '.join(f'`{value}`' for value in field.values)}." if field.values else f"{doc}."
        rows.append(f"| `{field.name}` | {words.replace('|', '/')} | {_default(field)} |")
    return "\n".join(rows) + "\n"


def codes_table() -> str:
    """Every problem code."""
    rows = ["| code | what is wrong | what to do |", "|---|---|---|"]
    rows += [f"| [{code.code}](problems.md#{code.code.lower()}) | {code.title} ({code.gravity.value}) | {code.do} |"
             for code in sorted(CODES.values(), key=lambda code: code.code)]
    return "\n".join(rows) + "\n"


def laws_table(kind: str = "") -> str:
    """What a district may do to each field of a rule."""
    rows = ["| field | in a district it may become |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{name}` | {doc} |" for name, doc in tightening.rows(kind))]) + "\n"


REASONS = (
    (Fate, "What became of a record", "`tocsin_records_total` counts them"),
    (DeadReason, "Why a record became a dead letter", "the dead letter says it: `tocsin tail dlq`"),
    (RouteReason, "Why a rule did not take an event", "`tocsin_not_routed_total` counts them"),
    (ExceptionReason, "What came of a rule's exception",
     "`tocsin_exceptions_total` counts them, by the exception's name"),
    (HeldReason, "Why nothing was sent for a finding",
     "`tocsin_held_back_total` counts them, `tocsin tail audit` lists all but `repeated` and `shadow`"),
    (NotifyReason, "Why somebody was notified", "the notification says it: `tocsin tail notifications`"),
    (QuietReason, "Why nobody was notified of an alert, or not yet",
     "`tocsin tail audit` lists every change"),
)


def reasons_tables() -> str:
    """Every reason of every stage, and where it is seen."""
    tables = []
    for reasons, title, where in REASONS:
        rows = [f"{title} ({where}):", "", "| reason | meaning |", "|---|---|"]
        tables.append("\n".join(rows + [f"| `{reason.value}` | {SENTENCES[reason]} |" for reason in reasons]))
    return "\n\n".join(tables) + "\n"


def why_table() -> str:
    """Every reason that an explanation can give."""
    rows = ["| reason | meaning |", "|---|---|", *(f"| `{reason}` | {meaning} |" for reason, meaning in WHY.items())]
    return "\n".join(rows) + "\n"


def later_list() -> str:
    """Fields and documents that are refused in words until a later version."""
    fields = {field.name: field.doc for field in common.COMMON if field.type == "later"}
    rows = ["| not yet | meaning |", "|---|---|"]
    rows += [f"| `{name}` | {doc[0].upper() + doc[1:]}. |" for name, doc in fields.items()]
    kinds = ", ".join(f"`{name}`" for name in sorted(assembling.LATER))
    return "\n".join(rows) + f"\n\nDocuments of these kinds are ignored, and `tocsin check` says so: {kinds}.\n"


def _default(field: Field) -> str:
    value = field.default
    if field.required:
        return "required"
    if value in (None, "", (), {}) or hasattr(value, "__struct_fields__"):
        return ""
    if field.type.startswith("duration") and isinstance(value, int):
        return f"`{value // DAY}d`" if value and value % DAY == 0 else f"`{show_duration(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def parts() -> dict[str, Callable[[], str]]:
    """What can stand between markers, by name."""
    own = {f"kind {name}": lambda kind=kind: fields_table(kind.FIELDS)
           for name, kind in all_kinds().items() if kind.FIELDS}
    return {
        **own,
        "common": lambda: fields_table(common.COMMON),
        "window": lambda: fields_table(structures.WINDOW_FIELDS),
        "step": lambda: fields_table(structures.STEP_FIELDS),
        "expect": lambda: fields_table(structures.EXPECT_FIELDS),
        "alert": lambda: fields_table(structures.ALERT_FIELDS),
        "dispatch": lambda: fields_table(structures.DISPATCH_FIELDS),
        "city": lambda: fields_table(documents.CITY_FIELDS),
        "districts": lambda: fields_table(documents.DISTRICTS_FIELDS),
        "event_type": lambda: fields_table(documents.EVENT_TYPE_FIELDS),
        "field": lambda: fields_table(documents.FIELD_FIELDS),
        "source": lambda: fields_table(documents.SOURCE_FIELDS),
        "event": lambda: fields_table(documents.MAPPING_FIELDS),
        "time": lambda: fields_table(documents.TIME_FIELDS),
        "place": lambda: fields_table(documents.PLACE_FIELDS),
        "register": lambda: fields_table(documents.REGISTER_FIELDS),
        "list": lambda: fields_table(documents.LIST_FIELDS),
        "macro": lambda: fields_table(macros.MACRO_FIELDS),
        "template": lambda: fields_table(templates.TEMPLATE_FIELDS),
        "parameter": lambda: fields_table(parameters.PARAMETER_FIELDS),
        "indicator": lambda: fields_table(INDICATOR_FIELDS),
        "bands": lambda: fields_table(indicators.BANDS_FIELDS),
        "top": lambda: fields_table(indicators.TOP_FIELDS),
        "of": lambda: fields_table(indicators.OF_FIELDS),
        "override": lambda: fields_table(overrides.OVERRIDE_FIELDS),
        **{name: partial(fields_table, fields) for name, fields in responding.TABLES.items()},
        "channel": lambda: fields_table(responding.CHANNEL_FIELDS),
        "interval": lambda: fields_table(responding.INTERVAL_FIELDS),
        "escalation step": lambda: fields_table(responding.STEP_FIELDS),
        "owner": lambda: fields_table(responding.OWNER_FIELDS),
        "laws": laws_table,
        "laws of indicators": lambda: laws_table(indicators.NAME),
        "schedule": lambda: fields_table(duty.FIELDS),
        "exception": lambda: fields_table(exceptions.FIELDS),
        "limit": lambda: fields_table(limits.FIELDS),
        "baseline": lambda: fields_table(baselining.FIELDS),
        "rarity": lambda: fields_table(baselining.RARITY_FIELDS),
        "trend": lambda: fields_table(baselining.TREND_FIELDS),
        "learnt": lambda: fields_table(profiles.FIELDS),
        "test": lambda: fields_table(TEST),
        "response test": lambda: fields_table(RESPONSE_TEST),
        "response step": lambda: fields_table(RESPONSE_STEP),
        "test event": lambda: fields_table(EVENT),
        "test episode": lambda: fields_table(EPISODE),
        "test reading": lambda: fields_table(READING),
        "codes": codes_table,
        "reasons": reasons_tables,
        "why": why_table,
        "later": later_list,
    }


def rewritten(text: str) -> str:
    """The page with every marked part as the code has it; KeyError for a part that is none."""
    made = {**parts(), "problems": problempages.pages}
    return BLOCK.sub(lambda found: found[1] + made[found["name"]]() + found[3], text)


def main(paths: Iterable[str]) -> None:
    """Rewrite pages in place."""
    for path in map(Path, paths):
        path.write_text(rewritten(path.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
