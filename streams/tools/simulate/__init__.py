"""`simulate`: a deterministic day of a made-up city, for the demo, load tests and detection tests.

The same seed gives the same bytes. `simulate` gives the records in the order of arrival, `write`
puts them into one file a source beside `truth.json`, which says what the rules must find.
"""

from __future__ import annotations

from streams.tools.simulate.day import Outage, Record, Span, arrivals, simulate, span
from streams.tools.simulate.files import Summary, truth, write
from streams.tools.simulate.planted import COMPLETE
from streams.tools.simulate.stage import Incident

__all__ = [
    "COMPLETE",
    "Incident",
    "Outage",
    "Record",
    "Span",
    "Summary",
    "arrivals",
    "simulate",
    "span",
    "truth",
    "write",
]
