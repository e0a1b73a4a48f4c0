"""The page: whole in itself, every text escaped, every drawing valid and within its frame."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clocks import DAY, HOUR
from streams.findings import Finding
from streams.tools.backtesting import drawing
from streams.tools.backtesting.compare import compare
from streams.tools.backtesting.drawing import FAR_AWAY, HEIGHT, WIDTH, Mark, Stretch, bars, map_of, most_of
from streams.tools.backtesting.noise import noise
from streams.tools.backtesting.page import Run, page
from streams.tools.backtesting.verdict import Verdict, by_rule
from tests.responses import NOON, bundle, finding, rule

NASTY = "<script>alert('x')</script> & \"more\""


def at(name: str, lat: float, **parts: Any) -> Finding:
    return finding(name, facts={"place.lat": lat, "place.lon": 124.0, "place.district": "west"}, **parts)


FINDINGS = [
    at("a", 30.0, key={"name": NASTY}), at("b", 30.1, opened=60, closed=90), at("c", 30.2, rule="leak", opened=5)]


def run(findings: list[Finding]) -> Run:
    return Run(findings, noise(findings, "UTC", NOON, NOON + DAY), {"records": 3, "reasons": {"late": 1}, "none": ""},
               NOON, NOON + DAY)


def drawings(text: str) -> list[ET.Element]:
    return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def test_a_page_is_whole_in_itself() -> None:
    text = page("Backtest of rules", run(FINDINGS), bundle(rule("crash"), rule("leak")))
    assert not re.search(r"https?:|src=|href=|@import|url\(|<script", text)
    assert "default-src 'none'" in text
    days, places, times = drawings(text)
    assert len(places.findall("circle")) == 3
    assert len(times.findall("rect")) == 3
    assert sum(int(title.text.split()[1]) for title in days.iter("title") if title.text) == 3
    assert NASTY not in text
    assert unescape(text).count(NASTY) == 4
    assert ">3 findings on 2 days, 1.5 a day.<" in text


def test_a_page_of_differences_tells_them_with_their_reasons() -> None:
    old, new = FINDINGS[:2], [FINDINGS[0], at("b2", 30.1, opened=60, closed=95), FINDINGS[2]]
    found = Verdict(("HEAD", "rules"), noise(old, "UTC", NOON, NOON + DAY), noise(new, "UTC", NOON, NOON + DAY),
                    by_rule(compare(old, new), lambda name: [f"because of <{name}>"]))
    text = page("Difference", run(new), bundle(rule("crash"), rule("leak")), found)
    assert "From HEAD to rules: 1 added, 0 removed, 1 changed." in text
    assert "because of &lt;crash&gt;" in text
    _, places, _ = drawings(text)
    assert sorted(str(mark.get("class")) for mark in places.findall("circle")) == ["added", "changed", "same"]


def test_a_page_of_nothing_is_one() -> None:
    text = page("Nothing", run([]), bundle(rule("crash")))
    assert "0 findings on 2 days, 0.0 a day." in text
    assert len(drawings(text)) == 1


PLACES = st.lists(st.tuples(st.floats(-89, 89), st.floats(-179, 179)), min_size=1, max_size=30)


@given(PLACES)
def test_every_place_is_drawn_within_the_frame(places: list[tuple[float, float]]) -> None:
    marks = [Mark(lat, lon, "c0", f"{lat}") for lat, lon in places]
    drawn = ET.fromstring(map_of(marks))
    height = float(drawn.attrib["viewBox"].split()[3])
    assert height <= HEIGHT + 1
    for circle in drawn.findall("circle"):
        assert 0 <= float(circle.attrib["cx"]) <= WIDTH
        assert 0 <= float(circle.attrib["cy"]) <= height


def test_a_metre_is_as_long_up_as_across() -> None:
    frame = drawing.Frame([(60.0, 10.0), (60.1, 10.4)])
    (x, y), (across, _), (_, up) = frame.at(60.05, 10.2), frame.at(60.05, 10.4), frame.at(60.15, 10.2)
    assert abs(up - y) == pytest.approx(abs(across - x), rel=0.01)


def test_a_wrong_place_does_not_make_a_city_a_dot() -> None:
    city = [30 + number / 10_000 for number in range(2 * FAR_AWAY)]
    assert most_of([*city, -80.0])[0] > 29.9
    marks = [Mark(lat, 124.0 + lat / 100, "c0", "") for lat in [*city, -80.0]]
    assert "1 lie beyond the edge" in map_of(marks)


def test_the_time_line_keeps_to_its_span() -> None:
    stretches = [Stretch("rule & more", NOON - HOUR, NOON + HOUR, "c0", "a"), Stretch("b", NOON + DAY, None, "c1", "b")]
    drawn = ET.fromstring(drawing.time_line(stretches, NOON, NOON + 2 * DAY, "Asia/Shanghai"))
    rects = drawn.findall("rect")
    assert [rect.get("class") for rect in rects] == ["c0", "c1"]
    assert all(float(rect.attrib["x"]) + float(rect.attrib["width"]) <= WIDTH for rect in rects)
    assert [text.text for text in drawn.findall("text")] == ["2025-07-02", "2025-07-03", "rule & more", "b"]
    assert drawing.time_line([], 0, 0, "UTC") == ""


def test_bars_of_two_versions_stand_side_by_side() -> None:
    drawn = ET.fromstring(bars(["d1", "d2"], [("same", [1, 2]), ("c0", [4, 0])]))
    assert [(rect.get("class"), float(rect.attrib["height"])) for rect in drawn.findall("rect")] == [
        ("same", 30.0), ("same", 60.0), ("c0", 120.0), ("c0", 0.0)]
    assert bars([], []) == ""
