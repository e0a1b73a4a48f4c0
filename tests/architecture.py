"""The shape of the project as rules over source text: who may know whom, purity, sizes, words.

Each rule takes a `Source` and yields a `Fault` for each place that breaks it; a fault says where, what and
what to do. tests/test_architecture.py applies the rules to the project and feeds each one planted faults, so
that it is known to bite. Only `ast` is used: nothing of the project is imported.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple, TypeAlias

# Rooms from the ground up. A module knows its own room and the rooms of the layers below; rooms of one
# layer do not know each other. A room is a file or a folder of streams/, or several files that are one
# subject (ROOM_OF).
LAYERS: tuple[tuple[str, ...], ...] = (
    ("records", "problems", "reasons"),
    ("clocks", "places", "zones"),
    ("specs", "texts"),
    ("findings",),
    ("conditions", "formats", "judging", "unusual", "schedules", "frames"),
    ("kinds",),
    ("rules",),
    ("composites",),
    ("rulefile", "engine", "respond"),
    ("logs",),
    ("topics",),
    ("service", "tools", "console"),
    ("commands",),
    ("demo",),
    ("cli",),
)
ROOM_OF = {
    **dict.fromkeys(("ingest", "detect"), "engine"),
    **dict.fromkeys(("explained", "vitals"), "specs"),
    **dict.fromkeys(("policy", "matchers"), "rules"),
    **dict.fromkeys(("desk", "desk_words"), "commands"),
    "outages": "composites", "actions": "findings", "intervals": "schedules",
}
KIND_PARTS = "parts"  # the folder of kinds/ that holds no kinds but what several of them are made of
ONLY = {"logs": {"records"}}  # a room that knows less than its layer would let it

SHELLS = {"logs", "service", "tools", "console", "demo", "commands", "cli"}
IMPURE = {
    "time", "random", "os", "socket", "asyncio", "secrets", "uuid", "threading", "subprocess",
    "multiprocessing", "sqlite3", "signal", "select", "ssl", "tempfile", "shutil", "urllib", "http",
    "logging", "pathlib",
    "faust", "mode", "aiokafka", "kafka", "prometheus_client", "rich", "aiohttp", "smtplib",
}
READS_FILES = {"rulefile"}  # may import pathlib
IMPURE_CALLS = {
    "open", "print", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}
FAUST = {"faust", "mode"}
LAZY = {"cli", "commands"}
LAZY_GROUND = {"records", "problems", "reasons"} | LAZY  # what they may import before they know the command

FILE_LINES, FUNCTION_LINES, MEDIAN_LINES = 499, 60, 10
FORBIDDEN_NAMES = {
    "message", "item", "data", "process", "handle", "handler", "manager", "util", "utils", "helper",
    "helpers",
}
FOREIGN_NAMES = {  # words of an outside language that a file speaks: the beginning of its path -> the word
    "streams/conditions/": "message",  # protobuf's and CEL's
    "streams/formats/cloudevents.py": "data",  # an attribute of CloudEvents
    "streams/service/metrics.py": "message",  # a hook of http.server
    "streams/service/embedded.py": "message",  # a hook of Faust
    "tests/service/test_deliver_mail.py": "handle",  # a hook of socketserver
}
# Words that are put together here so that this file does not hold them.
MARKERS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
ADDRESSES = re.compile("|".join(
    re.escape(".".join(parts)) for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"), ("crates", "io"),
        ("proxy", "golang"), ("repo", "maven"), ("repo1", "maven"), ("deb", "debian"), ("security", "debian"),
    )
))
WORKPLACE = re.compile("|".join((
    r"[/\s`\"']\.lib" + r"rary\b", "sub" + "agent", r"/wo" + r"rk/(main|shared)\b", r"/tmp/CON" + "TRACT",
)))


Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Definition: TypeAlias = ast.ClassDef | Function
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITION = (ast.ClassDef, *FUNCTION)


class Fault(NamedTuple):
    """One broken rule: where, what, and what to do."""

    path: str
    line: int
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}\n    {self.todo}"


class Import(NamedTuple):
    """One imported module; `lazy` if it is not done when the module is loaded."""

    module: str
    line: int
    lazy: bool


class Source:
    """One file of the project: its path from the root, and its text."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree; several rules look at them."""
        return list(ast.walk(self.tree))

    @cached_property
    def lengths(self) -> list[tuple[int, str, int, str]]:
        """Of each function its lines, the file, its line and name."""
        return [(length(one), self.path, one.lineno, one.name) for one in functions(self)]

    @property
    def module(self) -> str:
        """`streams.kinds.match` for streams/kinds/match.py; a package for its `__init__.py`."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The room that the file stands in; "" for streams/__init__.py and files outside streams/."""
        return room_of(self.module)

    @cached_property
    def imports(self) -> list[Import]:
        """All modules it names in imports, `from a import b` as both a and a.b."""
        return list(_imports(self.tree, lazy=False))

    def fault(self, line: int, what: str, todo: str) -> Fault:
        """A fault in this file."""
        return Fault(self.path, line, what, todo)


def _imports(node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            yield Import("." * child.level + base, child.lineno, lazy)
            yield from (Import(f"{base}.{alias.name}", child.lineno, lazy) for alias in child.names)
        yield from _imports(child, lazy or isinstance(child, FUNCTION) or _for_types(child))


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def room_of(module: str) -> str:
    """The room of a dotted module name; "" if it is none of ours."""
    parts = module.split(".")
    if parts[0] != "streams" or len(parts) < 2:
        return ""
    return ROOM_OF.get(parts[1], parts[1])


def layer_of(room: str) -> int | None:
    """The number of the room's layer; None if it has none."""
    return next((number for number, rooms in enumerate(LAYERS) if room in rooms), None)


def may_know(room: str, other: str) -> bool:
    """Whether a module of `room` may import one of `other`."""
    if room == other:
        return True
    if room in ONLY:
        return other in ONLY[room]
    mine, theirs = layer_of(room), layer_of(other)
    return mine is not None and theirs is not None and theirs < mine


def known_room(source: Source) -> Iterator[Fault]:
    """Every module stands in a room that has a layer."""
    if source.room and layer_of(source.room) is None:
        yield source.fault(
            1, f"`{source.module}` stands in no room that tests/architecture.py knows",
            "give it a layer in LAYERS, or a room in ROOM_OF if it belongs to a subject that has one",
        )


def imports_downwards(source: Source) -> Iterator[Fault]:
    """A module imports its own room and those below; relative imports are not used."""
    seen: set[tuple[str, int]] = set()
    for one in source.imports:
        if one.module.startswith("."):
            yield source.fault(one.line, "a relative import", "write the whole name: from streams.x import y")
        other = room_of(one.module)
        known = layer_of(source.room) is not None and layer_of(other) is not None
        if known and not may_know(source.room, other) and (other, one.line) not in seen:
            seen.add((other, one.line))
            yield source.fault(
                one.line, f"`{source.room}` may not know `{other}`",
                "pass what is needed as an argument, or move what both need to a layer below (LAYERS)",
            )


def kinds_apart(source: Source) -> Iterator[Fault]:
    """Kinds never know each other."""
    mine = source.module.split(".")[2:3]
    if source.room != "kinds" or not mine or mine == [KIND_PARTS]:
        return
    # Types of the contract begin with a capital; what does not is another kind, or the table of them.
    others = {(one.line, part) for one in source.imports for part in one.module.split(".")[2:3]
              if one.module.startswith("streams.kinds.") and part.islower() and part not in (mine[0], KIND_PARTS)}
    for line, other in sorted(others):
        yield source.fault(
            line, f"the kind `{mine[0]}` knows the kind `{other}`",
            "move what both need to kinds/parts/ (as terms.py and circles.py are)",
        )


def pure(source: Source) -> Iterator[Fault]:
    """Outside the shells nothing reads a clock, draws lots or speaks to the outside."""
    if not source.path.startswith("streams/") or source.room in SHELLS:
        return
    allowed = {"pathlib"} if source.room in READS_FILES else set()
    for line, top in sorted({(one.line, one.module.split(".")[0]) for one in source.imports}):
        if top in IMPURE - allowed:
            yield source.fault(
                line, f"`{top}` is imported outside {', '.join(sorted(SHELLS))}",
                "take what it gives as an argument: time and chance enter a fold as records",
            )
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS:
            yield source.fault(
                node.lineno, f"`{ast.unparse(node.func)}()` is called in pure code",
                "let the shell call it and pass the result",
            )


def faust_at_home(source: Source) -> Iterator[Fault]:
    """Only the service imports Faust."""
    if source.room == "service":
        return
    for line, top in sorted({(one.line, one.module.split(".")[0]) for one in source.imports}):
        if top in FAUST:
            yield source.fault(
                line, f"`{top}` is imported in `{source.module}`",
                "only streams/service/ knows Faust; the logs are reached through streams/logs/",
            )


def lazy_cli(source: Source) -> Iterator[Fault]:
    """The command line imports a room when a command needs it."""
    if source.room not in LAZY:
        return
    early = {(one.line, room_of(one.module)) for one in source.imports if not one.lazy}
    for line, room in sorted(early):
        if layer_of(room) is not None and room not in LAZY_GROUND:
            yield source.fault(
                line, f"`{room}` is imported before the command is known",
                "import it inside the function of the command, so that `tocsin --help` stays quick",
            )


def short_file(source: Source) -> Iterator[Fault]:
    """A file has under 500 lines."""
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield source.fault(
            FILE_LINES + 1, f"the file has {lines} lines, over {FILE_LINES}",
            "split it by subject; one thing is a file, many of one thing is a folder",
        )


def functions(source: Source) -> Iterator[Function]:
    """All functions of a file, nested ones and methods too."""
    for node in source.nodes:
        if isinstance(node, FUNCTION):
            yield node


def length(function: Function) -> int:
    """Lines from `def` to the last one, without decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def short_functions(source: Source) -> Iterator[Fault]:
    """No function is over 60 lines."""
    for function in functions(source):
        if length(function) > FUNCTION_LINES:
            yield source.fault(
                function.lineno, f"`{function.name}` has {length(function)} lines, over {FUNCTION_LINES}",
                "give its parts names of their own",
            )


def short_median(sources: Iterable[Source]) -> Iterator[Fault]:
    """The median function of the package is under 10 lines."""
    lengths = [one for source in sources for one in source.lengths]
    median = statistics.median(one[0] for one in lengths) if lengths else 0
    if median >= MEDIAN_LINES:
        lines, path, line, name = max(lengths)
        yield Fault(
            path, line, f"the median function has {median} lines; the longest is `{name}` with {lines}",
            f"split the long ones until the median is under {MEDIAN_LINES}",
        )


def module_docstring(source: Source) -> Iterator[Fault]:
    """Each module begins with what it is for; an empty file (a package's mark) is none."""
    if source.tree.body and not ast.get_docstring(source.tree):
        yield source.fault(1, "the module has no docstring", "say in one sentence what it is for")


def documented(source: Source, contracts: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """Public classes, functions and methods have a docstring.

    `contracts` names the methods that a protocol or a base class explains.
    """
    yield from _documented(source, source.tree, contracts, within="")


def _documented(
    source: Source, node: ast.Module | ast.ClassDef, contracts: frozenset[str], within: str,
) -> Iterator[Fault]:
    for child in node.body:
        if not isinstance(child, DEFINITION) or child.name.startswith("_"):
            continue
        inherited = within and child.name in contracts
        explained = ast.get_docstring(child) or inherited or _is_variant(child) or _is_attribute(node, child)
        if not explained:
            yield source.fault(
                child.lineno, f"`{within}{child.name}` is public and has no docstring",
                "say what it promises (shapes, units, errors); or make it private",
            )
        if isinstance(child, ast.ClassDef):
            yield from _documented(source, child, contracts, f"{within}{child.name}.")


def _is_variant(node: Definition) -> bool:
    """A setter, an overload, an override: documented elsewhere."""
    names = {ast.unparse(one).rsplit(".", 1)[-1] for one in node.decorator_list}
    return bool(names & {"setter", "deleter", "overload", "override"})


def _is_attribute(within: ast.AST, node: Definition) -> bool:
    """A property of a protocol only declares an attribute, and is read like one."""
    decorators = {ast.unparse(one) for one in node.decorator_list}
    return "property" in decorators and isinstance(within, ast.ClassDef) and "Protocol" in _bases(within)


def contract_methods(sources: Iterable[Source]) -> frozenset[str]:
    """Names of documented methods of the project's protocols and base classes."""
    classes = [node for source in sources for node in source.nodes if isinstance(node, ast.ClassDef)]
    bases = {name for cls in classes for name in _bases(cls)}
    return frozenset(
        method.name
        for cls in classes if cls.name in bases or _bases(cls) & {"Protocol", "ABC"}
        for method in cls.body if isinstance(method, FUNCTION) and ast.get_docstring(method)
    )


def _bases(cls: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).split("[")[0].rsplit(".", 1)[-1] for base in cls.bases}


def no_markers(source: Source) -> Iterator[Fault]:
    """No word that marks what is left to do."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := MARKERS.search(line):
            yield source.fault(number, f"the marker `{found[0]}`", "do it now, or open an issue")


def nothing_swallowed(source: Source) -> Iterator[Fault]:
    """No bare `except`, and none of everything that does nothing."""
    for node in source.nodes:
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        silent = all(isinstance(one, ast.Pass | ast.Continue) or _is_ellipsis(one) for one in node.body)
        reraises = any(isinstance(one, ast.Raise) for one in ast.walk(node))
        if (broad and silent) or (node.type is None and not reraises):
            yield source.fault(
                node.lineno, "an `except` that swallows everything",
                "name the error that is expected here, and count or tell what happened",
            )


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def good_names(source: Source) -> Iterator[Fault]:
    """Modules, classes and functions are named by the glossary's words."""
    foreign = {word for path, word in FOREIGN_NAMES.items() if source.path.startswith(path)}
    named = [(1, source.module.rsplit(".", 1)[-1])]
    named += [(node.lineno, node.name) for node in source.nodes if isinstance(node, DEFINITION)]
    for line, name in named:
        words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}
        if bad := words & FORBIDDEN_NAMES - foreign:
            yield source.fault(
                line, f"the name `{name}` says `{min(bad)}`, which says nothing",
                "name the idea with a word of the glossary (design, section 2)",
            )


def no_addresses(source: Source) -> Iterator[Fault]:
    """No tracked file names a package registry's host or the workplace it was written in."""
    for number, line in enumerate(source.text.splitlines(), 1):
        for pattern, what in ((ADDRESSES, "a package registry's host"), (WORKPLACE, "the workplace")):
            if found := pattern.search(line):
                yield source.fault(
                    number, f"`{found[0].strip()}` names {what}",
                    "leave it out: clients know their registry, and a project is not bound to one machine",
                )


def no_cycles(sources: Iterable[Source]) -> Iterator[Fault]:
    """Modules do not import each other in a circle; but a package may gather its own modules."""
    modules = {source.module: source for source in sources}
    graph = {
        name: sorted(
            one.module for one in source.imports
            if one.module in modules and not one.lazy and not f"{one.module}.".startswith(f"{name}.")
        )
        for name, source in modules.items()
    }
    done: set[str] = set()
    for name in sorted(graph):
        if circle := _circle(graph, name, [], done):
            yield modules[circle[0]].fault(
                1, "modules in a circle: " + " -> ".join(circle), "move what both need to a third module",
            )
            return


def _circle(graph: dict[str, list[str]], name: str, path: list[str], done: set[str]) -> list[str]:
    """The first circle reached from `name`, as names; empty if none."""
    if name in path:
        return [*path[path.index(name):], name]
    if name in done:
        return []
    for other in graph[name]:
        if circle := _circle(graph, other, [*path, name], done):
            return circle
    done.add(name)
    return []


def complete_kinds(files: dict[str, str]) -> Iterator[Fault]:
    """Each kind has its NAME, its line in the table, its tests and its scenario. `files`: path -> text."""
    table = "\n".join(text for path, text in files.items() if path == "streams/kinds/__init__.py")
    for kind in sorted(kinds_of(files)):
        file, folder = f"streams/kinds/{kind}.py", f"streams/kinds/{kind}/__init__.py"
        path = file if file in files else folder
        named = re.search(rf"^NAME\b.*[\"']{kind}[\"']", files.get(path, ""), re.MULTILINE)
        lacks = {
            f"`NAME = \"{kind}\"`": not named,
            "its line in streams/kinds/__init__.py": not _in_table(table, kind),
            f"its test file tests/kinds/test_{kind}.py": f"tests/kinds/test_{kind}.py" not in files,
            f"its scenario tests/scenarios/{kind}.yaml": f"tests/scenarios/{kind}.yaml" not in files,
        }
        for what in (what for what, missing in lacks.items() if missing):
            yield Fault(
                path, 1, f"the kind `{kind}` lacks {what}",
                "add it; what is not a kind of its own stands beside kinds/, not in it",
            )


def kinds_of(files: Iterable[str]) -> set[str]:
    """The names of the kinds: what stands in streams/kinds/."""
    parts = [PurePosixPath(path).with_suffix("").parts for path in files if path.startswith("streams/kinds/")]
    return {one[2] for one in parts if one[2] not in ("__init__", KIND_PARTS)}


def _in_table(table: str, kind: str) -> bool:
    """Whether the code of the table (not its comments or docstrings) names the kind."""
    for node in ast.walk(ast.parse(table)):
        names = (
            [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom | ast.Import)
            else [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
        )
        if any(name in (kind, f"streams.kinds.{kind}") for name in names):
            return True
    return False
