"""What marks an exercise: an alert that somebody made so that people can practise; it must never look like another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXERCISE = "exercise"
"""The part of the key, and so the label, that an exercise has and nothing else."""
YES = "true"
MARK = "EXERCISE: "
"""What its texts begin with."""
SEVERITY = "exercise.severity"
"""The fact that says how grave it is played, where that is not the rule's word."""
OVER = "exercise_over"
"""Why it ended."""


def is_exercise(key: Mapping[str, Any]) -> bool:
    """Whether an alert of this key is one."""
    return key.get(EXERCISE) == YES


def marked(key: Mapping[str, Any], text: str) -> str:
    """A text of an alert of this key; one of an exercise says so first."""
    return MARK + text if text and is_exercise(key) else text


def status_of(key: Mapping[str, Any]) -> str:
    """The word of CAP for it, in lower case."""
    return "exercise" if is_exercise(key) else "actual"
