"""For tests of the response: rules without detectors, findings in a few words, outputs as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from hypothesis import strategies as st

from streams import findings
from streams.clocks import HOUR, MINUTE
from streams.findings import CLOSED, OPENED, RETRACTED, UPDATED, Finding, FindingRow, ResponseFrame, Row, TickRow
from streams.judging.episodes import HoldOptions
from streams.kinds.match import Match
from streams.records import Micros
from streams.respond import Output, Respond
from streams.rules import Alert, Bundle, City, Dispatch, Rule
from streams.tools.events.kinds import undescribed

NOON: Micros = 1_751_371_200_000_000  # 2025-07-01T12:00:00Z


def rule(id: str = "crash", **parts: Any) -> Rule:
    """A rule as respond sees it; of its detector it asks how long anything can follow from an event."""
    plain = Match(HoldOptions())
    kind, by = parts.pop("kind", "threshold"), parts.pop("by", ("district",))
    title = parts.pop("title", "Five crashes in ten minutes")
    sources, logic = parts.pop("sources", frozenset(["s"])), parts.pop("logic", "logic")
    return Rule(id, kind, title, (), by, plain, logic, sources, **parts)


def bundle(*rules: Rule, city: City | None = None) -> Bundle:
    """A bundle of these rules."""
    return Bundle("b", city or City("springfield", "Asia/Shanghai"), {}, {}, {}, {}, {one.id: one for one in rules})


def finding(id: str = "f", sequence: int = 1, change: str = OPENED, **parts: Any) -> Finding:
    """A finding; `opened`, `closed` and `at` are minutes after noon, `evidence` may be a text of ids."""
    opened = NOON + round(parts.pop("opened", 0) * MINUTE)
    closed = parts.pop("closed", None)
    at = parts.pop("at", None)
    evidence = list(parts.pop("evidence", "e1 e2").split())
    name, logic, key = parts.pop("rule", "crash"), parts.pop("logic", "logic"), parts.pop("key", {"district": "west"})
    return Finding(
        id, sequence, change, name, logic, key, opened,
        None if closed is None else NOON + round(closed * MINUTE), parts.pop("value", 5), evidence,
        parts.pop("count", len(evidence)), at=opened if at is None else NOON + round(at * MINUTE), **parts)


def rows(told: Iterable[Finding], sender: str = "detect", offset: int = 0) -> list[Row]:
    """The findings as rows of one sender, each from an input record of its own."""
    return [FindingRow(sender, 0, number, 0, one) for number, one in enumerate(told, offset)]


def frame(rows: Iterable[Row]) -> ResponseFrame:
    """A frame that has been through its bytes, as in the log."""
    return findings.decode(findings.encode(ResponseFrame(list(rows))))


def run(fold: Respond, frames: Sequence[ResponseFrame], start: int = 0) -> list[Output]:
    """All outputs of a log of frames; whatever is published is described to subscribers (`tocsin schema --events`)."""
    outputs = [output for offset, one in enumerate(frames, start) for output in fold.step(offset, one)]
    assert [told for output in outputs if (told := undescribed(read(output)))] == []
    return outputs


def tell(fold: Respond, *told: Finding) -> list[str]:
    """Findings, one frame each; what came of them: `alerts firing 1`, `audit suppressed`. Cases are told elsewhere."""
    start = fold.offset + 1
    frames = [frame(rows([one], offset=start + number)) for number, one in enumerate(told)]
    return [short(output) for output in of_alerts(run(fold, frames, start))]


def of_alerts(outputs: Iterable[Output]) -> list[Output]:
    """What is told of alerts and dispatches; cases have tests of their own."""
    return [output for output in outputs if output.topic != "cases"]


def read(output: Output) -> dict[str, Any]:
    """The envelope."""
    envelope: dict[str, Any] = orjson.loads(output.value)
    return envelope


def short(output: Output) -> str:
    """Topic, what, and for alerts and dispatches their sequence."""
    envelope = read(output)
    if output.topic == "audit":
        return f"audit {envelope['data']['reason']}"
    return f"{output.topic} {envelope['type'].rpartition('.')[2]} {envelope['sequence']}"


class Store:
    """A state topic that gives back no more than it was given: bytes, the newest of each key."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def write(self, changed: Mapping[bytes, bytes | None], upto: int | None = None) -> None:
        """Take rows in order, all or the first `upto`."""
        for name, row in list(changed.items())[:upto]:
            if row is None:
                self.rows.pop(name, None)
            else:
                self.rows[name] = row


RULES = bundle(
    rule("plain"),
    rule("quiet", suppress_for=30 * MINUTE, dispatch=Dispatch("police", 1)),
    rule("near", spec={"near": "250m"}, suppress_for=20 * MINUTE, dispatch=Dispatch("police", 2)),
    rule("trial", spec={"near": "250m"}, status="experimental", dispatch=Dispatch("police", 2),
         alert=Alert("Trial {{ count }}")),
)


CONTENTS = st.tuples(
    st.sampled_from([None, 0, 10]),  # minutes from opened to closed
    st.sampled_from([0, 0, 60, 72 * 60]),  # minutes from opened to when it was concluded
    st.lists(st.sampled_from("pqrstu"), min_size=1, max_size=3, unique=True),
    st.sampled_from([1, 2.5]),
)
CHANGES = st.lists(st.sampled_from([UPDATED, CLOSED]), max_size=3)
LIVES = st.tuples(
    st.sampled_from([*RULES.rules, "near", "unheard"]), st.sampled_from("xy"), st.integers(0, 90),
    CHANGES, st.sampled_from(["", "no", "", "f0", "f1", "f2"]),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Finding]:
    """What engines tell: lives of findings, interleaved; each life in order, contents arbitrary."""
    lives = [_life(draw, f"f{number}", *life) for number, life in
             enumerate(draw(st.lists(LIVES, min_size=1, max_size=5)))]
    turns = draw(st.permutations([number for number, life in enumerate(lives) for _ in life]))
    return [lives[number].pop(0) for number in turns]


def _life(draw: st.DrawFn, id: str, name: str, place: str, opened: int, between: list[str],
          end: str) -> list[Finding]:
    """One finding's changes; `end` "" leaves it, a finding's id retracts it in favour of that."""
    key = {"cell": place} if name in ("near", "trial") else {"district": place}
    life = []
    for sequence, change in enumerate([OPENED, *between, *([RETRACTED] if end else [])], 1):
        lasted, at, proof, value = draw(CONTENTS)
        closed = opened + (lasted or 0) if lasted is not None or change == CLOSED else None
        life.append(finding(
            id, sequence, change, rule=name, key=key, opened=opened, closed=closed, at=opened + at,
            evidence=" ".join(proof), value=value, cause="late", merged_into=end if change == RETRACTED else ""))
    return life


@st.composite
def logs(draw: st.DrawFn) -> list[ResponseFrame]:
    """A story in frames, ticks among the rows."""
    told: list[Row] = rows(draw(stories()))
    frames: list[list[Row]] = [[]]
    for row in told:
        if draw(st.booleans()):
            frames.append([TickRow(NOON + HOUR)] if draw(st.booleans()) else [])
        frames[-1].append(row)
    return [frame(one) for one in frames]
