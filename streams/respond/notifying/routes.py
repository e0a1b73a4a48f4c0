"""Who is told of an alert: the way through the tree of routes, and the group in which an alert is told.

The first child whose condition is met takes an alert, further ones only where it says `go_on`; a node none of whose
children takes it takes it itself. An empty label is an absent one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.policy import ALL_LABELS, Route
from streams.respond.exercise import EXERCISE


def matched(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """The routes that take an alert, in order; none if the root does not want it."""
    if route.when is not None and not route.when(labels):
        return []
    found: list[Route] = []
    for child in route.routes:
        taken = matched(child, labels)
        found += taken
        if taken and not child.go_on:
            break
    return found or [route]


def every(route: Route) -> Iterator[Route]:
    """A route and all below it."""
    yield route
    for child in route.routes:
        yield from every(child)


def group_labels(route: Route, labels: Mapping[str, str]) -> dict[str, str]:
    """What the alerts of a group have in common on this route, by name in order."""
    if ALL_LABELS in route.group_by:
        return dict(sorted((name, value) for name, value in labels.items() if value))
    names = {*route.group_by, EXERCISE}  # an exercise is never told together with what is meant
    return {name: labels[name] for name in sorted(names) if labels.get(name)}


def name_of(route: Route) -> str:
    """What stays the same of a route when others are written before it; its place in the tree if it has no name."""
    return f"{route.id or route.path} {route.receiver}"
