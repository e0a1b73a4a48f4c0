"""What the instances of a template have in common: a problem of all is told once, others name their instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from streams.problems import Problem
from streams.rulefile.codes import Report
from streams.rulefile.drafts import Origin

NAMED_AT_MOST = 3


class Shared:
    """Gathers the problems of documents that were made from others, until they are told."""

    def __init__(self) -> None:
        self.sizes: Counter[str] = Counter()
        self._found: dict[str, dict[Problem, dict[str, None]]] = {}

    @contextmanager
    def of(self, report: Report, origin: Origin) -> Iterator[None]:
        """What is reported within belongs to a document of this origin."""
        if not origin.template and not origin.district:
            yield
            return
        start = len(report.problems)
        yield
        mine = report.problems[start:]
        del report.problems[start:]
        if origin.template:
            found = self._found.setdefault(origin.template, {})
            for problem in mine:
                message = problem.message.replace(origin.rule, origin.template)
                found.setdefault(msgspec.structs.replace(problem, message=message), {})[origin.instance] = None
        else:  # a district's variant says again what is true of its base
            known = set(report.problems)
            report.problems += [problem for problem in mine if problem not in known]

    def tell(self, report: Report) -> None:
        """Report what was gathered."""
        for template, found in self._found.items():
            for problem, instances in found.items():
                report.problems.append(_named(problem, list(instances), self.sizes[template]))
        self._found = {}


def _named(problem: Problem, instances: list[str], whole: int) -> Problem:
    if len(instances) >= whole:
        return problem
    more = len(instances) - NAMED_AT_MOST
    names = ", ".join(instances[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
    what = "instance" if len(instances) == 1 else "instances"
    return msgspec.structs.replace(problem, message=f"{problem.message} ({what} {names})")
