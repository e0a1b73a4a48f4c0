"""Drawings for the page of a backtest, as SVG: where findings were, when, and how many a day.

Everything is drawn with classes; the page says which colour each has. Every text is escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from html import escape

import msgspec
import shapely

from streams.clocks import micros, zone_of
from streams.places import EARTH_RADIUS_M
from streams.records import Micros
from streams.tools.backtesting.noise import days_between
from streams.zones import Zone

WIDTH, HEIGHT, MARGIN = 960.0, 560.0, 24.0
MARKS_AT_MOST = 5_000
FAR_AWAY = 100  # one in so many may lie beyond the edge, on each side
ROW, LABEL, TICKS_AT_MOST = 18.0, 220.0, 12
BAR_HEIGHT = 120.0
METRES_A_DEGREE = math.radians(EARTH_RADIUS_M)


class Mark(msgspec.Struct, frozen=True):
    """One finding on the map: its class (a colour), and what is said of it."""

    lat: float
    lon: float
    look: str
    text: str


class Stretch(msgspec.Struct, frozen=True):
    """One finding on the time line of its row; `end` None: it lasts."""

    row: str
    start: Micros
    end: Micros | None
    look: str
    text: str


class Frame:
    """How degrees become places on the drawing: as large as fits, one metre as long up as across."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
        (south, self.north), (self.west, east) = most_of(lats), most_of(lons)
        self.narrow = max(0.05, math.cos(math.radians((south + self.north) / 2)))
        up, across = self.north - south, (east - self.west) * self.narrow
        room = [(WIDTH - 2 * MARGIN) / across if across else math.inf, (HEIGHT - 2 * MARGIN) / up if up else math.inf]
        self.scale = min(*room, 1e6)  # pixels a degree; all in one spot is no reason to look at millimetres
        self.height = up * self.scale + 2 * MARGIN

    def at(self, lat: float, lon: float) -> tuple[float, float]:
        """Where a place is drawn."""
        return MARGIN + (lon - self.west) * self.narrow * self.scale, MARGIN + (self.north - lat) * self.scale

    def shows(self, mark: Mark) -> bool:
        """Whether a mark lies on the drawing."""
        x, y = self.at(mark.lat, mark.lon)
        return 0 <= x <= WIDTH and 0 <= y <= self.height


def most_of(values: Sequence[float]) -> tuple[float, float]:
    """From where to where nearly all lie: a single wrong place does not make a city a dot."""
    found = sorted(values)
    edge = len(found) // FAR_AWAY
    low, high = found[edge], found[-1 - edge]
    room = (high - low) * 0.1 if edge else 0.0
    return max(found[0], low - room), min(found[-1], high + room)


def map_of(marks: Sequence[Mark], areas: Sequence[Zone] = ()) -> str:
    """Findings as dots, areas as outlines, a scale; "" where no place is known."""
    if not marks:
        return ""
    frame = Frame([(mark.lat, mark.lon) for mark in marks])
    parts = [f'<path class="area" d="{_outline(area, frame)}"><title>{escape(area.name)}</title></path>'
             for area in areas]
    shown = [mark for mark in marks if frame.shows(mark)]
    for mark in shown[:MARKS_AT_MOST]:
        x, y = frame.at(mark.lat, mark.lon)
        parts.append(f'<circle class="{mark.look}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(mark.text)}</title>'
                     "</circle>")
    parts.append(_scale(frame))
    if len(shown) < len(marks):
        told = f"{len(marks) - len(shown)} lie beyond the edge"
        parts.append(f'<text x="{WIDTH - MARGIN}" y="{frame.height - 4:.1f}" class="row">{told}</text>')
    return _svg(frame.height, "map of the findings", parts)


def time_line(stretches: Sequence[Stretch], first: Micros, last: Micros, zone: str) -> str:
    """A row a name, a bar a finding, a line a midnight; "" where there is none."""
    if not stretches:
        return ""
    rows = {name: index for index, name in enumerate(dict.fromkeys(one.row for one in stretches))}
    span = max(last - first, 1)

    def x(time: Micros) -> float:
        return LABEL + min(max(time - first, 0), span) / span * (WIDTH - LABEL - MARGIN)

    bottom = len(rows) * ROW
    parts = list(_midnights(first, last, zone, x, bottom))
    for name, index in rows.items():
        shown = name if len(name) <= 32 else f"{name[:31]}…"
        parts.append(f'<text x="{LABEL - 8}" y="{index * ROW + 13}" class="row">{escape(shown)}</text>')
    for one in stretches[:MARKS_AT_MOST]:
        start, end = x(one.start), x(last if one.end is None else one.end)
        parts.append(f'<rect class="{one.look}" x="{start:.1f}" y="{rows[one.row] * ROW + 3:.1f}" rx="2" '
                     f'width="{max(end - start, 3):.1f}" height="{ROW - 6}"><title>{escape(one.text)}</title></rect>')
    return _svg(bottom + 20, "time line of the findings", parts)


def bars(days: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]) -> str:
    """A bar a day for each (class, counts); "" for no days."""
    if not days:
        return ""
    most = max((count for _, counts in series for count in counts), default=0) or 1
    step = (WIDTH - 2 * MARGIN) / len(days)
    wide = step * 0.8 / len(series)
    parts = []
    for number, (look, counts) in enumerate(series):
        for index, (day, count) in enumerate(zip(days, counts, strict=True)):
            tall = BAR_HEIGHT * count / most
            parts.append(f'<rect class="{look}" x="{MARGIN + index * step + number * wide:.1f}" '
                         f'y="{BAR_HEIGHT - tall + 4:.1f}" width="{max(wide, 0.5):.1f}" height="{tall:.1f}">'
                         f"<title>{day}: {count}</title></rect>")
    every = math.ceil(len(days) / TICKS_AT_MOST)
    parts += [f'<text x="{MARGIN + index * step:.1f}" y="{BAR_HEIGHT + 18}">{day}</text>'
              for index, day in enumerate(days) if index % every == 0]
    return _svg(BAR_HEIGHT + 24, "findings a day", parts)


def _midnights(first: Micros, last: Micros, zone: str, x: Callable[[Micros], float], bottom: float) -> Iterator[str]:
    days = days_between(first, last, zone)[1:]
    every = math.ceil(len(days) / TICKS_AT_MOST) or 1
    for day in days[::every]:
        at = x(_midnight(day, zone))
        yield f'<line class="tick" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{bottom}"/>'
        yield f'<text x="{at + 3:.1f}" y="{bottom + 14}">{day}</text>'


def _midnight(day: str, zone: str) -> Micros:
    return micros(datetime.fromisoformat(day).replace(tzinfo=zone_of(zone)))


def _outline(area: Zone, frame: Frame) -> str:
    """The border as a path, no finer than can be seen."""
    shape = shapely.simplify(area.shape, 0.5 / frame.scale)
    rings = [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]
    return " ".join("M" + "L".join("{:.1f},{:.1f}".format(*frame.at(lat, lon)) for lon, lat in ring.coords) + "Z"
                    for ring in rings)


def _scale(frame: Frame) -> str:
    """A bar of a round length, about a sixth of the drawing."""
    metres = WIDTH / 6 / frame.scale * METRES_A_DEGREE
    power = 10 ** math.floor(math.log10(metres))
    length = max(step * power for step in (1, 2, 5) if step * power <= metres)
    told = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    wide, y = length / METRES_A_DEGREE * frame.scale, frame.height - 8
    return (f'<line class="scale" x1="{MARGIN}" x2="{MARGIN + wide:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{MARGIN + wide + 6:.1f}" y="{y + 4:.1f}">{told}</text>')


def _svg(height: float, what: str, parts: Iterable[str]) -> str:
    return (f'<svg viewBox="0 0 {WIDTH:g} {height:.0f}" role="img" aria-label="{escape(what)}">'
            + "\n".join(parts) + "</svg>")
