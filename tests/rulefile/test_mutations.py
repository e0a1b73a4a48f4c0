"""Whatever is done to a right file, its author gets a bundle or problems, never a traceback."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.problems import Gravity
from streams.rulefile import check_files
from streams.rulefile.codes import EXPIRED

BASE = b"""\
{kind: event_type, id: a.b, fields: {device: string, level: double, n: int, on: bool, p: place}}
---
{kind: event_type, id: a.c, fields: {device: string}}
---
kind: source
id: feed
topic: t
format: json
event: {id: record.id, type: record.type, time: record.time}
"""
RIGHT = {
    "m.yaml": b"""\
kind: match
id: m
event: [a.b, a.c]
where: device == 'x' && level > 3.0
by: [device, n]
owner: o
alert: {title: "At {{ place.address }}", summary: "{{ key.device }} {{ level }}"}
""",
    "t.yaml": b"""\
kind: threshold
id: t
event: a.*
by: device
window: {type: hopping, size: 1h, hop: 5m}
measure: {p90: level}
condition: {gte: 3}
recovery: {lt: 1.5}
min_events: 2
for: 1m
""",
    "s.yaml": b"""\
kind: sequence
id: s
by: device
within: 5m
steps:
  - {name: one, event: a.b, where: on, count: {min: 2}}
  - {name: two, not: {event: a.c}}
until: {event: a.c}
select: each
limit: 3
dispatch: {to: unit, priority: 2, instruction: '{{ one.n }}'}
""",
    "q.yaml": b"""\
kind: absence
id: q
event: a.b
by: device
every: 'register("r", device).every'
expect: {register: r}
""",
    "r.yaml": b"""\
kind: register
id: r
key: device
fields: {device: string, every: {type: duration}, at: place}
""",
    "r.csv": b"""\
device,every,lat,lon
d1,10m,1,2
"d2",1h,,
""",
    "f2.yaml": b"""\
kind: source
id: f2
topic: t2
format: csv
zone: Asia/Shanghai
silence: 3h
open: true
event:
  id: string(row)
  type: "'a.' + record.kind"
  time: {value: record.at, format: '%Y-%m-%d %H:%M:%S', else: received}
  place: {lat: double(record.lat), lon: double(record.lon)}
  fields: {device: record.device}
""",
    "x.yaml": b"""\
kind: event_type
id: x.y
fields:
  k: {type: string, enum: [a, b], register: r}
  z: &z {type: int}
  w: *z
""",
    "l.yaml": b"""\
kind: list
id: l
values: [1, two, 3.5, true]
---
kind: city
name: C
zone: UTC
districts: [n]
""",
    "u.yaml": b"""\
kind: macro
id: high
parameters: {than: double, where: place}
expression: level > than && has(where.lat) && on
---
kind: macro
id: low
expression: "!high(3, place) || n == 1"
---
kind: match
id: u
event: a.b
where: low() && high(2.5, p)
""",
    "v.yaml": b"""\
kind: template
id: v
parameters: {device: string, than: {type: double, default: 3}, span: duration, more: expression}
instances:
  - {id: a, device: "d'1", span: 10m, more: n > 1}
  - {id: b, device: d2, than: 4.5, span: 1h, more: on}
rule:
  kind: threshold
  title: $device ${than}x $$
  event: a.b
  by: [place.district, device]
  where: device == $device && level > $than && $more
  window: $span
  condition: {gte: 3}
  tests: [{events: [{at: 0s, event: a.b, device: $device}], expect: []}]
---
kind: override
id: o
rule: v
district: n
set: {condition: {gte: 2}, window: 2h, alert: {title: "{{ place.address }}"}}
reason: r
tests: [{events: [], expect: []}]
""",
    "c.yaml": b"""\
kind: list
id: days
values: [2026-01-01, 2026-12-25]
---
kind: threshold
id: c
event: [a.b, a.c]
where: device in lists.known && local(time).getHours() >= 6
near: 250m
window: 30m
measure: {distinct: device}
condition: {gte: 3}
severity: "value >= 5 ? 'severe' : 'minor'"  # tocsin: snooze TOC119 until 2027-01-01: a test
schedule: {days: mon-fri, from: "07:00", to: "19:00", holidays: exclude, calendar: lists.days, zone: UTC}
exceptions:
  - {name: works, where: device == "d1", expires: 2027-01-31, reason: new, owner: o}
limit: {alerts: 3, per: 1h}
tests:
  - {name: t, events: [{at: 0s, event: a.b, place: [0, 0]}], expect: [{opened: 0s, closed: 1m}]}
---
kind: list
id: known
values: [d1, d2]
---
# tocsin: snooze TOC070, TOC071 until 2026-01-01: long ago
kind: sequence
id: d
ordered: false
near: 2km
around: two
by: two.device
within: 15m
select: all
steps:
  - {name: one, event: a.b, where: level > 3.0 && level < 30.0}
  - {name: two, event: a.c}
---
kind: threshold
id: e
rule: [c, d]
by: device
window: 24h
condition: {gte: 2}
suppress_for: 1h
""",
    "z.geojson": b"""\
{"type": "FeatureCollection", "features": [
 {"type": "Feature", "id": "a", "properties": {"name": "b"}, "geometry":
  {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}},
 {"type": "Feature", "id": 7, "properties": null, "geometry":
  {"type": "MultiPolygon", "coordinates": [[[[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]]]}}]}
""",
    "m.test.yaml": b"""\
tests:
  - name: t
    events: [{at: 0s, event: a.b}]
    expect: []
""",
}
NAMES = sorted(RIGHT)
NEEDED = {"q.yaml": ("r.yaml", "r.csv"), "x.yaml": ("r.yaml", "r.csv"), "r.yaml": ("r.csv",), "r.csv": ("r.yaml",),
          "m.test.yaml": ("m.yaml",)}
NASTY = [
    "\t", "\n", " ", "  ", "*z", "&z", "<<", "{", "}", "[", "]", "'", '"', "|", ">", "-", "- ", ":", ": ", "?", "#",
    ",", "0", "-1", "1e999", ".nan", "99999999999999999999", "null", "~", "true", "off", "0s", "10m", "9999999w",
    "\x00", "\x85", "\u2028", "\ufeff", "é", "😀", "!!int", "!x", "---", "...", "%YAML 9.9", "@", "`", "\\", "{{",
    "}}", "a.*", "*", "kind", "id", "not", "by", "steps", "event", "within", "type", "rule", "p50", "count", "slope",
    "per", "$", "/", "..", "[[[[", "((((", "&&", "||", "==", "register", "lists", "event.x", "size", "0x10", "0o7",
    "near", "around", "0m", "rule", "severity", "2027-02-30", "tocsin:", "snooze", "TOC073", "until", "exceptions",
    "mon",
]
TODAY = date(2026, 7, 1)
WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file's name, and its text after up to four changes of a word or a byte."""
    name = draw(st.sampled_from(NAMES))
    words = WORDS.findall(RIGHT[name].decode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        change = draw(st.sampled_from(["remove", "replace", "insert", "swap", "cut"]))
        word = draw(st.sampled_from(NASTY) | st.sampled_from(words))
        if change == "cut":
            words = words[: at + 1]
        elif change == "swap":
            other = draw(st.integers(0, len(words) - 1))
            words[at], words[other] = words[other], words[at]
        else:
            words[at:at + (change != "insert")] = [] if change == "remove" else [word]
        words = words or [""]
    text = "".join(words).encode("utf-8", "replace")
    if draw(st.booleans()) and draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + bytes([draw(st.integers(0, 255))]) + text[at:]
    return name, text


def neighbours(name: str) -> dict[str, bytes]:
    """What a file needs to be right."""
    return {"base.yaml": BASE, **{one: RIGHT[one] for one in NEEDED.get(name, ())}}


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_right_before_they_are_broken(name: str) -> None:
    bundle, problems = check_files({**neighbours(name), name: RIGHT[name]})
    assert bundle is not None, "\n".join(problem.render() for problem in problems)


@given(broken())
@example(("t.yaml", b"\xff\xfe"))
@example(("m.yaml", b"kind: match\nid: m\nevent: a.b\nwhere: |\n"))
@example(("m.yaml", b"? {a: b}\n: c\n"))
@example(("m.yaml", b"a: &a [*a]"))
@example(("m.yaml", b"a: &a\n  b: *a"))
@example(("m.yaml", b"<<: [{a: b}, c]\n<<: d"))
@example(("m.yaml", b"&a a: *a"))
@example(("m.yaml", b"*a : b"))
@example(("m.yaml", b'kind: match\nid: m\nevent: a.b\nowner: "\\ud83d"\n"\\ude00": 1\n'))
@example(("r.csv", b'device,every,lat,lon\n"d1,10m,1,2\n'))
@example(("r.csv", b"\n\n"))
def test_a_broken_file_gives_a_bundle_or_problems(case: tuple[str, bytes]) -> None:
    name, content = case
    bundle, problems = check_files({**neighbours(name), name: content}, today=TODAY)
    stopping = [problem for problem in problems if problem.gravity in (Gravity.FATAL, Gravity.BUG)]
    assert (bundle is None) == any(problem.code != EXPIRED.code for problem in stopping)
    text = content.decode("utf-8", "replace")
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.length >= 1
        assert problem.message
        assert "Traceback" not in problem.message
        assert "\n" not in problem.message
        assert problem.render(text)


@given(st.text(alphabet="[]{}-:?&*!|>'\"%@`# \n\tab1,<", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    check_files({"a.yaml": text.encode()})


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, problems = check_files({"a.yaml": "\n".join(lines).encode()})
    assert [problem.code for problem in problems] == ["TOC008"]
