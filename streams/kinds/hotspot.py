"""Kind `hotspot`: somewhere more happens than usual there, and more than chance explains.

The map is divided into cells (`cell` is H3's resolution), time into bins of `bin`, aligned to local midnight. At the
end of each bin all *zones* are looked at: each cell with the rings of cells around it, up to `radius_max`, over the
last one, two, ... bins, up to `window`. A zone is compared with what its cells usually bring: the mean of all events
of the key in a bin, times the cells' shares of them, learnt from the bins that have left the window. What is `memory`
ago counts for about a third. With a `season` a bin is expected to bring as much more or less than the mean as the bins
of its hour of the week (or of the day) did. A cell that never brought anything has half an event to its credit.

The zone that stands out most is compared with what chance alone would bring anywhere among all the zones: how probable
is it that some zone stands out as much? A bin divided by that probability is the *recurrence interval*: chance brings
as much about once in that time. `condition: {above: {recurrence: 365d}}` is met when that is at least a year; `{above:
{budget: 2/month}}` asks for what chance brings at most so often, `{above: {p: 0.001}}` for a probability in one bin.
Further zones that neither share a cell with a better one nor touch it are judged in the same way. Nothing is judged
before as much is learnt as four windows (and half the memory, if that is less) hold. A zone with fewer than
`min_events` events is none.

With `method: permutation` nothing need be usual: what is looked at is the last `memory`, and in it the totals of each
cell and of each bin. A zone is compared with what its cells have of all events, times what its bins have of them; how
probable it is that some zone stands out as much is asked of all ways in which the events could change their bins. A
day on which all goes up is no hotspot then, and a place where much happens always is none. That is the method for
runs once a day on feeds that are new, or whose level changes; where there is a baseline it finds less.

An episode is a cluster. It opens at the end of the bin in which a zone first meets the condition and goes on as long as
at the end of each bin a zone that shares cells with it, or touches it, does; so it keeps its identity as it moves. It
is told again only when it grows, by events that it did not have. It closes at the end of the bin at which no such zone
meets the condition any more. Evidence are the events of the zone, and later those that its zones add; the value is the
largest number of events that a zone of it had.

All events of a rule are judged together, or with `by` (`by: place.district`) those of each key. An event without a
place is counted (`no_place`) and left out. A key in which nothing happens for `memory` is forgotten, and learns anew.

Texts may name what stands out: `{{ observed }}` and `{{ expected }}` events over `{{ span }}` within `{{ radius }}`
metres around `{{ place.lat }}`, `{{ place.lon }}`, and `{{ recurrence }}`, such as `3 years`, at most `more than 10
years`. Where the rule writes no summary it says: 17 events within 550 m in 3 days, normally 4; as much as this about
once in 3 years.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import h3
import msgspec

from streams.clocks import AFTER_ALL, DAY, HOUR, MINUTE, WEEK, show_duration
from streams.conditions import Expression
from streams.explained import Explained, Relaxed, Scanned
from streams.judging.episodes import HoldOptions
from streams.judging.windows import Edges
from streams.kinds import Detector, Field, Frontier, Identity
from streams.kinds.parts.circles import Circles
from streams.kinds.parts.clusters import Bin, Cluster, Follower, Found
from streams.kinds.parts.discs import RESOLUTION, cell_of, disc_problems, halo, radius_of, rings_of
from streams.kinds.parts.exceedance import BELIEVED, how_long
from streams.kinds.parts.grounds import METHODS, Against
from streams.kinds.parts.tally import Bucket, Tally
from streams.records import KeyValues, Member, Micros
from streams.specs import Learning, Rarity
from streams.unusual.baselines import SEASONS, Season
from streams.unusual.scanning import Zone, Zones
from streams.unusual.usual import Usual

NAME = "hotspot"
MEMORY, STUDY = 364 * DAY, 8 * WEEK
STUDIED_AT_MOST = 400  # bins
BINS_AT_MOST = 60
WINDOWS_LEARNT = 4
BINS = (DAY, 12 * HOUR, 6 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR, HOUR, 30 * MINUTE, 20 * MINUTE, 15 * MINUTE,
        10 * MINUTE, 5 * MINUTE, MINUTE)
FIELDS = (
    Field("cell", "integer", "The resolution of the map's cells (H3): 8 has cells of about 900 m across, 9 of 350 m, "
          "10 of 130 m.", default=RESOLUTION),
    Field("radius_max", "distance", "The largest radius of a cluster: `1km`.", required=True),
    Field("window", "duration", "The longest time that a cluster may have been going on: `14d`.", required=True),
    Field("bin", "duration", "How often it is judged, and how finely time is divided; it divides the window. The "
          "longest of 1d, 12h, 6h, 4h, 3h, 2h, 1h, 30m, 20m, 15m, 10m, 5m and 1m that goes seven times into the "
          "window, if not given."),
    Field("baseline", "baseline", "How far back what is usual is learnt; `{season: hour_of_week, "
          "memory: 52w}` otherwise. With bins of a day `hour_of_week` tells the days of the week apart. For "
          "a permutation `memory` says how much is studied: 8w, or four windows, if not given."),
    Field("method", "string", "What is held against the counts: `baseline`, what is usual there, or `permutation`, "
          "what the totals of the cells and of the bins explain.", default="baseline",
          values=("baseline", "permutation")),
    Field("condition", "condition", "How rare it must be: `{above: {recurrence: 365d}}`, or `{above: {budget: "
          "2/month}}`, or `{above: {p: 0.001}}`.", required=True),
    Field("min_events", "integer", "A cluster has at least so many events.", default=3),
)
FACTS = {
    "observed": "how many events the cluster has",
    "expected": "how many would be usual",
    "span": "over how long",
    "radius": "its radius in metres",
    "recurrence": "how seldom chance brings as much",
}
"""What a text may name beside what events say."""
SUMMARY = ("{{ observed }} events within {{ radius }} m in {{ span }}, normally {{ expected }}; as much as this about "
           "once in {{ recurrence }}")
"""What a rule says that writes no summary."""


class HotspotState(msgspec.Struct, array_like=True):
    """`window`: the bins judged last, the newest last; `filling`: the one that fills, None while nothing can be found.

    `last` is the edge judged last; None: nothing is remembered. `usual`, `study`: see `Learns` in `parts/grounds.py`.
    """

    hold: Circles
    window: list[Bin] = []
    filling: Bin | None = None
    usual: Usual = msgspec.field(default_factory=Usual)
    clusters: list[Cluster] = []
    last: Micros | None = None
    key: KeyValues = ()
    study: list[dict[str, int]] = []


class Hotspot:
    """A `hotspot` rule, compiled.

    Its draws follow from `seed` and the key alone: the same counts have the same probability at any time.
    """

    frontier = Frontier.CLOCK
    identity = Identity.EVIDENCE
    state_type = HotspotState
    why = "how many events a bin had is only known once the clock has passed its end"

    def __init__(self, spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, seed: str = "",
                 holidays: frozenset[int] = frozenset()) -> None:
        self.spec, self.zone, self.seed, self.holidays = spec, zone, seed, holidays
        self.options = msgspec.structs.replace(options, peak="max")
        self.follower = Follower(self.options)
        self.bin: Micros = bin_of(spec)
        self.bins: int = spec["window"] // self.bin
        learning = learning_of(spec)
        self.memory = learning.memory
        self.least: int = max(1, spec.get("min_events", 3))
        self.resolution: int = spec.get("cell", RESOLUTION)
        self.rings = rings_of(self.resolution, spec["radius_max"])
        season = Season(learning.season if self.bin <= DAY else "none", self.bin, zone, holidays)
        self.season = season
        self.against: Against = METHODS[method_of(spec)](learning, season, self.bin, self.bins, self.rings, self.least)
        rarity: Rarity = spec["condition"]
        self.chance = rarity.bound(self.bin)
        self.edges = Edges(zone, self.bin, self.bin)
        self.learnt = WINDOWS_LEARNT * self.bins
        if learning.min_samples is not None:
            self.learnt = learning.min_samples * (SEASONS[learning.season] or self.bin) // self.bin
        self.learnt = max(1, min(self.learnt, self.memory // self.bin // 2))
        # a day may have an hour more; that it is still part of what is usual is no conclusion
        self.horizon = spec["window"] + 2 * (self.bin + HOUR) + options.wait + options.keep

    def start(self, key: KeyValues, now: Micros) -> HotspotState:
        """Nothing is known yet."""
        state = HotspotState(Circles(), key=key)
        self.against.forget(state)
        return state

    def on_event(self, state: HotspotState, member: Member) -> None:
        """Count it in the bin that fills; the first one after a quiet time begins it.

        Its value is a cell, or the cell and what was counted there (`Bucket.told`).
        """
        value = member.value
        if not isinstance(value, str | list):
            return
        if state.filling is None:
            self._begin(state, self.edges.after(member.time))
        assert state.filling is not None
        if isinstance(value, str):
            state.filling.cells.setdefault(value, Bucket()).add(member)
        else:
            state.filling.cells.setdefault(value[0], Bucket()).take(value[1:], member.facts)

    def due(self, state: HotspotState) -> Micros | None:
        """The next of: the end of the bin, `for` or `keep_firing_for` of a cluster, the time to forget."""
        due = self.follower.due(state)
        if state.filling is not None:
            due = min(due, state.filling.end)
        elif state.last is not None:
            due = min(due, self._forgets(state.last))
        return None if due == AFTER_ALL else due

    def advance(self, state: HotspotState, now: Micros) -> None:
        """Do what is due, one moment after the other."""
        while (due := self.due(state)) is not None and due <= now:
            if self.follower.due(state) == due:
                self.follower.advance(state, due)
            if state.filling is not None and state.filling.end == due:
                self._on_edge(state, due)
            elif state.filling is None and state.last is not None and self._forgets(state.last) <= due:
                self.against.forget(state)
                state.last = None

    def empty(self, state: HotspotState) -> bool:
        """Nothing happens, nothing is remembered, no episode is open."""
        return state.filling is None and state.last is None and not state.clusters

    def span(self, key: KeyValues) -> Micros:
        """See `Explains` in `streams/kinds`."""
        return self.bins * self.bin

    def explain(self, state: HotspotState, now: Micros) -> Explained:
        """The zone that stood out most at the end of the last bin."""
        known = Scanned(state.usual.bins, self.learnt)
        if state.usual.bins < self.learnt:
            return Explained(scanned=known)
        counts = self._counts(state)
        best = next(iter(self._zones(state, counts)[2]), None) if counts else None
        if best is None:
            return Explained(scanned=known)
        radius = round(radius_of(self.resolution, best.ring))
        return Explained(scanned=Scanned(known.learnt, known.needed, best.score, best.observed, best.expected,
                                         best.length * self.bin, radius))

    def relaxed(self) -> Iterator[Relaxed]:
        """See `Explains` in `streams/kinds`."""
        options = self.options
        if options.wait:
            yield Relaxed("for", self._with(self.spec, msgspec.structs.replace(options, wait=0)))
        if options.keep:
            yield Relaxed("keep_firing_for", self._with(self.spec, msgspec.structs.replace(options, keep=0)))
        if self.least > 1:
            yield Relaxed("min_events", self._with({**self.spec, "min_events": 1}, options))

    def _with(self, spec: Mapping[str, Any], options: HoldOptions) -> Hotspot:
        return Hotspot(spec, options, self.zone, self.seed, self.holidays)

    def _forgets(self, last: Micros) -> Micros:
        """When nothing is remembered: between two bins, so that it is the same for events and for counts of them."""
        return self.edges.after(last + self.memory)

    def _bin(self, end: Micros) -> Bin:
        return Bin(end, self.season.bucket(end - self.bin))

    # Time

    def _begin(self, state: HotspotState, end: Micros) -> None:
        """A bin fills after a quiet time: what lay between had no events."""
        if state.last is not None:
            self.against.pass_by(state, round((end - state.last) / self.bin) - 1)
            begins = range(end - self.bins * self.bin, end, self.bin)
            state.window = [self._bin(begin) for begin in begins]
        state.filling = self._bin(end)

    def _on_edge(self, state: HotspotState, end: Micros) -> None:
        assert state.filling is not None
        state.window.append(state.filling)
        if len(state.window) > self.bins:
            self.against.learn(state, state.window.pop(0))
        found = self._found(state) if state.usual.bins >= self.learnt else []
        self.follower.follow(state, end, found)
        state.last = end
        if any(bin.cells for bin in state.window):
            state.filling = self._bin(self.edges.after(end))
        else:
            state.window, state.filling = [], None

    # Zones

    def _counts(self, state: HotspotState) -> dict[str, list[int]]:
        """What each cell brought in each bin of the window, the newest first."""
        found: dict[str, list[int]] = {cell: [0] * self.bins for cell in sorted({
            cell for bin in state.window for cell in bin.cells})}
        for age, bin in enumerate(reversed(state.window)):
            for cell, bucket in bin.cells.items():
                found[cell][age] = bucket.count
        return found

    def _zones(self, state: HotspotState, counts: Mapping[str, list[int]]) -> tuple[Zones, list[str], list[Zone]]:
        """All zones, the names of their cells, and of each cell the best, the best first."""
        zones, names = self.against.zones(state, state.window, counts)
        number = {cell: at for at, cell in enumerate(names)}
        return zones, names, zones.best({number[cell]: ages for cell, ages in counts.items()})

    def _found(self, state: HotspotState) -> list[Found]:
        """The zones that meet the condition, none of which shares a cell with a better one or touches it."""
        counts = self._counts(state)
        if not counts:
            return []
        zones, names, best = self._zones(state, counts)
        seed = msgspec.msgpack.encode([self.seed, state.key])
        found, taken = [], set[str]()
        for zone in best:
            cells = [names[cell] for cell in zone.cells]
            if taken.isdisjoint(cells):
                chance = zones.judged(zone, self.chance, self.bin / BELIEVED, seed)
                if chance > self.chance:
                    break
                taken |= halo(cells)
                found.append(self._told(zone, names, chance))
        return found

    def _told(self, zone: Zone, names: list[str], chance: float) -> Found:
        lat, lon = h3.cell_to_latlng(names[zone.centre])
        facts = {"place.lat": round(lat, 6), "place.lon": round(lon, 6), "observed": zone.observed,
                 "expected": float(f"{zone.expected:.2g}"), "span": in_words(zone.length * self.bin),
                 "radius": round(radius_of(self.resolution, zone.ring)),
                 "recurrence": how_long(self.bin / max(chance, 1e-30))}
        return Found(tuple(names[cell] for cell in zone.cells), zone.length, zone.observed, facts)


def in_words(span: Micros) -> str:
    """`3 days`, `20 minutes`: a span as people say it, in the largest unit that leaves no rest."""
    for name, unit in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        number, rest = divmod(span, unit)
        if not rest and number:
            return f"{number} {name}{'s' if number > 1 else ''}"
    return show_duration(span)


def bin_of(spec: Mapping[str, Any]) -> Micros:
    """How long a bin is: as it says, or the longest round one that goes seven times into the window."""
    given, window = spec.get("bin"), spec["window"]
    if given is not None:
        return int(given)
    return next((one for one in BINS if window % one == 0 and window // one >= 7), int(window))


def method_of(spec: Mapping[str, Any]) -> str:
    """What zones are held against."""
    return str(spec.get("method", "baseline"))


def learning_of(spec: Mapping[str, Any]) -> Learning:
    """How it learns what is usual, or how long it studies."""
    given: Learning | None = spec.get("baseline")
    if method_of(spec) == "baseline":
        return given or Learning("hour_of_week", MEMORY)
    least = given.min_samples if given is not None else None
    return Learning("none", max(STUDY, 4 * spec["window"]) if given is None else given.memory, least)


def measured(spec: Mapping[str, Any]) -> Expression:
    """What is kept of an event: the cell that its place lies in."""
    return cell_of(spec.get("cell", RESOLUTION))


def counting(spec: Mapping[str, Any], zone: ZoneInfo) -> Detector:
    """What counts the events of one cell, before all cells are looked at together."""
    return Tally(bin_of(spec), zone)


def problems(spec: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Contradictions within the fields as parsed: (field, what is wrong, what to do)."""
    condition = spec["condition"]
    if not isinstance(condition, Rarity) or condition.side != "above":
        return [("condition", "a hotspot is where more happens than chance explains",
                 "write {above: {recurrence: 365d}}, or `budget` or `p` in place of `recurrence`")]
    return [*disc_problems(spec), *_of_time(spec)]


def _of_time(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    window, bin = spec["window"], bin_of(spec)
    if window <= 0 or bin <= 0:
        yield "window" if window <= 0 else "bin", "it must be longer than zero", "give a duration such as 1d"
        return
    if window % bin:
        yield "bin", "`bin` does not divide `window`", "choose for example 1d for a window of 14d"
    elif window // bin > BINS_AT_MOST:
        text = f"the window has {window // bin} bins, and at most {BINS_AT_MOST} are looked at"
        yield "bin", text, "choose a longer bin"
    elif bin > DAY and bin % DAY:
        yield "bin", "bins are aligned to midnight, so one of more than a day must take whole days", "choose whole days"
    if method_of(spec) == "permutation":
        yield from _of_study(spec, bin)
    if learning_of(spec).memory < 4 * window:
        yield ("baseline", "less is remembered than four times the window",
               "remember longer: what is usual is learnt from what came before the window")
    if spec["condition"].bound(bin) >= 0.5:
        yield ("condition", "chance brings as much in every other bin or more often",
               "ask for a longer recurrence, a smaller budget, or a smaller p")


def _of_study(spec: Mapping[str, Any], bin: Micros) -> Iterator[tuple[str, str, str]]:
    learning: Learning | None = spec.get("baseline")
    studied = learning_of(spec).memory // bin
    if studied > STUDIED_AT_MOST:
        most = show_duration(STUDIED_AT_MOST * bin)
        yield ("method", f"{studied} bins would be studied, and at most {STUDIED_AT_MOST} are",
               f"choose longer bins, or a shorter memory: baseline: {{season: none, memory: {most}}}")
    if learning is not None and (learning.season == "hour_of_day" or learning.holidays):
        yield ("method", "a permutation asks how much each bin brought, and knows no season and no holidays",
               "write no more than baseline: {memory: 8w}, or `method: baseline`")


def compile_rule(spec: Mapping[str, Any], options: HoldOptions, zone: ZoneInfo, **context: Any) -> Detector:
    """A detector for one rule whose fields have no problems; `context["rule"]` is its id."""
    return Hotspot(spec, options, zone, context.get("rule", ""), context.get("holidays", frozenset()))
