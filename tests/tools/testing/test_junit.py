"""JUnit XML as CI systems read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from streams.tools.ruletest import Result
from streams.tools.testing import junit

RESULTS = [
    Result("crashes", "two & <three>", [], [], "rules/a.yaml:3", seconds=0.0004),
    Result("crashes", "bell \x07", ["opened is 4m", "another"], ["rules/a.yaml:9", "rules/a.yaml:8"], "rules/a.yaml:7",
           notes=["a note"], seconds=0.5),
    Result("other", "one", [], [], "rules/b.yaml:1"),
]


def test_a_suite_a_file_and_a_case_a_test(tmp_path: Path) -> None:
    junit.write(tmp_path / "new" / "out.xml", RESULTS)
    whole = ET.parse(tmp_path / "new" / "out.xml").getroot()
    assert [whole.tag, *map(whole.get, ("tests", "failures", "time"))] == ["testsuites", "3", "1", "0.500"]
    assert [(one.get("name"), one.get("tests")) for one in whole] == [("rules/a.yaml", "2"), ("rules/b.yaml", "1")]
    case = whole[0][0]
    assert dict(case.attrib) == {"classname": "crashes", "name": "two & <three>", "file": "rules/a.yaml", "line": "3",
                                 "time": "0.000"}
    assert len(case) == 0


def test_a_failure_says_all_that_differs_without_what_xml_cannot_hold() -> None:
    case = ET.fromstring(junit.document(RESULTS))[0][1]
    assert case.get("name") == "bell \ufffd"
    assert case[0].get("message") == "opened is 4m"
    assert case[0].text == "rules/a.yaml:9: opened is 4m\nrules/a.yaml:8: another\na note"
