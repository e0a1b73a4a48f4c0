"""How much usually happens where: decayed sums for each cell of the map, learnt bin by bin. Pure.

What a cell is expected to bring in one bin is the mean of the whole city times the cell's share of it. Each cell has
half an event to its credit before anything is known of it, so that no cell is expected to stay empty for ever; the
expected counts of all cells add up to the city's.

Bins that are alike (those of one hour of the week, say) share a bucket. A bucket tells by which factor its bins bring
more or less than the mean; twenty events that are spread evenly stand to the credit of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

CELLS_AT_MOST = 20_000
CREDIT = 0.5
EVENLY = 20.0
FAINT = 0.01  # a cell of which less is remembered is forgotten


class Usual(msgspec.Struct, array_like=True):
    """What was learnt: how many `bins` ever, how many of them are remembered (`mass`), and the sum of each cell.

    `sums` and `masses` are the same for each bucket.
    """

    bins: int = 0
    mass: float = 0.0
    cells: dict[str, float] = {}
    sums: list[float] = msgspec.field(default_factory=lambda: [0.0])
    masses: list[float] = msgspec.field(default_factory=lambda: [0.0])

    def learn(self, counts: Mapping[str, int], keep: float, bucket: int = 0) -> None:
        """One more bin of a bucket; `keep` is the share of everything before that is remembered."""
        self._fade(keep)
        self.sums[bucket] += sum(counts.values())
        self.masses[bucket] += 1.0
        for cell, count in counts.items():
            self.cells[cell] = self.cells.get(cell, 0.0) + count
        self._bound()
        self.bins += 1
        self.mass += 1.0

    def pass_by(self, bins: int, keep: float) -> None:
        """So many bins more in which nothing happened, of all buckets alike."""
        if bins <= 0:
            return
        kept = keep**bins
        self._fade(kept)
        self._bound()
        self.bins += bins
        more = (1.0 - kept) / (1.0 - keep)
        self.mass += more
        self.masses = [mass + more / len(self.masses) for mass in self.masses]

    def levels(self, buckets: Sequence[int]) -> list[float]:
        """By which factor bins of these buckets bring more or less than the mean."""
        whole = sum(self.sums)
        if len(self.sums) == 1 or whole < 1.0:
            return [1.0] * len(buckets)
        mean = whole / self.mass
        return [(self.sums[one] + EVENLY) / (self.masses[one] * mean + EVENLY) for one in buckets]

    def rates(self, cells: Iterable[str]) -> dict[str, float]:
        """What each cell is expected to bring in a bin: those that are known, and these. At least one bin is learnt."""
        known = {**dict.fromkeys(cells, 0.0), **self.cells}
        whole = sum(self.cells.values())
        level = max(whole, CREDIT) / self.mass / (whole + CREDIT * len(known))
        return {cell: (known[cell] + CREDIT) * level for cell in sorted(known)}

    def _fade(self, keep: float) -> None:
        self.mass *= keep
        self.sums, self.masses = [one * keep for one in self.sums], [one * keep for one in self.masses]
        self.cells = {cell: faded for cell, value in self.cells.items() if (faded := value * keep) >= FAINT}

    def _bound(self) -> None:
        """No more cells than may be: those of which least is remembered go."""
        if len(self.cells) > CELLS_AT_MOST:
            most = sorted(self.cells.items(), key=lambda one: (-one[1], one[0]))[:CELLS_AT_MOST]
            self.cells = dict(sorted(most))
