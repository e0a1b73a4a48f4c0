"""The story of a rule from one of its tests."""

from __future__ import annotations

from collections.abc import Sequence

from streams.clocks import DAY
from streams.composites import reach_of
from streams.reasons import Fate
from streams.rules import Bundle, Rule
from streams.specs import Written
from streams.tools.explain.files import told_in
from streams.tools.explain.story import Arrived, Story
from streams.tools.ruletest import alone, name_of, play, watching
from streams.tools.standins import Rebuild, overridden
from streams.tools.timeline import setting_of, timeline, too_late


def find_test(bundle: Bundle, rules: Sequence[str], name: str) -> tuple[Rule, Written] | None:
    """The test of that name, of one of these rules; of any if none is named."""
    for one in bundle.rules.values():
        for test in one.tests:
            if name_of(test) == name and (not rules or one.id in rules):
                return one, test
    return None


def story_of_test(bundle: Bundle, rule: Rule, test: Written, rebuild: Rebuild | None = None) -> Story:
    """What a test tells of its rule. Raises Misread."""
    given = test.value
    bundle, rule = overridden(bundle, rule, given, rebuild)
    setting, rule = setting_of(given, bundle.city.zone), watching(rule, given)
    made = alone(bundle, rule)
    arrivals = timeline(bundle, rule, given.get("events", ()), setting)
    late = {one.event.id for one in arrivals if too_late(bundle, one)}
    story = Story(made, rule, rule.sources, start=setting.start, since=setting.start)
    for one in arrivals:
        fate = Fate.LATE if one.event.id in late else Fate.EVENT
        clock = one.at - bundle.sources[one.event.source].disorder
        story.note(Arrived(fate, one.event.source, f"event {one.event.id}", clock, one.event))
    told = play(made, rule, [one for one in arrivals if one.event.id not in late], setting.start)
    story.clock = max([setting.start, *(one.at for one in arrivals)]) + reach_of(made, rule) + DAY
    story.clocks = dict.fromkeys(rule.sources, story.clock)
    return told_in(story, told)

