"""How the structured fields of an indicator are read: `bands` and `top`."""

from __future__ import annotations

import msgspec

from streams.kinds import Field
from streams.kinds.parts.indicators import BANDS_FIELDS, TOP_FIELDS
from streams.rulefile.codes import Report
from streams.rulefile.documents import READERS as DOCUMENT_READERS
from streams.rulefile.fields import read_fields
from streams.rulefile.nodes import Node
from streams.rulefile.scalars import Passage, Told
from streams.vitals import Bands, Top


class TopDraft(msgspec.Struct, frozen=True):
    """A list of the most frequent, as written."""

    by: tuple[Passage, ...]
    k: int

    @property
    def top(self) -> Top:
        """What it says."""
        return Top(tuple(passage.text.strip() for passage in self.by), self.k)


def read_bands(node: Node, field: Field, report: Report) -> Bands:
    """`{amber: 15, red: 30}`."""
    values = read_fields(node, BANDS_FIELDS, DOCUMENT_READERS, report, "`bands`")
    if not values.sound:
        raise Told
    return Bands(values["amber"], values["red"])


def read_top(node: Node, field: Field, report: Report) -> TopDraft:
    """`{by: [type, place.address], k: 10}`."""
    values = read_fields(node, TOP_FIELDS, DOCUMENT_READERS, report, "`top`")
    if not values.sound:
        raise Told
    return TopDraft(values["by"], values.get("k", 10))
