"""How the simple types of a field are read: texts, numbers, durations, choices, zones, expressions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar

import msgspec

from streams.clocks import DAY, duration, zone_of
from streams.kinds import Field
from streams.places import RADIUS_AT_MOST
from streams.records import Micros
from streams.rulefile import codes
from streams.rulefile.codes import Code, Report
from streams.rulefile.nodes import MISSING, Listing, Node, Scalar, describe, plain
from streams.rulefile.spots import Spot

STATUSES = ("experimental", "test", "stable", "deprecated")
LONGEST: Micros = 36_500 * DAY
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
T = TypeVar("T")


class Bad(Exception):
    """A value that cannot be read."""

    def __init__(self, code: Code, spot: Spot, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code, self.spot, self.text, self.hint = code, spot, text, hint

    def tell(self, report: Report) -> None:
        """Report it."""
        report.add(self.code, self.spot, self.text, self.hint)


class Told(Exception):
    """A value that cannot be read, for reasons that are reported already."""


class Passage(msgspec.Struct, frozen=True):
    """A piece of text that is to be understood later, and where it stands."""

    text: str
    node: Scalar

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return self.node.spot


Reader: TypeAlias = Callable[[Node, Field, Report], Any]


def nearest(name: str, names: Iterable[str]) -> str:
    """The known name that looks most like a wrong one; "" if none does."""
    found = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return found[0] if found else ""


def a_or_an(word: str) -> str:
    """A word with its article."""
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def advise(name: str, names: Iterable[str], what: str = "use one of") -> str:
    """What to do about a wrong name: the nearest known one, else the known ones."""
    known = sorted(set(names))
    near = nearest(name, known)
    if near:
        return f"did you mean `{near}`?"
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"{what}: {shown}" if known else ""


def scalar(node: Node, wanted: str, code: Code = codes.WRONG_TYPE) -> Scalar:
    """The node if it is a single value that is not nothing."""
    if isinstance(node, Scalar) and node.tag == MISSING:
        raise Told
    if not isinstance(node, Scalar) or node.value is None:
        raise Bad(code, node.spot, f"{describe(node)} stands where {wanted} belongs")
    return node


def read_string(node: Node, field: Field, report: Report) -> str:
    """Any single value, as its text; one of `field.values` if there are such."""
    text = scalar(node, "a text").text
    if field.values and text not in field.values:
        raise Bad(
            codes.NOT_A_CHOICE,
            node.spot,
            f"`{field.name}` is {text!r}, which is none of its values",
            advise(text, field.values),
        )
    return text


def read_id(node: Node, field: Field, report: Report) -> str:
    """Letters, digits, `-`, `_` and `.`."""
    text = scalar(node, "an id").text
    if not _ID.fullmatch(text) or len(text) > 200:
        raise Bad(codes.BAD_ID, node.spot, f"{describe(node)} cannot be an id")
    return text


def read_name(node: Node, field: Field, report: Report) -> str:
    """A name that expressions can use: letters, digits, `_`."""
    text = scalar(node, "a name").text
    if not _WORD.fullmatch(text):
        raise Bad(
            codes.BAD_ID,
            node.spot,
            f"{describe(node)} cannot be a name in expressions",
            "use letters, digits and `_`, beginning with a letter",
        )
    return text


def read_integer(node: Node, field: Field, report: Report) -> int:
    """A whole number."""
    value = scalar(node, "a whole number").value
    if isinstance(value, bool) or not isinstance(value, int):
        raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} is not a whole number")
    return _in_range(value, node)


def read_positive(node: Node, field: Field, report: Report) -> int:
    """A whole number of at least one."""
    value = read_integer(node, field, report)
    if value < 1:
        raise Bad(codes.OUT_OF_RANGE, node.spot, f"`{field.name}` must be at least 1")
    return value


def read_number(node: Node, field: Field, report: Report) -> int | float:
    """A number."""
    value = scalar(node, "a number").value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad(codes.WRONG_TYPE, node.spot, f"{describe(node)} is not a number")
    return _in_range(value, node)


def _in_range(value: T, node: Node) -> T:
    if isinstance(value, float) and not math.isfinite(value) or isinstance(value, int) and abs(value) >= 2**63:
        raise Bad(codes.OUT_OF_RANGE, node.spot, "the number is too large")
    return value


def read_boolean(node: Node, field: Field, report: Report) -> bool:
    """`true` or `false`; YAML 1.2 has no `yes`."""
    value = scalar(node, "true or false").value
    if not isinstance(value, bool):
        raise Bad(
            codes.WRONG_TYPE,
            node.spot,
            f"{describe(node)} is neither true nor false",
            "write true or false, without quotes",
        )
    return value


def read_duration(node: Node, field: Field, report: Report) -> Micros:
    """`90s`, `10m`, ... as microseconds."""
    text = scalar(node, "a duration", codes.BAD_DURATION).text
    try:
        span = duration(text)
    except (ValueError, OverflowError):
        raise Bad(codes.BAD_DURATION, node.spot, f"{describe(node)} is not a duration", duration_hint(text)) from None
    if span > LONGEST:
        raise Bad(codes.OUT_OF_RANGE, node.spot, "the duration is longer than a hundred years")
    return span


def read_distance(node: Node, field: Field, report: Report) -> float:
    """`100m`, `2km` as metres."""
    text = scalar(node, "a distance", codes.BAD_DISTANCE).text
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|km)", text)
    if found is None:
        number = re.match(r"\d+(?:\.\d+)?", text)
        hint = f"say the unit: {number[0]}m or {number[0]}km" if number else ""
        raise Bad(codes.BAD_DISTANCE, node.spot, f"{describe(node)} is not a distance", hint)
    metres = float(found[1]) * (1000 if found[2] == "km" else 1)
    if not 0 < metres <= RADIUS_AT_MOST:
        text = "nothing is within 0 m" if metres == 0 else "a circle of more than 100 km is no place"
        raise Bad(codes.OUT_OF_RANGE, node.spot, text, "write for example 100m or 2km")
    return metres


def duration_hint(text: str) -> str:
    """The very spelling for a person who wrote a bare number, or a unit's long name; "" if nobody knows it."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text)
    if found is None:
        return ""
    number, unit = found.groups()
    if not unit:
        return f"say the unit: {number}s, {number}m, {number}h or {number}d"
    long = unit.lower()
    plain = long[0] in "smhdw" and not long.startswith(("mo", "mic", "mil"))
    short = long if long in ("us", "ms") else long[0] if plain else ""
    return f"write {number}{short}" if short else ""


def read_duration_or_off(node: Node, field: Field, report: Report) -> Micros | None:
    """A duration, or `off` (None)."""
    if isinstance(node, Scalar) and node.text in ("off", "false"):
        return None
    return read_duration(node, field, report)


def read_zone(node: Node, field: Field, report: Report) -> str:
    """The name of a time zone."""
    name = scalar(node, "a time zone").text
    try:
        zone_of(name)
    except (KeyError, ValueError, OSError):
        raise Bad(codes.UNKNOWN_ZONE, node.spot, f"{describe(node)} is not a time zone") from None
    return name


def read_text(node: Node, field: Field, report: Report) -> Passage:
    """A text with `{{ path }}`, or an expression: read later, when it is known what it may name."""
    return Passage(scalar(node, "a text").text, scalar(node, "a text"))


def read_cel(node: Node, field: Field, report: Report) -> Passage:
    """An expression; a YAML number or truth value is an expression too."""
    found = scalar(node, "an expression").expression
    return Passage(found.text, found)


def read_severity(node: Node, field: Field, report: Report) -> str | Passage:
    """A word of the closed list; what is more than a word is an expression."""
    text = scalar(node, "a severity").text
    if _WORD.fullmatch(text) or not text.strip():
        return read_string(node, field, report)
    return read_cel(node, field, report)


def read_duration_or_cel(node: Node, field: Field, report: Report) -> Micros | Passage:
    """What begins like a duration is one; everything else is an expression."""
    text = scalar(node, "a duration or an expression").text
    if re.fullmatch(r"(\d+(\.\d+)?\s*[A-Za-z]*\s*)+", text) or not text.strip():
        return read_duration(node, field, report)
    return read_cel(node, field, report)


def one_or_more(node: Node, read: Callable[[Node], T]) -> tuple[T, ...]:
    """A single value, or a list of them, as a tuple."""
    if isinstance(node, Listing):
        if not node.entries:
            raise Bad(codes.WRONG_TYPE, node.spot, "the list is empty")
        return tuple(read(entry) for entry in node.entries)
    return (read(node),)


def read_texts(node: Node, field: Field, report: Report) -> tuple[Passage, ...]:
    """One expression or event type, or a list of them."""
    return one_or_more(node, lambda entry: read_text(entry, field, report))


def read_strings(node: Node, field: Field, report: Report) -> tuple[str, ...]:
    """A list of texts, perhaps empty."""
    if isinstance(node, Listing):
        return tuple(read_string(entry, field, report) for entry in node.entries)
    return (read_string(node, field, report),)


def read_plain(node: Node, field: Field, report: Report) -> Any:
    """Whatever stands there, as plain values."""
    return plain(node)


def read_later(node: Node, field: Field, report: Report) -> Any:
    """A field of a later version: never ignored in silence."""
    raise Bad(codes.NOT_SUPPORTED, node.spot, f"`{field.name}` is not supported yet")
