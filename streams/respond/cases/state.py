"""What is remembered of a case. Plain data, kept as rows."""

from __future__ import annotations

import msgspec

from streams.records import Micros


class Case(msgspec.Struct, array_like=True):
    """One case. `version` counts what was told of it; `forget` is None while it is open.

    `labels` are those of its alert, by which the policy decides. `opened` is when what it is about began, `born` when
    it became a case, `began` when its present attempt did. `stages` are the times at which this attempt came to each
    stage, `first` the earliest of all attempts. `due` are the moments by which stages must be reached, `promised` the
    same without extensions; `missed` are the stages that any attempt did not reach by what was promised, `told` those
    of which that was told. `chain` are the steps of escalation to come, as (moment, number); `level` rises with them.
    `disposers` have disposed of it in any attempt. `before` is the state that a parked case had, since `parked`; `held`
    how long it was.
    """

    id: str
    alert: str
    title: str
    labels: dict[str, str]
    priority: int
    opened: Micros
    born: Micros
    unit: str
    discovered_by: str = "rule"
    state: str = "discovered"
    version: int = 0
    attempt: int = 1
    began: Micros = 0
    stages: dict[str, Micros] = {}
    first: dict[str, Micros] = {}
    due: dict[str, Micros] = {}
    promised: dict[str, Micros] = {}
    missed: list[str] = []
    told: list[str] = []
    escalation: str = ""
    chain: list[tuple[Micros, int]] = []
    level: int = 0
    extensions: int = 0
    disposers: list[str] = []
    disposition: str = ""
    before: str = ""
    parked: Micros | None = None
    held: Micros = 0
    merged_into: str = ""
    split_from: str = ""
    resolved: Micros | None = None
    forget: Micros | None = None

    @property
    def newest(self) -> Micros:
        """The latest moment that is known of it."""
        return max(self.began, self.parked or 0, *self.stages.values())
