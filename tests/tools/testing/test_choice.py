"""Which tests run: `-k` as people know it from pytest."""

from __future__ import annotations

import pytest

from streams.tools.testing.choice import fits


@pytest.mark.parametrize(("words", "fit"), [
    ("", True),
    ("crash", True),
    ("CRASH", True),
    ("series: three", True),
    ("noise", False),
    ("not noise", True),
    ("not crash", False),
    ("crash and three", True),
    ("crash and not three", False),
    ("noise or three", True),
    ("noise or crash and four", False),
    ("noise and crash or three", True),
    ("not noise  and  not four", True),
    ("three crashes", True),
    ("notcrash", False),
])
def test_words_are_looked_for_in_rule_and_name(words: str, fit: bool) -> None:
    assert fits(words, "crash-series: Three crashes and one more") is fit
