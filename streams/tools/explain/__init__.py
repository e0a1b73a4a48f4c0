"""explain: why a rule fired, and above all why not. The folds of the service over what a file, a test or a log holds.

`story` gathers what came and what was told, `fits` looks at one event with the eyes of one rule, `folding` asks
what would have been, `whynot` finds the reason, `sentences` says it, `report` shows the funnel.
"""

from __future__ import annotations

from streams.tools.explain.explaining import Explanation, explain
from streams.tools.explain.story import Story

__all__ = ["Explanation", "Story", "explain"]
