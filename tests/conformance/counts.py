"""What running a set of conformance cases gives, by family (a suite, an engine)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counts:
    """By family: how many passed; id -> reason of those that differ by design; id -> why of those failed."""

    passed: Counter[str] = field(default_factory=Counter)
    differs: dict[str, dict[str, str]] = field(default_factory=dict)
    failed: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, family: str, id: str, fits: bool, differs: str | None = None, why: str = "") -> None:
        """One case: as expected, or not for a reason that is named, or failed."""
        if fits:
            self.passed[family] += 1
        elif differs:
            self.differs.setdefault(family, {})[id] = differs
        else:
            self.failed.setdefault(family, {})[id] = why

    def families(self) -> list[str]:
        """All families, in order."""
        return sorted({*self.passed, *self.differs, *self.failed})

    def merge(self, other: Counts) -> None:
        """Add what another file of the same set gave."""
        self.passed.update(other.passed)
        for mine, its in ((self.differs, other.differs), (self.failed, other.failed)):
            for family, ids in its.items():
                mine.setdefault(family, {}).update(ids)

    @property
    def reasons(self) -> Counter[str]:
        """How many differ, by reason."""
        return Counter(reason for ids in self.differs.values() for reason in ids.values())
