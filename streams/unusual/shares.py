"""What share of all events each of many things has: decayed sums of the most frequent ones, in bounded space. Pure.

It is SpaceSaving over counts that fade. A thing that is not kept has come at most as often as what was `let_go`
remembers, so a new one is taken in with that to its credit: what is known of a thing is never less than the truth,
and more by at most one part in `capacity` of all that is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

FAINT = 0.01  # less than that of an event is nothing


class Shares(msgspec.Struct, array_like=True):
    """`kept` is the decayed sum of each thing, `total` that of all; `let_go` bounds the sum of any other thing."""

    kept: dict[str, float] = {}
    total: float = 0.0
    let_go: float = 0.0

    def learn(self, counts: Mapping[str, int], keep: float, capacity: int) -> None:
        """One more period; `keep` is the share of everything before that is remembered."""
        self.fade(keep)
        for name, count in counts.items():
            self.kept[name] = self.kept.get(name, self.let_go) + count
        self.total += sum(counts.values())
        if len(self.kept) > capacity:
            ranked = sorted(self.kept.items(), key=lambda one: (-one[1], one[0]))
            self.let_go = max(self.let_go, ranked[capacity][1])
            self.kept = dict(ranked[:capacity])

    def fade(self, keep: float) -> None:
        """Remember less of everything."""
        self.total *= keep
        self.let_go = 0.0 if self.let_go * keep < FAINT else self.let_go * keep
        self.kept = {name: faded for name, value in self.kept.items() if (faded := value * keep) >= FAINT}

    def sum_of(self, name: str) -> float:
        """How often a thing came, at most."""
        return self.kept.get(name, self.let_go)

    def share(self, name: str) -> float:
        """The share of all that a thing has, at most; 0 before anything is known."""
        return min(1.0, self.sum_of(name) / self.total) if self.total else 0.0
