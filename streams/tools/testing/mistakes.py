"""What is wrong with tests before they run, for `tocsin check` and editors: each mistake at its place in the file."""

from __future__ import annotations

from collections.abc import Iterator

from streams.problems import Problem
from streams.rulefile.codes import UNREADABLE_TEST as CODE
from streams.rules import Bundle, Rule
from streams.specs import Written
from streams.tools.expectations import check_list
from streams.tools.ruletest import CALLED, check_words, name_of
from streams.tools.standins import stand_ins
from streams.tools.timeline import Misread, setting_of, timeline


def mistakes(bundle: Bundle) -> list[Problem]:
    """The first mistake of each test that cannot be read."""
    tests = [(rule, test) for rule in bundle.rules.values() for test in rule.tests]
    return sorted(problem for rule, test in tests for problem in _of(bundle, rule, test))


def _of(bundle: Bundle, rule: Rule, test: Written) -> Iterator[Problem]:
    try:
        _read(bundle, rule, test)
    except Misread as error:
        path = error.path
        while path and path not in test.spots:
            path = path[:-1]
        line, column = test.spots[path]
        text = f"{rule.id}: {name_of(test)}: {error}"
        yield Problem(test.file, line, column, CODE.code, text, CODE.do, CODE.gravity)


def _read(bundle: Bundle, rule: Rule, test: Written) -> None:
    """All that a run reads before it begins. Raises Misread."""
    check_words(test.value)
    stand_ins(bundle, test.value)
    timeline(bundle, rule, test.value.get("events", ()), setting_of(test.value, bundle.city.zone))
    for word, what in CALLED.items():
        if word in test.value:
            check_list(what, word, test.value[word])
