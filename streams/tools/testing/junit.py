"""Results of tests as JUnit XML, which CI systems read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from streams.tools.ruletest import Result

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(path: Path, results: Sequence[Result]) -> None:
    """The results as a file; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document(results))


def document(results: Sequence[Result]) -> bytes:
    """A suite for each file, in the order of the results, a case for each test."""
    whole = ET.Element("testsuites", {"name": "tocsin", **_counts(results)})
    for file in dict.fromkeys(result.file for result in results):
        own = [result for result in results if result.file == file]
        suite = ET.SubElement(whole, "testsuite", {"name": _text(file), **_counts(own)})
        for result in own:
            _case(suite, result)
    ET.indent(whole)
    text: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(results: Sequence[Result]) -> dict[str, str]:
    failed = sum(bool(result.problems) for result in results)
    return {"tests": str(len(results)), "failures": str(failed), "errors": "0", "skipped": "0",
            "time": f"{sum(result.seconds for result in results):.3f}"}


def _case(suite: ET.Element, result: Result) -> None:
    line = result.place.rpartition(":")[2]
    case = ET.SubElement(suite, "testcase", {
        "classname": _text(result.rule), "name": _text(result.name), "file": _text(result.file), "line": line,
        "time": f"{result.seconds:.3f}"})
    if result.problems:
        failure = ET.SubElement(case, "failure", {"message": _text(result.problems[0])})
        lines = [f"{place}: {text}" for place, text in zip(result.places, result.problems, strict=True)]
        failure.text = _text("\n".join([*lines, *result.notes]))


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
