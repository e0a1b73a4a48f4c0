"""The shell over pygls: the protocol's requests to the pure functions, their answers to the protocol's types."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from streams.rulefile import SUFFIXES
from streams.tools.lsp.checking import Checked, checked
from streams.tools.lsp.completing import Suggestion, suggestions
from streams.tools.lsp.defining import definition
from streams.tools.lsp.folder import Folder
from streams.tools.lsp.hovering import hover
from streams.tools.lsp.pace import Pace, a_while
from streams.tools.lsp.telling import Diagnostic, Lines, Range, at_offset, diagnostics

SOURCE = "tocsin"
TRIGGERS = (".", ":", " ", "{", "[", ",", '"', "'", "$")
Sorts = types.CompletionItemKind
SORTS = {
    "field": Sorts.Field, "value": Sorts.EnumMember, "event_type": Sorts.Class, "rule": Sorts.Module,
    "list": Sorts.Constant, "register": Sorts.Struct, "macro": Sorts.Function, "function": Sorts.Function,
    "step": Sorts.Variable, "part": Sorts.Property, "district": Sorts.Constant,
}


class RuleServer(LanguageServer):
    """What a session of an editor knows. `rules` is the folder, seen from the editor's own if it is not absolute."""

    def __init__(self, rules: Path, today: Callable[[], date], quiet: Callable[[], Awaitable[None]] = a_while) -> None:
        super().__init__(SOURCE, version("tocsin"), types.TextDocumentSyncKind.Full)
        self.rules, self.today = rules, today
        self.directory = rules.absolute()
        self.folder = Folder()
        self.last: Checked | None = None
        self.shown: dict[str, list[Diagnostic]] = {}
        self.opened: dict[str, str] = {}  # path below the folder -> the name by which the editor knows the file
        self.pace = Pace(self.check, quiet)
        self.running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Find the folder and start to check."""
        named = [self.workspace.root_path, *(to_fs_path(uri) for uri in self.workspace.folders)]
        self.directory = rules_below([Path(one) for one in named if one] or [Path.cwd()], self.rules)
        if not self.directory.is_dir():
            text = f"tocsin: there is no folder {self.directory}; start the language server with --rules DIR"
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, text))
        self.running = asyncio.get_running_loop().create_task(self.pace.run())
        self.pace.touch()

    def below(self, uri: str) -> str | None:
        """The path of a file below the folder; None if it is no rule file of it."""
        path = to_fs_path(uri)
        whole = None if path is None else Path(path).resolve()
        if whole is None or whole.suffix not in SUFFIXES or not whole.is_relative_to(self.directory):
            return None
        return whole.relative_to(self.directory).as_posix()

    def uri_of(self, path: str) -> str:
        """How the editor knows a file."""
        return self.opened.get(path) or from_fs_path(str(self.directory / path)) or ""

    def text_of(self, uri: str) -> str:
        """The text of a document as it is in the editor."""
        return self.workspace.get_text_document(uri).source

    def units(self, text: str) -> int:
        """How long a text is in what the client counts in."""
        number: int = self.workspace.position_codec.client_num_units(text)
        return number

    def changed(self, uri: str) -> None:
        """A document is open, or is otherwise than it was."""
        path = self.below(uri)
        if path is not None:
            self.opened[path] = uri
            self.folder = self.folder.with_file(path, self.text_of(uri).encode("utf-8", "replace"))
            self.pace.touch()

    def closed(self, uri: str) -> None:
        """A document is closed: the file on disk counts again."""
        self.opened.pop(self.below(uri) or "", None)
        self.pace.touch()

    async def check(self) -> None:
        """Check everything as it is now and show what differs from what is shown."""
        if not self.directory.is_dir():
            return
        texts = {path: self.text_of(uri) for path, uri in self.opened.items()}
        try:
            found = await asyncio.to_thread(checked, self.directory, texts, self.folder, self.today())
            told = await asyncio.to_thread(diagnostics, found.problems, found.texts, self.units)
        except Exception as error:  # noqa: BLE001 - the editor goes on, and its user is told
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, f"the check failed: {error!r}"))
            return
        self.last = found
        self.folder = found.folder
        for path, uri in self.opened.items():  # what was typed meanwhile
            self.folder = self.folder.with_file(path, self.text_of(uri).encode("utf-8", "replace"))
        self.show(told)

    def show(self, told: dict[str, list[Diagnostic]]) -> None:
        """Publish the diagnostics of each file where they are others than those shown; of open files once anyway."""
        for path in sorted({*self.shown, *told, *self.opened}):
            mine = told.get(path, [])
            if path not in self.shown or self.shown[path] != mine:
                self.text_document_publish_diagnostics(
                    types.PublishDiagnosticsParams(self.uri_of(path), [_diagnostic(one) for one in mine]))
        self.shown = {path: told.get(path, []) for path in {*told, *self.opened}}

    def place(self, uri: str, position: types.Position) -> tuple[str, str, int] | None:
        """Path, text and offset of a position; None where it is in no rule file of the folder."""
        path, text = self.below(uri), self.text_of(uri)
        return None if path is None else (path, text, Lines(text).offset(position.line, position.character, self.units))


def rules_below(roots: list[Path], rules: Path) -> Path:
    """The folder of rules: below one of the editor's own, or one of these itself; else where it would be."""
    below = [(root / rules).resolve() for root in roots]
    themselves = [root.resolve() for root in roots if (root / "city.yaml").is_file()]
    return next((one for one in (*below, *themselves) if one.is_dir()), below[0])


def server(rules: Path, quiet: Callable[[], Awaitable[None]] = a_while) -> RuleServer:
    """A server over a folder of rules, with all that it can be asked."""
    made = RuleServer(rules, lambda: datetime.now().astimezone().date(), quiet)
    made.feature(types.INITIALIZED)(_initialized)
    made.feature(types.TEXT_DOCUMENT_DID_OPEN)(_opened)
    made.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    made.feature(types.TEXT_DOCUMENT_DID_SAVE)(_saved)
    made.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    made.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(_watched)
    made.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=list(TRIGGERS)))(_complete)
    made.feature(types.TEXT_DOCUMENT_HOVER)(_hover)
    made.feature(types.TEXT_DOCUMENT_DEFINITION)(_define)
    return made


def serve(rules: Path) -> None:
    """Speak the protocol over stdin and stdout until the editor ends it."""
    server(rules).start_io()


def _initialized(ls: RuleServer, params: types.InitializedParams) -> None:
    ls.begin()
    able = ls.client_capabilities.workspace
    watched = None if able is None else able.did_change_watched_files
    if watched is not None and watched.dynamic_registration:
        ends = ",".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(f"**/*.{{{ends}}}")])
        asked = types.Registration("rules", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        ls.client_register_capability(types.RegistrationParams([asked]))


def _opened(ls: RuleServer, params: types.DidOpenTextDocumentParams) -> None:
    ls.changed(params.text_document.uri)


def _changed(ls: RuleServer, params: types.DidChangeTextDocumentParams) -> None:
    ls.changed(params.text_document.uri)


def _saved(ls: RuleServer, params: types.DidSaveTextDocumentParams) -> None:
    ls.pace.touch()


def _closed(ls: RuleServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.closed(params.text_document.uri)


def _watched(ls: RuleServer, params: types.DidChangeWatchedFilesParams) -> None:
    ls.pace.touch()


def _complete(ls: RuleServer, params: types.CompletionParams) -> types.CompletionList:
    place = ls.place(params.text_document.uri, params.position)
    if place is None:
        return types.CompletionList(is_incomplete=False, items=[])
    path, text, offset = place
    found = suggestions(ls.folder, path, text, offset)
    line, column = Lines(text).position(offset, ls.units)
    rows = [_completion(one, index, line, column, ls.units(one.begun)) for index, one in enumerate(found)]
    return types.CompletionList(is_incomplete=False, items=rows)


def _completion(one: Suggestion, index: int, line: int, column: int, begun: int) -> types.CompletionItem:
    """In the protocol's words. What is needed comes first, then the order of the tables."""
    start = types.Position(line, max(0, column - begun))
    doc = types.MarkupContent(types.MarkupKind.Markdown, one.doc) if one.doc else None
    return types.CompletionItem(
        one.label, kind=SORTS.get(one.sort, Sorts.Value), detail=one.detail or None, documentation=doc,
        sort_text=f"{0 if one.first else 1}{index:05}",
        text_edit=types.TextEdit(types.Range(start, types.Position(line, column)), one.insert))


def _hover(ls: RuleServer, params: types.HoverParams) -> types.Hover | None:
    place = ls.place(params.text_document.uri, params.position)
    if place is None:
        return None
    path, text, offset = place
    mine = [one for one in (ls.last.problems if ls.last is not None else ()) if one.file == path]
    told = hover(ls.folder, path, text, offset, at_offset(mine, text, offset))
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, told)) if told else None


def _define(ls: RuleServer, params: types.DefinitionParams) -> types.Location | None:
    place = ls.place(params.text_document.uri, params.position)
    if place is None:
        return None
    path, text, offset = place
    spot = definition(ls.folder, path, text, offset)
    if spot is None:
        return None
    reach = Lines(spot.file.text).range(spot.start, spot.end, ls.units)
    return types.Location(ls.uri_of(spot.file.name or path), _range(reach))


def _diagnostic(one: Diagnostic) -> types.Diagnostic:
    return types.Diagnostic(
        _range(one.range), one.text, severity=types.DiagnosticSeverity(one.level), code=one.code, source=SOURCE)


def _range(reach: Range) -> types.Range:
    return types.Range(types.Position(reach.line, reach.column), types.Position(reach.end_line, reach.end_column))
