"""The language server as an editor has it: a process that is spoken to in its protocol. Waits have deadlines."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from streams.tools.lsp.server import rules_below
from tests.conftest import ROOT
from tests.tools.lsp.files import FILES, written

DEADLINE_S = 60.0
GAS = FILES["detect/gas.yaml"]


class Editor:
    """One end of the protocol. What the server says of itself is kept in `heard`, in order."""

    def __init__(self, root: Path, *options: str) -> None:
        words = [sys.executable, "-m", "streams.cli", "lsp", *options]
        self.program = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.root, self.number, self.version = root, 0, 0
        self.answers: dict[int, Any] = {}
        self.heard: list[tuple[str, Any]] = []
        self._came: queue.Queue[Any] = queue.Queue()
        assert self.program.stdout is not None
        threading.Thread(target=_listen, args=(self.program.stdout, self._came), daemon=True).start()

    def uri(self, path: str) -> str:
        return (self.root / "rules" / path).as_uri()

    def tell(self, method: str, params: Any, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self.program.stdin is not None
        self.program.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.program.stdin.flush()

    def ask(self, method: str, params: Any) -> Any:
        """The answer to a request."""
        self.number += 1
        number = self.number
        self.tell(method, params, id=number)
        self.until(lambda: number in self.answers)
        answer = self.answers.pop(number)
        assert "error" not in answer, answer
        return answer["result"]

    def until(self, condition: Callable[[], bool]) -> None:
        """Hear until something holds."""
        while not condition():
            one = self._came.get(timeout=DEADLINE_S)
            assert one is not None, f"the server ended: {self.program.wait(DEADLINE_S)}"
            if "method" not in one:
                self.answers[one["id"]] = one
            else:
                self.heard.append((one["method"], one["params"]))
                if "id" in one:
                    self.tell_answer(one["id"])

    def tell_answer(self, number: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": number, "result": None}).encode()
        assert self.program.stdin is not None
        self.program.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.program.stdin.flush()

    def begin(self, **capabilities: Any) -> Any:
        folder = {"uri": self.root.as_uri(), "name": "city"}
        told = self.ask("initialize", {"processId": None, "rootUri": self.root.as_uri(), "workspaceFolders": [folder],
                                       "capabilities": capabilities})
        self.tell("initialized", {})
        return told

    def open(self, path: str, text: str) -> None:
        self.tell("textDocument/didOpen", {"textDocument": {
            "uri": self.uri(path), "languageId": "yaml", "version": 1, "text": text}})

    def change(self, path: str, text: str) -> None:
        self.version += 1
        self.tell("textDocument/didChange", {"textDocument": {"uri": self.uri(path), "version": 1 + self.version},
                                             "contentChanges": [{"text": text}]})

    def shown(self, path: str) -> list[dict[str, Any]] | None:
        """The diagnostics of a file as last published; None if there were none yet."""
        found = [params["diagnostics"] for method, params in self.heard
                 if method == "textDocument/publishDiagnostics" and params["uri"] == self.uri(path)]
        return found[-1] if found else None

    def codes(self, path: str) -> list[str]:
        """The codes of the mistakes that are shown."""
        return [one["code"] for one in self.shown(path) or [] if one["severity"] == 1]

    def at(self, path: str, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri(path)}, "position": {"line": line, "character": character}}

    def end(self) -> int:
        """The exit code after an orderly end."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.program.wait(DEADLINE_S)


def _listen(stream: IO[bytes], came: queue.Queue[Any]) -> None:
    while head := stream.readline():
        length = 0
        while head.strip():
            name, _, value = head.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
            head = stream.readline()
        came.put(json.loads(stream.read(length)))
    came.put(None)


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    written(tmp_path / "rules")
    one = Editor(tmp_path)
    yield one
    one.program.kill()
    one.program.wait(DEADLINE_S)


def test_an_editor_s_session(editor: Editor) -> None:
    able = editor.begin()["capabilities"]
    assert able["textDocumentSync"]["change"] == 1
    assert able["hoverProvider"]
    assert able["definitionProvider"]
    assert "." in able["completionProvider"]["triggerCharacters"]

    # a mistake is told at its place, with what to do
    wrong = "# \U0001f6d1\n" + GAS.replace("title: Gas", "title: \U0001f6d1 Gas").replace("ppm >= 20.0", "pm >= 20.0")
    editor.open("detect/gas.yaml", wrong)
    editor.until(lambda: editor.codes("detect/gas.yaml") == ["TOC032"])
    [told] = [one for one in editor.shown("detect/gas.yaml") or [] if one["severity"] == 1]
    assert told["range"] == {"start": {"line": 5, "character": 7}, "end": {"line": 5, "character": 9}}
    assert "did you mean `ppm`?" in told["message"]
    assert told["source"] == "tocsin"

    # mended: it is gone, though nothing was saved
    editor.change("detect/gas.yaml", GAS)
    editor.until(lambda: editor.codes("detect/gas.yaml") == [])
    assert (editor.root / "rules" / "detect" / "gas.yaml").read_text() == GAS

    # a change of one file makes another wrong, which is not open
    editor.open("lists.yaml", FILES["lists.yaml"].replace("known_leaks", "old_leaks"))
    editor.until(lambda: editor.codes("detect/gas.yaml") == ["TOC032"])
    editor.tell("textDocument/didClose", {"textDocument": {"uri": editor.uri("lists.yaml")}})
    editor.until(lambda: editor.codes("detect/gas.yaml") == [])

    # what can be written, what it means, where it is declared
    editor.change("detect/gas.yaml", GAS + "alert: {title: \"\U0001f6d1 {{ pla\n")
    line = GAS.count("\n")
    found = editor.ask("textDocument/completion", editor.at("detect/gas.yaml", line, 25))
    rows = {row["label"]: row for row in found["items"]}
    assert rows["place.district"]["textEdit"] == {"newText": "place.district", "range": {
        "start": {"line": line, "character": 22}, "end": {"line": line, "character": 25}}}
    editor.change("detect/gas.yaml", GAS)
    told = editor.ask("textDocument/hover", editor.at("detect/gas.yaml", 4, 8))
    assert told["contents"]["kind"] == "markdown"
    assert told["contents"]["value"].startswith("**ppm**: double\n\nUnit ppm; a field of sensor.gas.")
    place = editor.ask("textDocument/definition", editor.at("detect/gas.yaml", 4, 8))
    assert place["uri"] == editor.uri("events.yaml")
    assert place["range"]["start"] == {"line": 7, "character": 2}
    assert editor.ask("textDocument/hover", editor.at("detect/gas.yaml", 7, 0)) is not None
    assert editor.ask("textDocument/definition", editor.at("detect/gas.yaml", 6, 9)) is None
    assert editor.end() == 0


def test_what_changes_on_disk_is_noticed_when_the_editor_says_so(editor: Editor) -> None:
    editor.begin(workspace={"didChangeWatchedFiles": {"dynamicRegistration": True}})
    editor.until(lambda: "client/registerCapability" in dict(editor.heard))
    [asked] = dict(editor.heard)["client/registerCapability"]["registrations"]
    assert asked["method"] == "workspace/didChangeWatchedFiles"
    new = editor.root / "rules" / "detect" / "new.yaml"
    new.write_text("kind: matsch\nid: a\n")
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": new.as_uri(), "type": 1}]})
    editor.until(lambda: editor.codes("detect/new.yaml") == ["TOC010"])
    new.write_text("kind: match\nid: a\nevent: sensor.gas\n")
    editor.tell("textDocument/didSave", {"textDocument": {"uri": new.as_uri()}})
    editor.until(lambda: editor.codes("detect/new.yaml") == [])

    # files that are no rules are let be
    other = (editor.root / "other.yaml").as_uri()
    editor.tell("textDocument/didOpen", {"textDocument": {
        "uri": other, "languageId": "yaml", "version": 1, "text": "kind: nonsense\n"}})
    place = {"textDocument": {"uri": other}, "position": {"line": 0, "character": 2}}
    assert editor.ask("textDocument/completion", place)["items"] == []
    assert editor.ask("textDocument/hover", place) is None
    assert editor.ask("textDocument/definition", place) is None
    assert not [params for _, params in editor.heard if params.get("uri") == other]
    assert editor.end() == 0


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    one = Editor(tmp_path, "--stdio", "--rules", "elsewhere")
    one.begin()
    one.until(lambda: "window/showMessage" in dict(one.heard))
    assert "--rules DIR" in dict(one.heard)["window/showMessage"]["message"]
    assert one.end() == 0


def test_where_the_rules_are(tmp_path: Path) -> None:
    written(tmp_path / "a" / "rules")
    (tmp_path / "b").mkdir()
    rules = tmp_path / "a" / "rules"
    assert rules_below([tmp_path / "b", tmp_path / "a"], Path("rules")) == rules.resolve()
    assert rules_below([rules], Path("rules")) == rules.resolve()
    assert rules_below([tmp_path / "b"], rules) == rules.resolve()
    assert rules_below([tmp_path / "b"], Path("rules")) == (tmp_path / "b" / "rules").resolve()
