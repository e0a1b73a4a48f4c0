"""The story of a rule from one of its tests."""

from __future__ import annotations

from collections.abc import Sequence

from streams.reasons import Fate
from streams.rules import Bundle, Rule
from streams.specs import Written
from streams.tools.explain.files import told_in
from streams.tools.explain.story import Arrived, Story
from streams.tools.playing import staged
from streams.tools.ruletest import name_of
from streams.tools.standins import Rebuild


def find_test(bundle: Bundle, rules: Sequence[str], name: str) -> tuple[Rule, Written] | None:
    """The test of that name, of one of these rules; of any if none is named."""
    for one in bundle.rules.values():
        for test in one.tests:
            if name_of(test) == name and (not rules or one.id in rules):
                return one, test
    return None


def story_of_test(bundle: Bundle, rule: Rule, test: Written, rebuild: Rebuild | None = None) -> Story:
    """What a test tells of its rule. Raises Misread."""
    stage = staged(bundle, rule, test.value, rebuild)
    rule, start = stage.rule, stage.setting.start
    story = Story(stage.alone, rule, rule.sources, start=start, since=start)
    for one in stage.arrivals:
        fate = Fate.LATE if one.event.id in stage.late else Fate.EVENT
        clock = one.at - bundle.sources[one.event.source].disorder
        story.note(Arrived(fate, one.event.source, f"event {one.event.id}", clock, one.event))
    story.clock = stage.end
    story.clocks = dict.fromkeys(rule.sources, story.clock)
    return told_in(story, stage.play())

