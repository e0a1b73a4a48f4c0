"""CEL's string functions with the standard strings extension. Positions count code points."""

from __future__ import annotations

from typing import Any

from streams.conditions.runtime import no_overload
from streams.conditions.values import EvalError, Failure

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501
_ESCAPES = str.maketrans({
    "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\",
    '"': r"\"",
})


def _need(name: str, args: tuple[Any, ...], *kinds: type) -> None:
    """The arguments must be of exactly these types (bool is no int)."""
    if tuple(map(type, args)) != kinds:
        no_overload(name, *args)


def _out_of_range(position: int) -> EvalError:
    return EvalError(Failure.MISSING, f"the string has no position {position}")


def starts_with(text: Any, other: Any) -> bool:
    """`text.startsWith(other)`."""
    _need("startsWith", (text, other), str, str)
    return bool(text.startswith(other))


def ends_with(text: Any, other: Any) -> bool:
    """`text.endsWith(other)`."""
    _need("endsWith", (text, other), str, str)
    return bool(text.endswith(other))


def contains(text: Any, other: Any) -> bool:
    """`text.contains(other)`."""
    _need("contains", (text, other), str, str)
    return other in text


def char_at(text: Any, position: Any) -> str:
    """The character there; at the very end the empty string."""
    _need("charAt", (text, position), str, int)
    if not 0 <= position <= len(text):
        raise _out_of_range(position)
    return str(text[position:position + 1])


def index_of(text: Any, other: Any, start: Any = 0) -> int:
    """Where `other` first stands, from `start` on; -1 if nowhere."""
    _need("indexOf", (text, other, start), str, str, int)
    if not 0 <= start <= len(text):
        raise _out_of_range(start)
    return int(text.find(other, start))


def last_index_of(text: Any, other: Any, start: Any = None) -> int:
    """Where `other` last stands, beginning at `start` or before; -1 if nowhere."""
    position = len(text) if start is None and isinstance(text, str) else start
    _need("lastIndexOf", (text, other, position), str, str, int)
    if not 0 <= position <= len(text):
        raise _out_of_range(position)
    return int(text.rfind(other, 0, position + len(other)))


def join(parts: Any, separator: Any = "") -> str:
    """`parts.join(separator)`."""
    if not isinstance(parts, list | tuple) or any(type(part) is not str for part in parts):
        no_overload("join", parts, separator)
    _need("join", (separator,), str)
    return str(separator.join(parts))


def lower_ascii(text: Any) -> str:
    """A to Z in lower case, all else as it is."""
    _need("lowerAscii", (text,), str)
    return str(text.translate(_LOWER))


def upper_ascii(text: Any) -> str:
    """a to z in upper case, all else as it is."""
    _need("upperAscii", (text,), str)
    return str(text.translate(_UPPER))


def replace(text: Any, old: Any, new: Any, limit: Any = -1) -> str:
    """`text.replace(old, new, limit)`; a negative limit is none."""
    _need("replace", (text, old, new, limit), str, str, str, int)
    return str(text.replace(old, new, max(limit, -1)))


def split(text: Any, separator: Any, limit: Any = -1) -> list[str]:
    """`text.split(separator, limit)`: at most `limit` parts, the last holds the rest; 0 gives none."""
    _need("split", (text, separator, limit), str, str, int)
    if limit == 0:
        return []
    if separator == "":
        head = len(text) if limit < 0 else min(limit - 1, len(text))
        return [*text[:head], *([text[head:]] if head < len(text) or not text else [])]
    return list(text.split(separator, max(limit - 1, -1)))


def substring(text: Any, start: Any, end: Any = None) -> str:
    """From `start` up to but not including `end`."""
    last = len(text) if end is None and isinstance(text, str) else end
    _need("substring", (text, start, last), str, int, int)
    if not 0 <= start <= len(text):
        raise _out_of_range(start)
    if not start <= last <= len(text):
        raise _out_of_range(last)
    return str(text[start:last])


def trim(text: Any) -> str:
    """Without white space at both ends."""
    _need("trim", (text,), str)
    return str(text.strip(_SPACES))


def reverse(text: Any) -> str:
    """The characters from the last to the first."""
    _need("reverse", (text,), str)
    return str(text[::-1])


def quote(text: Any) -> str:
    """In double quotes, with what needs it escaped."""
    _need("strings.quote", (text,), str)
    return f'"{text.translate(_ESCAPES)}"'
