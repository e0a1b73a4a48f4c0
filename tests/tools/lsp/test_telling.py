"""Problems as diagnostics: places in the client's units, open files in place of those on disk, each bout once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cli import main
from streams.problems import Gravity, Problem
from streams.rulefile.spots import FileText
from streams.tools.lsp.checking import checked
from streams.tools.lsp.folder import Folder
from streams.tools.lsp.pace import Pace
from streams.tools.lsp.telling import Diagnostic, Lines, Range, diagnostics
from tests.tools.lsp.files import FILES, TODAY, check, written

TEXTS = st.text(st.sampled_from("ab\U0001f6d1é\n\r"), max_size=30)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(text=TEXTS, data=st.data())
def test_an_offset_is_found_again_by_line_and_column(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        return  # within the end of a line there is no place
    for units in (len, utf16):
        assert Lines(text).offset(*Lines(text).position(offset, units), units) == offset


@given(text=TEXTS, line=st.integers(0, 9), column=st.integers(0, 40))
def test_any_place_is_in_the_text(text: str, line: int, column: int) -> None:
    assert 0 <= Lines(text).offset(line, column, utf16) <= len(text)


def test_columns_count_as_the_client_does() -> None:
    text = "title: \U0001f6d1 x\nwhere: y\n"
    problem = Problem("a.yaml", 1, 10, "TOC013", "wrong", "mend it")
    found = diagnostics([problem], {"a.yaml": text}, utf16)
    assert found == {"a.yaml": [Diagnostic(Range(0, 10, 0, 11), 1, "TOC013", "wrong\ndo: mend it")]}
    assert diagnostics([problem], {"a.yaml": text}, len)["a.yaml"][0].range == Range(0, 9, 0, 10)


def test_a_line_is_what_the_protocol_calls_so() -> None:
    """The problem's line counts ends of lines that only Unicode knows; a client does not."""
    text = 'title: "a\u2028b"\nwher: x\n'
    line, column = FileText("a.yaml", text).position(text.index("wher"))
    assert line == 3
    [found] = diagnostics([Problem("a.yaml", line, column, "TOC013", "x", length=4)], {"a.yaml": text}, utf16)["a.yaml"]
    assert found.range == Range(1, 0, 1, 4)


@pytest.mark.parametrize(("gravity", "level"), [
    (Gravity.FATAL, 1), (Gravity.BUG, 1), (Gravity.WARNING, 2), (Gravity.INFO, 4)])
def test_levels(gravity: Gravity, level: int) -> None:
    [found] = diagnostics([Problem("a", 9, 9, "TOC001", "x", "", gravity)], {}, utf16)["a"]
    assert (found.level, found.range) == (level, Range(0, 0, 0, 0))


def test_it_tells_what_check_tells_with_what_is_wrong_with_tests(tmp_path: Path, capfd: pytest.CaptureFixture[str]
                                                                 ) -> None:
    wrong = {"detect/gas.yaml": FILES["detect/gas.yaml"] + "tests: [{name: a, evnts: []}]\n"}
    written(tmp_path, wrong)
    main(["check", "--rules", str(tmp_path), "--today", TODAY.isoformat(), "--json"])
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {one["code"] for one in told} > {"TOC091", "TOC072"}
    root = f"{tmp_path.as_posix()}/"
    assert [msgspec.to_builtins(one) for one in check(tmp_path).problems] == [
        {**one, "file": one["file"].removeprefix(root), "message": one["message"].replace(root, "")} for one in told]


def test_open_files_stand_in_place_of_those_on_disk(tmp_path: Path) -> None:
    written(tmp_path)
    wrong = {"detect/gas.yaml": FILES["detect/gas.yaml"].replace("window:", "windows:"), "detect/new.yaml": "kind: x\n"}
    found = check(tmp_path, wrong)
    assert {(one.file, one.code) for one in found.problems if one.gravity is Gravity.BUG} == {
        ("detect/gas.yaml", "TOC013"), ("detect/new.yaml", "TOC010")}
    assert found.texts["detect/gas.yaml"] == wrong["detect/gas.yaml"]
    assert (tmp_path / "detect" / "gas.yaml").read_text() == FILES["detect/gas.yaml"]


def test_a_later_check_reads_only_what_has_changed(tmp_path: Path) -> None:
    before = check(written(tmp_path)).folder
    after = checked(tmp_path, {"lists.yaml": FILES["lists.yaml"] + "# x\n"}, before, TODAY).folder
    assert after.files["events.yaml"] is before.files["events.yaml"]
    assert after.files["lists.yaml"] is not before.files["lists.yaml"]
    assert after.having({}).files == {}


def test_findings_are_known_from_the_last_check_that_had_a_bundle(tmp_path: Path) -> None:
    good = check(written(tmp_path)).folder
    assert "device" in good.fields("rule:gas-often")
    bad = checked(tmp_path, {"detect/gas.yaml": "kind: match\nid: x\n"}, good, TODAY)
    assert any(one.gravity is Gravity.BUG for one in bad.problems)
    assert "device" in bad.folder.fields("rule:gas-often")
    assert Folder().fields("rule:gas-often") == {}


def test_each_bout_of_changes_is_checked_once_and_one_at_a_time() -> None:
    async def play() -> list[str]:
        told: list[str] = []
        ready, gate = asyncio.Event(), asyncio.Event()

        async def quiet() -> None:
            told.append("quiet")
            if len(told) == 1:  # somebody types meanwhile
                pace.touch()
                pace.touch()
            await asyncio.sleep(0)

        async def job() -> None:
            told.append("job")
            ready.set()
            await gate.wait()
            told.append("done")

        pace = Pace(job, quiet)
        running = asyncio.create_task(pace.run())
        pace.touch()
        async with asyncio.timeout(10):
            await ready.wait()
            ready.clear()
            pace.touch()  # while a check runs
            gate.set()
            await ready.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return told

    assert asyncio.run(play()) == ["quiet", "quiet", "job", "done", "quiet", "job", "done"]
