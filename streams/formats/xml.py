"""XML, read without trust and written without a library.

What can hurt is refused before it is looked at: a document type (and with it every entity of one's own), more
than `LIMIT` bytes, `MAX_DEPTH` levels or `MAX_ELEMENTS` elements. Nothing is fetched, ever. Comments and processing
instructions are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.parsers import expat
from xml.sax.saxutils import escape

from streams.formats.contract import MAX_DEPTH, FormatError, check_size
from streams.reasons import DeadReason

MAX_ELEMENTS = 20_000
MAX_ATTRIBUTES = 64
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
NO_NAME = re.compile(r"[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BETWEEN = "\x01"  # stands in no name
_ENTITIES = {"\r": "&#13;", '"': "&quot;"}


class Element:
    """An element: its namespace ("" for none), its local name, the elements in it and its text without theirs.

    Attributes are not kept: no format here reads any.
    """

    __slots__ = ("children", "name", "namespace", "text")

    def __init__(self, namespace: str, name: str, children: list[Element] | None = None, text: str = "") -> None:
        self.namespace, self.name, self.text = namespace, name, text
        self.children: list[Element] = [] if children is None else children


def parse(value: bytes) -> Element:
    """The document's root; FormatError too_large, too_deep or not_xml (also for what is forbidden here)."""
    check_size(value)
    return _Reader().read(value)


def element(name: str, content: str | Iterable[str] = "", namespace: str = "") -> str:
    """An element as text: of a text, which is escaped, or of elements that are already text."""
    inner = text_of(content) if isinstance(content, str) else "".join(content)
    head = f'{name} xmlns="{text_of(namespace)}"' if namespace else name
    return f"<{head}>{inner}</{name}>"


def text_of(text: str) -> str:
    """A text as XML may hold it: escaped, and what no XML can hold replaced by U+FFFD."""
    return escape(NO_NAME.sub("\ufffd", text), _ENTITIES)


class _Reader:
    """One pass of expat with everything forbidden that a record does not need."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._root: Element | None = None
        self._count = 0

    def read(self, value: bytes) -> Element:
        """The root, once everything is read."""
        parser = expat.ParserCreate(namespace_separator=_BETWEEN)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _forbidden
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        try:
            parser.Parse(value, True)
        except FormatError:
            raise
        except expat.ExpatError as error:
            raise _refused(f"{expat.ErrorString(error.code)} (line {error.lineno})") from None
        except (ValueError, LookupError):  # of an encoding that is declared and unknown
            raise _refused("it declares an encoding that cannot be read; write UTF-8") from None
        assert self._root is not None, "expat refuses a document without a root"
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH:
            raise FormatError(DeadReason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
        if self._count > MAX_ELEMENTS or len(attributes) > MAX_ATTRIBUTES:
            raise FormatError(
                DeadReason.TOO_LARGE, f"more than {MAX_ELEMENTS} elements, or {MAX_ATTRIBUTES} attributes of one")
        namespace, _, local = name.rpartition(_BETWEEN)
        one = Element(namespace, local)
        if self._open:
            self._open[-1].children.append(one)
        else:
            self._root = one
        self._open.append(one)
        self._texts.append([])

    def _end(self, _: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def _text(self, text: str) -> None:
        self._texts[-1].append(text)


def _forbidden(*_: object) -> None:
    raise _refused("it has a document type (DOCTYPE); entities of one's own are never read")


def _refused(text: str) -> FormatError:
    return FormatError(DeadReason.NOT_XML, f"not XML that is read here: {text}")
