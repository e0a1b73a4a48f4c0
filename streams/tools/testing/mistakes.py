"""What is wrong with tests before they run, for `tocsin check` and editors: each mistake at its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

import msgspec

from streams.clocks import duration
from streams.problems import Problem
from streams.rulefile.codes import UNREADABLE_TEST as CODE
from streams.rules import Bundle, Rule
from streams.specs import Written
from streams.tools.expectations import KEY_PART, check_list
from streams.tools.ruletest import CALLED, check_words, name_of
from streams.tools.standins import stand_ins
from streams.tools.timeline import Misread, Setting, arrival, setting_of, timeline

EPISODE = ("opened", "closed", "evidence", "count", "value", "key", "steps", "ended", "corrections")
"""What `expect` can say of an episode; of its key also `key.device`."""
TIMES = ("opened", "closed")


def mistakes(bundle: Bundle) -> list[Problem]:
    """All mistakes of the tests that cannot be read, each at its place."""
    tests = [(rule, test) for rule in bundle.folded for test in rule.tests]
    return sorted(problem for rule, test in tests for problem in _of(bundle, rule, test))


def _of(bundle: Bundle, rule: Rule, test: Written) -> Iterator[Problem]:
    for error in _found(bundle, rule, test.value):
        path = error.path
        while path and path not in test.spots:
            path = path[:-1]
        line, column = test.spots[path]
        text = f"{rule.id}: {name_of(test)}: {error}"
        yield Problem(test.file, line, column, CODE.code, text, CODE.do, CODE.gravity)


def _found(bundle: Bundle, rule: Rule, test: Mapping[str, Any]) -> Iterator[Misread]:
    """The mistakes in all that a run reads before it begins."""
    yield from _without(partial(check_words, rule=rule), test)
    for word in ("registers", "lists"):
        given = test.get(word, {})
        if isinstance(given, Mapping):
            for name, rows in given.items():
                yield from _raised(partial(stand_ins, bundle), {word: {name: rows}})
        else:
            yield from _raised(partial(stand_ins, bundle), {word: given})
    yield from _of_events(bundle, rule, test)
    for word, what in CALLED.items():
        if word in test:
            yield from _raised(partial(check_list, what, word), test[word])
    yield from _of_episodes(test.get("expect"))


def _of_events(bundle: Bundle, rule: Rule, test: Mapping[str, Any]) -> Iterator[Misread]:
    """What is wrong with when and where it begins, and with each field of each event."""
    zone, setting = bundle.city.zone, Setting()
    for word in ("start", "origin"):
        if word in test:
            own = {word: test[word]}
            wrong = list(_raised(partial(setting_of, zone=zone), own))
            yield from wrong
            if not wrong:
                setting = msgspec.structs.replace(setting, **{word: getattr(setting_of(own, zone), word)})
    events = test.get("events", ())
    if not isinstance(events, Sequence) or isinstance(events, str):
        yield from _raised(partial(timeline, bundle, rule), events)
        return
    for number, row in enumerate(events, 1):
        read = partial(arrival, bundle, rule, number, where=setting)
        if isinstance(row, Mapping):
            yield from _without(read, row, 2)
        else:
            yield from _raised(read, row)


def _of_episodes(expected: Any) -> Iterator[Misread]:
    """Words that no episode has, and times that are none."""
    if not isinstance(expected, Sequence) or isinstance(expected, str):
        return
    for index, wanted in enumerate(expected):
        for name, value in wanted.items() if isinstance(wanted, Mapping) else ():
            path = ("expect", index, name)
            if name not in EPISODE and not name.startswith(KEY_PART):
                near = get_close_matches(name, EPISODE, 1)
                meant = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(EPISODE)}"
                yield Misread(f"episode {index + 1} knows no `{name}`{meant}", *path)
            elif name in TIMES and value is not None:
                try:
                    duration(str(value))
                except ValueError as error:
                    yield Misread(f"episode {index + 1}: {error}", *path)


def _without(check: Callable[[dict[str, Any]], object], given: Mapping[str, Any], depth: int = 0) -> Iterator[Misread]:
    """The mistakes of a mapping's fields: each that is wrong is left out, so that the next is seen.

    `depth` is how many parts of a path stand before the field. What is missing is no mistake where a field is wrong.
    """
    left = dict(given)
    while (found := next(_raised(check, left), None)) is not None:
        field = found.path[depth] if len(found.path) > depth else None
        if field is not None or len(left) == len(given):
            yield found
        if field not in left:
            return
        del left[str(field)]


def _raised(check: Callable[[Any], object], given: Any) -> Iterator[Misread]:
    try:
        check(given)
    except Misread as error:
        yield error
