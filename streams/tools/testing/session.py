"""One run of the tests that are chosen, told in the way that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import msgspec
import orjson
from rich.console import Console

from streams.rulefile import Workshop
from streams.rules import Rule
from streams.tools.ruletest import Chosen, Result, name_of, results
from streams.tools.testing import junit, response
from streams.tools.testing.coverage import coverage
from streams.tools.testing.gaps import gaps
from streams.tools.testing.terminal import Writer


class Wishes(msgspec.Struct, frozen=True):
    """How a run is told. `junit` is a file, `root` stands before the files of rules, `coverage` asks for clauses."""

    verbose: bool = False
    json: bool = False
    junit: Path | None = None
    root: str = ""
    coverage: bool = False


def run(shop: Workshop, chosen: Chosen, wishes: Wishes, console: Console, whole: bool = False) -> list[Result]:
    """Run and tell; the results. `whole`: the tests of the response too."""
    begun = perf_counter()
    rules = rules_of(shop, chosen)
    signs = signs_of(shop, chosen)
    total = sum(chosen(rule, name_of(test)) for rule in (*rules, *signs) for test in rule.tests)
    total += sum(map(len, shop.bundle.tests.values())) if whole else 0
    writer = Writer(console, total, wishes.verbose, wishes.root)
    tell: Callable[[Result], None] = writer.tell if not wishes.json else lambda one: _tell_json(console, one)
    found = []
    for result in (*results(shop.bundle, chosen, shop.rebuild), *(response.results(shop.bundle) if whole else ())):
        tell(result)
        found.append(result)
    clauses = coverage(shop.bundle, [*rules, *signs], chosen, shop.rebuild) if wishes.coverage else None
    if not wishes.json:
        writer.end(gaps(rules), clauses, perf_counter() - begun)
    else:
        for one in clauses or ():
            console.print(orjson.dumps(msgspec.to_builtins(one)).decode())
    if wishes.junit is not None:
        junit.write(wishes.junit, found)
    return found


def rules_of(shop: Workshop, chosen: Chosen) -> list[Rule]:
    """The rules that are meant: those of which a test is chosen, and those that have none but would be."""
    return [rule for rule in shop.bundle.rules.values()
            if any(chosen(rule, name_of(test)) for test in rule.tests) or (not rule.tests and chosen(rule, ""))]


def signs_of(shop: Workshop, chosen: Chosen) -> list[Rule]:
    """The indicators of which a test is chosen."""
    return [one for one in shop.bundle.indicators.values() if any(chosen(one, name_of(test)) for test in one.tests)]


def _tell_json(console: Console, result: Result) -> None:
    told = {"rule": result.rule, "test": result.name, "place": result.place, "problems": result.problems,
            "places": result.places, "notes": result.notes}
    console.print(orjson.dumps(told).decode())
