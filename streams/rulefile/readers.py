"""How each type of field in a rule is read: the simple ones, the structured ones, those of documents, all together."""

from __future__ import annotations

from streams.rulefile import documents, parameters
from streams.rulefile.bands import read_bands, read_registered, read_top
from streams.rulefile.baselining import read_baseline
from streams.rulefile.duty import read_schedule
from streams.rulefile.exceptions import read_exceptions
from streams.rulefile.limits import read_limit
from streams.rulefile.profiles import READERS as PROFILE_READERS
from streams.rulefile.responding.tables import READERS as RESPONSE_READERS
from streams.rulefile.scalars import Reader, read_distance
from streams.rulefile.templates import read_instances

READERS: dict[str, Reader] = {
    **documents.READERS,
    **parameters.READERS,
    **RESPONSE_READERS,
    **PROFILE_READERS,
    "instances": read_instances,
    "schedule": read_schedule,
    "exceptions": read_exceptions,
    "limit": read_limit,
    "baseline": read_baseline,
    "distance": read_distance,
    "bands": read_bands,
    "top": read_top,
    "registered": read_registered,
}
