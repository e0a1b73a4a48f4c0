"""Documents of the kind `indicator`: a vital sign, measured every period, published and not alarmed.

For each key and at the end of each period (`every`, counted from local midnight) the measure is taken over the
`window` that ends there: from its beginning, which belongs to it, to its end, which does not. That is a *reading*. It
is told once the clock has passed the end of the period, and told again (with a higher `sequence`) if an event that
comes late changes it.

Its status follows from `bands`: with `good: low` a value of at least `amber` is amber and of at least `red` is red,
with `good: high` one of at most that. It becomes better only when the value has left the band by `recovery`, and
changes at all only after `hold` readings in a row on that side. A measure of no events is 0 for count, distinct and
sum; any other measure, or one of fewer than `min_events`, has no value: the status is then `unknown`, at once.

Readings begin with the first event of a key. A window without events is told once; the next reading comes with the
next event, and the status begins afresh. While a source that the indicator reads is silent (its `silence` is a finding)
the status is `unknown`.

With a `baseline` readings carry what is usual at such an hour: what was expected, and the range in which nine of ten
values lie (`streams/kinds/parts/comparing.py`). `bands` may then say how rare a value must be to be amber or red.

With `rule` in place of `event` it measures the findings of rules: each is an event of the moment at which it opened,
with `value`, `count` and `closed` among its fields. With `open` it counts those that are open at the end of the
period; they are followed for as long as the `window` looks back, a week at most.

With `of` it measures which of the things that a register lists were heard of in time: each row says how often it
reports, and the value is the share of those that did, at the end of the period. A thing that was never heard of
counts as silent, one that the register does not list does not count. What is known of them begins with the first
event of a key, so there is no value before the longest of their times has passed since then. Key parts are columns of
the register: `place.district` is `district`, or the district of the row's place.

`top` gives a list in place of a value: the `k` most frequent combinations of its parts within the window,
each with how often it came, how often within the window before and its place then; with a `baseline` also how often
it usually comes. An event that lacks a part is not counted. Such a list has no status.

Roll-ups: of each district, and of the city, the status is the worst of what counts there. A red one counts 2 and an
amber one 1, times `weight`, rounded half up: 2 is red, 1 amber. What is unknown is counted apart; only where nothing
else is there the roll-up is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from streams.clocks import DAY, MINUTE, WEEK
from streams.judging.episodes import HoldOptions
from streams.judging.windows import contradictions
from streams.kinds import Detector, Field
from streams.kinds.parts.comparing import COUNTED, MEASURED
from streams.kinds.parts.readings import Frequent, Indicator, Lasting
from streams.specs import Learning, Measure, Window
from streams.unusual.baselines import SEASONS
from streams.vitals import CITY, LOW, NONE, ROLLUPS, Bands, Vital

NAME = "indicator"
FIELDS = (
    Field("every", "duration", "how often it is measured; periods are counted from local midnight", required=True),
    Field("window", "duration", "how far each measurement looks back; `every` if not given"),
    Field("measure", "measure", "what is measured: `count`, or one of the measures of a threshold", default=Measure()),
    Field("min_events", "integer", "with fewer events in the window there is no value", default=0),
    Field("good", "string", "which values are good", default=LOW, values=("low", "high")),
    Field("bands", "bands", "where amber and red begin: {amber: 15, red: 30}", required=True, instead="top"),
    Field("recovery", "number", "how far beyond a band the value must be before the status gets better", default=0),
    Field("hold", "positive", "of how many readings in a row another status must be before it is taken", default=1),
    Field("top", "top", "a list in place of a value: the most frequent, {by: [type, place.address], k: 10}"),
    Field("open", "boolean", "with `rule`: how many of the findings are open at the end of the period", default=False),
    Field("of", "registered", "in place of `measure`: the share of a register's rows that were heard of in time: "
          "{register: sensors, within: report_interval, grace: 15m}"),
    Field("baseline", "baseline", "what is usual: {season, memory, holidays, min_samples}; readings carry its band"),
)
ABOUT_FIELDS = (  # they decide nothing that is measured
    Field("unit", "string", "the unit of the value", default=""),
    Field("weight", "number", "how much it counts in roll-ups, from 0 to 1", default=1),
    Field("rollup", "string", "how far up its status counts", default="city", values=ROLLUPS),
)
BANDS_FIELDS = (
    Field("amber", "mark", "from where on it is amber: a value, or how rare against the baseline: "
          "{above: {recurrence: 30d}}", required=True),
    Field("red", "mark", "from where on it is red", required=True),
)
TOP_FIELDS = (
    Field("by", "texts", "the parts that make two events the same: fields, `type`, `place.address`", required=True),
    Field("k", "positive", "how long the list is", default=10),
)
OF_FIELDS = (
    Field("register", "string", "what there is", required=True),
    Field("within", "string", "the column of the register that says how often each reports", required=True),
    Field("grace", "duration", "how much later is still in time", default=0),
    Field("by", "cel", "the field of the events that names the row; if not given the one called as the register's key"),
)
PERIODS_AT_MOST = 10_000  # of a window
COMMONEST = 0.05  # what comes in one period of twenty is nothing unusual
SIDE_OF = {"low": "above", "high": "below"}
ADD_BASELINE = "add it: baseline: {season: hour_of_week, memory: 8w}"
Problem: TypeAlias = tuple[str, str, str]


def problems(spec: Mapping[str, Any]) -> list[Problem]:
    """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""
    every = spec.get("every")
    if every is None:
        return []
    window = spec.get("window") or every
    found = [(_blamed(text), text.replace("`hop`", "`every`").replace("`size`", "`window`"),
              hint.replace("hop", "every").replace("size", "window"))
             for text, hint in contradictions(Window("hopping", size=window, hop=every))]
    if every and window // every > PERIODS_AT_MOST:
        found.append(("window", f"the window holds {window // every} periods", "measure less often"))
    return [*found, *_doubts(spec)]


def _blamed(text: str) -> str:
    return "every" if text.startswith("`hop`") else "window"


def _doubts(spec: Mapping[str, Any]) -> list[Problem]:
    found = []
    bands, good, window = spec.get("bands"), spec.get("good", LOW), spec.get("window") or spec["every"]
    if isinstance(bands, Bands):
        found += list(_band_doubts(bands, good, spec))
    idle = [name for name in ("bands", "recovery", "min_events") if spec.get("top") is not None and spec.get(name)]
    found += [(name, f"`{name}` says nothing of a list: `top` has no status", f"remove `{name}`") for name in idle]
    if spec.get("top") is not None and spec.get("measure", Measure()) != Measure():
        found.append(("measure", "`top` counts and measures nothing else", "remove `measure`"))
    idle = [name for name in ("top", "min_events", "measure") if spec.get(name) not in (None, 0, Measure())]
    found += [("open", f"`open` counts, and `{name}` says something else", f"remove `{name}`")
              for name in idle if spec.get("open")]
    if spec.get("of") is not None:
        idle += [name for name in ("open", "window") if spec.get(name)]
        found += [("of", f"`of` measures, and `{name}` says something else", f"remove `{name}`") for name in idle]
    if spec.get("open") and window > WEEK:
        found.append(("open", "a finding is followed for a week, and the window is longer", "look back 1w at most"))
    if (spec.get("measure") or Measure()).name == "deviation":
        found.append(("measure", "`deviation` is of a circle, and an indicator has none", "measure something else"))
    below = [name for name in ("recovery", "min_events") if spec.get(name, 0) < 0]
    found += [(name, f"`{name}` is negative", "write 0 or more") for name in below]
    return [*found, *_misfits(spec)] if isinstance(spec.get("baseline"), Learning) else found


def _band_doubts(bands: Bands, good: str, spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Bands that are the wrong way round, or stand in a baseline that is not there."""
    rare, every = bands.rarities, spec["every"]
    if not rare:
        if bands.good not in (None, good):
            amber, red = bands.marks()
            text = f"with `good: {good}` amber begins before red, and {amber:g} and {red:g} are the other way round"
            yield "bands", text, f"write good: {bands.good}, or exchange the two"
        return
    if spec.get("baseline") is None:
        yield "bands", "how rare a value is follows from a `baseline`, and there is none", ADD_BASELINE
    if any(mark.side != SIDE_OF[good] for mark in rare):
        text = f"with `good: {good}` what is bad lies {SIDE_OF[good]} the baseline"
        yield "bands", text, f"write {SIDE_OF[good]}, or another `good`"
    elif len(rare) == 2 and rare[0].bound(every) < rare[1].bound(every):
        yield "bands", "amber is rarer than red: red would begin first", "exchange the two"
    if any(mark.bound(every) > COMMONEST for mark in rare):
        often = round(1 / max(mark.bound(every) for mark in rare))
        yield "bands", f"one period in {max(1, often)} would be amber, which is nothing unusual", "allow fewer"


def _misfits(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What does not go with a baseline."""
    every, measure, learning = spec["every"], spec.get("measure") or Measure(), spec["baseline"]
    if not every or DAY % every or every < MINUTE:
        yield "baseline", "a baseline is learnt of periods that fill a day", "write for example every: 15m"
    elif SEASONS[learning.season] and every > SEASONS[learning.season] // 2:
        yield "baseline", "a day has no hours where a period is a day", "write season: hour_of_week, or none"
    if measure.name not in (*COUNTED, *MEASURED):
        yield "baseline", f"`{measure.name}` has no baseline", "measure a count or a value"
    if measure.name in COUNTED and spec.get("min_events"):
        yield "baseline", "with `min_events` few events are no count at all, and what is usual would be too high", (
            "remove `min_events`")


def vital_of(spec: Mapping[str, Any], about: Mapping[str, Any], description: str = "") -> Vital:
    """What makes an indicator of the measure, from its fields and those `about` it."""
    every, top = spec["every"], spec.get("top")
    return Vital(every, spec.get("window") or every, spec.get("bands"), spec.get("good", LOW), about.get("unit", ""),
                 spec.get("recovery", 0), spec.get("hold", 1), about.get("weight", 1),
                 NONE if top is not None else about.get("rollup", CITY), top, description, spec.get("baseline"))


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, *,
                 holidays: frozenset[int] = frozenset(), **context: Any) -> Detector:
    """A detector for one indicator whose fields have no problems."""
    vital = vital_of(spec, {})
    if vital.top is not None:
        return Frequent(vital, Measure(), 0, zone, holidays)
    if spec.get("open"):
        return Lasting(vital, Measure(), 0, zone, holidays)
    return Indicator(vital, spec.get("measure") or Measure(), spec.get("min_events") or 0, zone, holidays)
