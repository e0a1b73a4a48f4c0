"""Clusters: zones that stand out at the end of one bin after the other, followed as they move and grow. Pure.

A cluster is an episode. At the end of a bin each zone found goes on with the cluster with which it shares most cells,
or which it touches; so a cluster keeps its identity as it moves, and several at once stay apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import msgspec

from streams.clocks import AFTER_ALL
from streams.judging.episodes import Hold, HoldOptions
from streams.kinds.parts.circles import NO_MARK, Circles
from streams.kinds.parts.discs import halo
from streams.kinds.parts.tally import Bucket
from streams.records import Micros


class Bin(msgspec.Struct, array_like=True):
    """What happened in a bin, by cell; `end` is its edge, `bucket` that of the bins that are alike."""

    end: Micros
    bucket: int
    cells: dict[str, Bucket] = {}


class Found(msgspec.Struct, frozen=True):
    """A zone that meets the condition, as it is told: its cells over the last `length` bins."""

    cells: tuple[str, ...]
    length: int
    observed: int
    facts: dict[str, Any]


class Cluster(msgspec.Struct, array_like=True):
    """An episode under way: its cells now, and the buckets (end of bin, cell) that have proved it."""

    cells: list[str]
    proved: list[tuple[Micros, str]]
    hold: Hold
    mark: int = NO_MARK

    @property
    def lasts(self) -> bool:
        """Whether its episode is open or pending."""
        return self.mark != NO_MARK or self.hold.pending is not None


class Followed(Protocol):
    """The state of a key whose clusters are followed; `window` are the bins just judged, the newest last."""

    hold: Circles
    window: list[Bin]
    clusters: list[Cluster]


class Follower:
    """Follows the clusters of one rule."""

    def __init__(self, options: HoldOptions) -> None:
        self.options = options

    def due(self, state: Followed) -> Micros:
        """When `for` or `keep_firing_for` of a cluster passes."""
        waits = (cluster.hold.due(self.options) for cluster in state.clusters)
        return min((due for due in waits if due is not None), default=AFTER_ALL)

    def advance(self, state: Followed, now: Micros) -> None:
        """Do what is due at or before `now`; clusters of which nothing is left are gone."""
        for cluster in state.clusters:
            self._work(state, cluster, partial(Hold.advance, options=self.options, now=now))
        state.clusters = [one for one in state.clusters if one.lasts]

    def follow(self, state: Followed, end: Micros, found: list[Found]) -> None:
        """Give each zone to the cluster that it goes on with, or begin one; the others' condition is not met."""
        edge = state.window[0].end
        for cluster in state.clusters:
            cluster.proved = [one for one in cluster.proved if one[0] >= edge]
        pairs = _pairs(state.clusters, found)
        for at, cluster in enumerate(state.clusters):
            if at not in pairs.values():
                self._work(state, cluster, partial(Hold.false, options=self.options, at=end))
        for place, zone in enumerate(found):
            if place not in pairs:
                pairs[place] = len(state.clusters)
                state.clusters.append(Cluster([], [], Hold()))
            self._meet(state, state.clusters[pairs[place]], zone, end)
        state.clusters = [one for one in state.clusters if one.lasts]

    def _meet(self, state: Followed, cluster: Cluster, zone: Found, end: Micros) -> None:
        proved, cells = frozenset(cluster.proved), sorted(zone.cells)
        fresh = {(bin.end, cell): bin.cells[cell] for bin in state.window[-zone.length:] for cell in cells
                 if cell in bin.cells and (bin.end, cell) not in proved}
        members = sorted((member for bucket in fresh.values() for member in bucket.members), key=lambda one: one.order)
        unlisted = sum(bucket.count - len(bucket.members) for bucket in fresh.values())
        cluster.cells, cluster.proved = cells, sorted([*cluster.proved, *fresh])

        def meet(hold: Hold) -> None:
            before = hold.pending or hold.open
            grown = before is None or bool(members) or zone.observed > before.value
            hold.true(self.options, end, zone.observed, members)
            told = hold.pending or hold.open
            if grown and told is not None:
                told.count += unlisted
                told.facts = {**told.facts, **zone.facts}

        self._work(state, cluster, meet)

    def _work(self, state: Followed, cluster: Cluster, do: Callable[[Hold], None]) -> None:
        """Do something to a cluster's hold, and take over what becomes of its episode."""
        state.hold.lend(cluster.hold, cluster.mark)
        do(cluster.hold)
        cluster.mark = state.hold.take_back(cluster.hold, cluster.mark)


def _pairs(clusters: list[Cluster], found: list[Found]) -> dict[int, int]:
    """Which zone goes on with which cluster, both by number: those that share most cells first."""
    shared = []
    for at, cluster in enumerate(clusters):
        mine, near = frozenset(cluster.cells), halo(cluster.cells)
        shared += [(-len(mine.intersection(zone.cells)), -len(near.intersection(zone.cells)), at, place)
                   for place, zone in enumerate(found) if not near.isdisjoint(zone.cells)]
    pairs: dict[int, int] = {}
    for _, _, at, place in sorted(shared):
        if place not in pairs and at not in pairs.values():
            pairs[place] = at
    return pairs
