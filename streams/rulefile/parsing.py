"""The parser's events of a YAML text: from libyaml where it can read the text, else from ruamel.yaml.

libyaml is some twenty times as fast; ruamel.yaml knows YAML 1.2 and says what is wrong in the words that authors
see. So whatever libyaml trips over, and what the two read differently, is read by ruamel.yaml. Of everything else
both give the same; tests hold them against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from ruamel.yaml import YAML
from yaml.cyaml import CParser

# White space and marks of documents that the two read differently, and a block of text that begins with a comment or
# with a line of blanks.
_APART = re.compile(
    "[\x85\u2028\u2029\ufeff\r\t]|^%|^\\.\\.\\.|(?:^ *|[:?-] +)[|>][-+0-9 ]*(?:\n[ \n]*)?(?: \n|#)", re.MULTILINE)


def events_of(text: str) -> Iterable[Any]:
    """The events; each has the class names, marks and fields that both libraries share. Raises ruamel's errors.

    A list, where no error can come any more.
    """
    quick = None if _APART.search(text) else _quick(text)
    return careful(text) if quick is None else quick


def careful(text: str) -> Iterator[Any]:
    """Those of ruamel.yaml."""
    return iter(YAML(typ="safe", pure=True).parse(text))


def _quick(text: str) -> list[Any] | None:
    """Those of libyaml; None where it cannot read the text, or ruamel.yaml may read it otherwise."""
    parser = CParser(text)
    events = []
    try:
        while parser.check_event():
            event = parser.get_event()
            if _apart(event, text):
                return None
            events.append(event)
    except yaml.YAMLError:
        return None
    finally:
        parser.dispose()
    return events


def _apart(event: Any, text: str) -> bool:
    """Whether an event has an anchor or a tag, or is a pair in a list: `[a: b]`."""
    if isinstance(event, yaml.NodeEvent):
        if event.anchor is not None or getattr(event, "tag", None) is not None:
            return True
        if isinstance(event, yaml.MappingStartEvent):
            return bool(event.flow_style) and text[event.start_mark.index] != "{"
    return False
