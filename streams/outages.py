"""What is silent explains the silence of what it is made of: a source its devices, a cabinet its sensors. Pure.

The rule that watches the larger thing stands *above* those that watch the smaller ones. Its episodes go to them
as outages: from when the larger thing was last heard of until it was heard of again nothing is known of the
smaller ones. And it tells its *fate*: up to which moment no further outage can begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from streams.judging.episodes import Episode
from streams.kinds import BEGINS, ENDS, LOST
from streams.kinds.absence import FORGOTTEN
from streams.kinds.parts.exceedance import Exceedance
from streams.records import KeyValues, Member, Micros
from streams.rules import FINDINGS_OF, SILENCE_OF, Bundle, Rule

FATE = "/fate"
"""What ends the name, as a source, of what a rule tells those below it."""
END = "/end"


class Above(msgspec.Struct, frozen=True):
    """A rule above another, and which of its keys a key of the other is part of (None: of none).

    `source`: it watches this source, and explains only what was last heard of from there.
    """

    rule: str
    of: Callable[[KeyValues], KeyValues | None]
    source: str = ""


class Outage(msgspec.Struct, frozen=True, array_like=True):
    """A silence above: `finding` is its id, `teller` the source of the rows that tell it, `logic` that of its rule.

    Nothing was heard of `group` after `since`, until `closed` (None: not yet). `lost`: it was forgotten, and not
    heard of.
    """

    finding: str
    teller: str
    logic: str
    group: KeyValues
    since: Micros
    closed: Micros | None = None
    lost: bool = False
    source: str = ""

    @classmethod
    def of_episode(cls, rule: Rule, key: KeyValues, episode: Episode) -> Outage:
        """What an episode of the rule above is to those below."""
        assert episode.since is not None
        source = rule.id.removeprefix(SILENCE_OF) if rule.id.startswith(SILENCE_OF) else ""
        return cls(episode.finding, teller(rule.id), rule.logic, key, episode.since, episode.closed,
                   episode.ended == FORGOTTEN, source)

    @property
    def row(self) -> Member:
        """As a row carries it."""
        return Member(self.since + 1, self.teller, 0, 0, self.finding, 0,
                      [self.logic, self.closed, self.lost, self.source])

    @classmethod
    def of_row(cls, member: Member | None, group: KeyValues) -> Outage | None:
        """The outage of which `row` is this; none of none."""
        if member is None:
            return None
        logic, closed, lost, source = member.value
        return cls(member.id, member.source, logic, group, member.time - 1, closed, lost, source)

    @property
    def members(self) -> Iterator[tuple[str, Member | None]]:
        """What a key takes of it, by id: its beginning, and its end if there is one (None: there is none)."""
        yield self.finding, Member(self.since + 1, self.teller, 0, 0, self.finding, 0, [BEGINS, self.source])
        end = self.finding + END
        yield end, None if self.closed is None else Member(
            self.closed, self.teller, 0, 1, end, 0, [LOST if self.lost else ENDS, self.source])

    def until(self, time: Micros) -> Outage:
        """The same, that ends there."""
        return msgspec.structs.replace(self, closed=max(time, self.since + 1))

    @property
    def nothing(self) -> Iterator[tuple[str, Member | None]]:
        """The same ids, of what is none any more."""
        return ((identity, None) for identity, _ in self.members)


def teller(rule: str) -> str:
    """The source of the rows by which a rule tells of its silences and its fate."""
    return FINDINGS_OF + rule + FATE


def above(bundle: Bundle, rule: Rule) -> Iterator[Above]:
    """The rules above a rule: the groups that it is part of, and the silences of its sources.

    A rule with a baseline has the latter too: what it does not see while a source is silent is missing, not zero.
    """
    for group in rule.groups:
        if group.rule in bundle.rules:
            yield Above(group.rule, group.of)
    if not (rule.kind == "absence" or isinstance(rule.detector, Exceedance)) or rule.id.startswith(SILENCE_OF):
        return
    for source in sorted(rule.sources):
        if SILENCE_OF + source in bundle.rules:
            yield Above(SILENCE_OF + source, _constant(source), source)


def _constant(source: str) -> Callable[[KeyValues], KeyValues]:
    return lambda key: (source,)
