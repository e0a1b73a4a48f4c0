"""The parts of the manual that follow from the code: tables of fields, problem codes, reasons.

`python -m streams.tools.manual rules/README.md` rewrites what stands between the markers of a page; a test
fails where a page is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from streams.clocks import show_duration
from streams.kinds import Field, all_kinds
from streams.reasons import SENTENCES
from streams.rulefile import common, documents
from streams.rulefile.codes import CODES

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
    rows += [f"| {code.code} | {code.title} ({code.gravity.value}) | {code.do} |" for code in
             sorted(CODES.values(), key=lambda code: code.code)]
    return "\n".join(rows) + "\n"


def reasons_table() -> str:
    """Every reason of every stage."""
    rows = ["| reason | meaning |", "|---|---|"]
    rows += [f"| `{reason}` | {sentence} |" for reason, sentence in SENTENCES.items()]
    return "\n".join(rows) + "\n"


def _default(field: Field) -> str:
    if field.required:
        return "required"
    if field.default in (None, "", (), {}) or hasattr(field.default, "__struct_fields__"):
        return ""
    if field.default == 0 and field.type.startswith("duration"):
        return "0s"
    if field.type.startswith("duration") and isinstance(field.default, int):
        return f"`{show_duration(field.default)}`"
    return f"`{str(field.default).lower()}`"


def _parts() -> dict[str, Callable[[], str]]:
    own = {f"kind {name}": lambda kind=kind: fields_table(kind.FIELDS) or "" for name, kind in all_kinds().items()}
    return {
        **own,
        "common": lambda: fields_table(common.COMMON),
        "city": lambda: fields_table(documents.CITY_FIELDS),
        "event_type": lambda: fields_table(documents.EVENT_TYPE_FIELDS),
        "field": lambda: fields_table(documents.FIELD_FIELDS),
        "source": lambda: fields_table(documents.SOURCE_FIELDS),
        "register": lambda: fields_table(documents.REGISTER_FIELDS),
        "list": lambda: fields_table(documents.LIST_FIELDS),
        "codes": codes_table,
        "reasons": reasons_table,
    }


def rewritten(text: str) -> str:
    """The page with every marked part as the code has it; KeyError for a part that is none."""
    parts = _parts()
    return BLOCK.sub(lambda found: found[1] + parts[found["name"]]() + found[3], text)


def main(paths: Iterable[str]) -> None:
    """Rewrite pages in place."""
    for path in map(Path, paths):
        path.write_text(rewritten(path.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
