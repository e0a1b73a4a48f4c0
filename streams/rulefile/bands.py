"""How the structured fields of an indicator are read: `bands`, `top` and `of`."""

from __future__ import annotations

import msgspec

from streams.kinds import Field
from streams.kinds.parts.indicators import BANDS_FIELDS, OF_FIELDS, TOP_FIELDS
from streams.rulefile import codes, scalars
from streams.rulefile.baselining import SIDES, read_rarity
from streams.rulefile.codes import Report
from streams.rulefile.documents import READERS as DOCUMENT_READERS
from streams.rulefile.fields import read_fields
from streams.rulefile.nodes import Mapping, Node
from streams.rulefile.scalars import Bad, Passage, Reader, Told, advise
from streams.specs import Registered
from streams.vitals import Bands, Mark, Top


class TopDraft(msgspec.Struct, frozen=True):
    """A list of the most frequent, as written."""

    by: tuple[Passage, ...]
    k: int

    @property
    def top(self) -> Top:
        """What it says."""
        return Top(tuple(passage.text.strip() for passage in self.by), self.k)


def read_bands(node: Node, field: Field, report: Report) -> Bands:
    """`{amber: 15, red: 30}`, or `{amber: {above: {recurrence: 30d}}, red: {above: {recurrence: 365d}}}`."""
    values = read_fields(node, BANDS_FIELDS, READERS, report, "`bands`")
    if not values.sound:
        raise Told
    return Bands(values["amber"], values["red"])


def read_mark(node: Node, field: Field, report: Report) -> Mark:
    """`15`, or how rare a value must be: `{above: {recurrence: 30d}}`."""
    if not isinstance(node, Mapping):
        return scalars.read_number(node, field, report)
    if len(node.pairs) != 1:
        text = f"`{field.name}` begins at one mark"
        raise Bad(codes.BAD_BANDS, node.spot, text, "write for example {above: {p: 0.01}}")
    ((side, (key, value)),) = node.pairs.items()
    if side not in SIDES:
        raise Bad(codes.BAD_BANDS, key.spot, f"there is no side `{side}` of a baseline", advise(side, SIDES))
    return read_rarity(side, value, report)


READERS: dict[str, Reader] = {**DOCUMENT_READERS, "mark": read_mark}


def read_registered(node: Node, field: Field, report: Report) -> Registered:
    """`{register: sensors, within: report_interval, grace: 15m}`."""
    values = read_fields(node, OF_FIELDS, DOCUMENT_READERS, report, "`of`")
    if not values.sound:
        raise Told
    by = values.get("by")
    return Registered(values["register"], "" if by is None else by.text, values["within"], values.get("grace", 0))


def read_top(node: Node, field: Field, report: Report) -> TopDraft:
    """`{by: [type, place.address], k: 10}`."""
    values = read_fields(node, TOP_FIELDS, DOCUMENT_READERS, report, "`top`")
    if not values.sound:
        raise Told
    return TopDraft(values["by"], values.get("k", 10))
