"""What each command of `tocsin` does with its options: the tools and the service, and what is printed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from importlib.metadata import version as installed_version
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from streams.problems import Problem, Problems

if TYPE_CHECKING:
    from streams.respond.board import Board
    from streams.rulefile import Workshop
    from streams.rules import Bundle, Source

PERSONAL_KEY = "TOCSIN_PERSONAL_KEY"


class Refused(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def run(options: argparse.Namespace) -> int:
    """`tocsin run`: a worker, until it is told to stop."""
    import logging

    from streams.logs import LogError
    from streams.service.worker import ROLES, Settings, Worker

    if options.partitions < 1 or not 0 <= options.port <= 65535:
        raise Refused("--partitions must be at least 1, --port from 0 to 65535")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    bundle = load_bundle(options.rules)
    roles = ROLES if options.role == "all" else (options.role,)
    key = os.environ.get(PERSONAL_KEY, "").encode()
    if not key and any(field.personal for kind in bundle.event_types.values() for field in kind.fields.values()):
        print(f"tocsin run: warning: {PERSONAL_KEY} is not set; a hash without a key can be guessed", file=sys.stderr)
    for text in expired(bundle, datetime.now(UTC)):
        print(f"tocsin run: warning: {text}", file=sys.stderr)
    settings = Settings(broker_of(options), roles, options.partitions, options.port, options.prefix, key)
    worker = Worker(bundle, settings)

    def ready() -> None:
        port = worker.port.port if worker.port is not None else None
        text = f"tocsin: running {', '.join(roles)} on {settings.broker}; metrics on port {port}"
        print(text, file=sys.stderr, flush=True)

    try:
        asyncio.run(worker.run(ready=ready))
    except LogError as error:
        print(f"tocsin run: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Refused(f"port {options.port} is taken; --port 0 takes any free one") from error
    return 0


def load(options: argparse.Namespace) -> int:
    """`tocsin load`: a file onto a topic."""
    from streams.logs import LogError, open_log
    from streams.texts import counted
    from streams.tools.load import load as load_file

    bundle = load_bundle(options.rules)
    source = source_of(bundle, options.source)
    path, speed = readable_file(options.file), speed_of(options.speed)

    async def work() -> int:
        log = open_log(broker_of(options))
        await log.start()
        try:
            with progress(f"loading {path.name}") as advance:
                return await load_file(log, bundle, source, path, speed, options.partitions, advance)
        finally:
            await log.stop()

    try:
        number = asyncio.run(work())
    except LogError as error:
        raise Refused(str(error)) from error
    summary = {"records": number, "source": source.id, "topic": source.topic}
    print(orjson.dumps(summary).decode() if options.json else f"{counted(number, 'record')} onto {source.topic}")
    return 0


def tail(options: argparse.Namespace) -> int:
    """`tocsin tail`: a topic's entries."""
    from streams.logs import LogError, UnknownTopic, open_log
    from streams.tools.tail import tail as tail_topic
    from streams.topics import SHORT_NAMES, Topics

    topic = Topics(options.prefix).named(options.topic)

    async def work() -> None:
        log = open_log(broker_of(options), **read_only(options))
        await log.start()
        try:
            async for line in tail_topic(log, topic, options.follow):
                sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
                sys.stdout.buffer.flush()
        finally:
            await log.stop()

    try:
        asyncio.run(work())
    except UnknownTopic as error:
        short = ", ".join(sorted(SHORT_NAMES))
        raise Refused(f"{error}; short names are {short}; has a worker or `tocsin load` made it yet?") from error
    except LogError as error:
        raise Refused(str(error)) from error
    return 0


def vitals(options: argparse.Namespace) -> int:
    """`tocsin vitals`: the board of vital signs."""
    from streams.logs import LogError, UnknownTopic, open_log
    from streams.tools.asking import Misasked
    from streams.tools.vitals import Wishes, as_json, board_of, shown
    from streams.topics import Topics

    bundle = load_bundle(options.rules)
    wishes = Wishes(tuple(options.indicator), options.district, options.bad)

    async def work() -> Board:
        log = open_log(broker_of(options), **read_only(options))
        await log.start()
        try:
            return await board_of(log, Topics(options.prefix), bundle)
        finally:
            await log.stop()

    try:
        board = asyncio.run(work())
        if options.json:
            sys.stdout.buffer.writelines(orjson.dumps(one) + b"\n" for one in as_json(board, bundle, wishes))
        else:
            sys.stdout.write(shown(board, bundle, wishes))
    except UnknownTopic as error:
        raise Refused(f"{error}; has a worker run on this log yet?") from error
    except (LogError, Misasked) as error:
        raise Refused(str(error)) from error
    return 0


def check(options: argparse.Namespace) -> int:
    """`tocsin check`: every mistake at once."""
    from streams.tools.asking import Misasked
    from streams.tools.checking.command import check as check_rules

    existing_directory(options.rules)
    try:
        return check_rules(options, today_of(options), installed_version("tocsin"))
    except Misasked as error:
        raise Refused(str(error)) from error


def test(options: argparse.Namespace) -> int:
    """`tocsin test`: the tests in the rule files."""
    from threading import Event

    from streams.tools.testing.watch import POLL_S, rounds

    directory = existing_directory(options.rules)
    if not options.watch:
        return _tested(options)
    stop = Event()
    for number in rounds(directory, lambda: stop.wait(POLL_S)):
        if number > 1:
            print(f"\n{directory} has changed", file=sys.stderr)
        try:
            _tested(options)
        except Refused as refused:
            print(f"tocsin test: {refused}", file=sys.stderr)
        print(f"watching {directory}; Ctrl-C ends", file=sys.stderr)
    return 0


def _tested(options: argparse.Namespace) -> int:
    """One run of the tests that are chosen."""
    from streams.tools.asking import Misasked, rules_meant
    from streams.tools.testing.choice import chosen_by
    from streams.tools.testing.session import Wishes, rules_of, run, signs_of
    from streams.tools.testing.terminal import console_on

    shop = load_workshop(options.rules)
    try:
        names = rules_meant(shop, [*options.only, *options.rule], signs=True)
    except Misasked as error:
        raise Refused(str(error)) from error
    chosen = chosen_by(names, options.words)
    if options.words and not (rules_of(shop, chosen) or signs_of(shop, chosen)):
        raise Refused(f"-k {options.words!r} fits no test; it is looked for in `rule: name of the test`")
    wishes = Wishes(options.verbose, options.json, options.junit, f"{options.rules.as_posix()}/", options.coverage)
    whole = not (names or options.words)
    return 1 if any(result.problems for result in run(shop, chosen, wishes, console_on(), whole)) else 0


def rules(options: argparse.Namespace) -> int:
    """`tocsin rules list`: which rules there are; `tocsin rules show`: the effective file of one."""
    from streams.tools.asking import Misasked
    from streams.tools.show import as_json, listed, rows, shown

    if options.action == "show" and not options.rule:
        raise Refused("name the rule to show; `tocsin rules list` names all")
    shop = load_workshop(options.rules)
    try:
        if options.action == "list":
            found = rows(shop, options.rule, options.district, f"{options.rules.as_posix()}/")
            lines = "".join(f"{orjson.dumps(row).decode()}\n" for row in found)
            sys.stdout.write(lines if options.json else listed(found))
        elif options.json:
            sys.stdout.buffer.writelines(line + b"\n" for line in as_json(shop, options.rule, options.district))
        else:
            sys.stdout.write(shown(shop, options.rule, options.district))
    except Misasked as error:
        raise Refused(str(error)) from error
    return 0


def backtest(options: argparse.Namespace) -> int:
    """`tocsin backtest`: JSON lines on stdout, the summary on stderr."""
    from streams.tools.asking import Misasked
    from streams.tools.backtesting.command import Asked
    from streams.tools.backtesting.command import backtest as run_backtest

    shop = load_workshop(options.rules)
    inputs = [input_of(shop.bundle, text) for text in options.input]
    address = (broker_of(options), read_only(options)) if options.broker else None
    try:
        return run_backtest(shop, Asked(options, inputs, address, time.time_ns() // 1000, progress))
    except Misasked as error:
        raise Refused(str(error)) from error
    except Problems as found:
        print_problems(found.problems)
        raise Refused(f"{_mistakes(found.problems)}; nothing was started") from found


def calibrate(options: argparse.Namespace) -> int:
    """`tocsin calibrate`: what is normal and how rare is rare enough, from the past."""
    from streams.tools.asking import Misasked
    from streams.tools.backtesting.command import Asked
    from streams.tools.calibrating.command import calibrate as calibrate_rules

    shop = load_workshop(options.rules)
    inputs = [input_of(shop.bundle, text) for text in options.input]
    address = (broker_of(options), read_only(options)) if options.broker else None
    try:
        return calibrate_rules(shop, Asked(options, inputs, address, time.time_ns() // 1000, progress))
    except Misasked as error:
        raise Refused(str(error)) from error


def explain(options: argparse.Namespace) -> int:
    """`tocsin explain`: why a rule fired, and why not."""
    from streams.tools.asking import Misasked
    from streams.tools.explain.command import told

    shop = load_workshop(options.rules)
    inputs = [input_of(shop.bundle, text) for text in options.input]
    address = None if inputs or options.test else (broker_of(options), read_only(options))
    try:
        with progress("explain") as advance:
            one = told(shop, options, inputs, address, time.time_ns() // 1000, advance)
    except Misasked as error:
        raise Refused(str(error)) from error
    print(one)
    return 0


def simulate(options: argparse.Namespace) -> int:
    """`tocsin simulate`: a made-up city's files and their truth."""
    from streams.tools.simulate import write

    try:
        start = date.fromisoformat(options.start)
    except ValueError as error:
        raise Refused(f"--start {options.start!r} is not a date such as 2026-03-02") from error
    if not (0 < options.days < inf and 0 < options.scale < inf):
        raise Refused("--days and --scale must be greater than zero")
    summary = write(options.directory, options.seed, start, options.days, options.scale)
    print(summary.as_json() if options.json else summary.as_text())
    return 0


def schema(options: argparse.Namespace) -> int:
    """`tocsin schema`: the JSON Schema of rule files or of events, or the AsyncAPI document."""
    from streams.rulefile.scalars import advise
    from streams.tools import schema as of_files
    from streams.tools.events import schema as of_events
    from streams.tools.events.kinds import KINDS

    known = [kind.name for kind in KINDS] if options.events else list(of_files.tables())
    if options.kind is not None and (options.asyncapi or options.kind not in known):
        raise Refused("an AsyncAPI document is of all events" if options.asyncapi
                      else f"no kind {options.kind!r}; {advise(options.kind, known, 'there are')}")
    version = installed_version("tocsin")
    if options.asyncapi:
        found = of_events.asyncapi(version, options.prefix)
    else:
        found = (of_events if options.events else of_files).schema_of(options.kind, version)
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    return 0


def lsp(options: argparse.Namespace) -> int:
    """`tocsin lsp`: a language server, until its editor ends it."""
    from streams.tools.lsp.server import serve

    serve(options.rules)
    return 0


def version(options: argparse.Namespace) -> int:
    """`tocsin version`."""
    number = installed_version("tocsin")
    print(orjson.dumps({"version": number}).decode() if options.json else f"tocsin {number}")
    return 0


def load_bundle(directory: Path) -> Bundle:
    """The rule files' bundle; prints every mistake and refuses if there are any."""
    return load_workshop(directory).bundle


def load_workshop(directory: Path) -> Workshop:
    """The same with what it was made from, so that single rules can be made again."""
    from streams.rulefile import workshop

    try:
        return workshop(existing_directory(directory))
    except Problems as found:
        print_problems(found.problems)
        raise Refused(f"{_mistakes(found.problems)} in {directory}; nothing was started") from found


def _mistakes(problems: list[Problem]) -> str:
    from streams.texts import counted

    return counted(len(problems), "mistake")


def print_problems(problems: list[Problem]) -> None:
    """Each with its line and a caret, on stderr."""
    for problem in problems:
        path = Path(problem.file)
        text = path.read_text("utf-8", "replace") if path.is_file() else None
        print(problem.render(text), file=sys.stderr)


def expired(bundle: Bundle, now: datetime) -> Iterator[str]:
    """The exceptions that cover nothing any more, in words; `check` calls them mistakes."""
    from streams.clocks import micros

    for rule in bundle.rules.values():
        for one in rule.exemptions:
            if one.expires <= micros(now):
                yield f"the exception `{one.name}` of {rule.id} has expired; its owner is {one.owner}"


def today_of(options: argparse.Namespace) -> date:
    """The day given, else that of the wall."""
    if options.today is None:
        return datetime.now().astimezone().date()
    try:
        return date.fromisoformat(options.today)
    except ValueError as error:
        raise Refused(f"--today {options.today!r} is not a date such as 2026-03-02") from error


def existing_directory(path: Path) -> Path:
    """The directory of rule files; Refused if there is none, or nothing in it: a mistyped one must not look right."""
    if not path.is_dir():
        raise Refused(f"{path} is not a directory; go to where it is, or name the rule files' folder: --rules DIR")
    if next(path.rglob("*.y*ml"), None) is None:
        raise Refused(f"there is no rule file (*.yaml) in {path}; name the rule files' folder with --rules DIR")
    return path


def readable_file(path: Path) -> Path:
    """The file; Refused if there is none."""
    if not path.is_file():
        raise Refused(f"{path} is not a file")
    return path


def source_of(bundle: Bundle, name: str) -> Source:
    """The source of that name; Refused if there is none."""
    if name not in bundle.sources:
        raise Refused(f"no source {name!r}; there are {', '.join(sorted(bundle.sources)) or 'none'}")
    return bundle.sources[name]


def input_of(bundle: Bundle, text: str) -> tuple[str, Path]:
    """`SOURCE=FILE`."""
    name, sign, path = text.partition("=")
    if not sign:
        raise Refused(f"--input {text!r}: write SOURCE=FILE")
    return source_of(bundle, name).id, readable_file(Path(path))


def speed_of(text: str) -> float | None:
    """`60x` as 60, `max` as None."""
    if text == "max":
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < inf:
        raise Refused(f"--speed {text!r}: write 60x or max")
    return speed


def broker_of(options: argparse.Namespace) -> str:
    """The log's home: the option, else the environment, else an embedded one here."""
    url = options.broker or os.environ.get("TOCSIN_BROKER", "")
    if not url:
        path = Path(".run/tocsin.db").absolute()
        path.parent.mkdir(exist_ok=True)
        url = f"embedded://{path}"
    if not re.fullmatch(r"embedded:///.*[^/]|kafka://.+", url):
        raise Refused(f"--broker {url!r}: write embedded:///path/of/file.db or kafka://host:9092")
    return url


def read_only(options: argparse.Namespace) -> dict[str, Any]:
    """Settings for a log that is only looked at while a worker writes it."""
    return {"read_only": True} if broker_of(options).startswith("embedded://") else {}


@contextlib.contextmanager
def progress(text: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A counter of records on a terminal, with a bar where their number is known; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda number: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    known = total is not None
    counter = TextColumn("{task.completed:,.0f}" + (f" of {total:,} records" if known else " records"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *([BarColumn()] if known else []), counter,
               TimeElapsedColumn(), *([TimeRemainingColumn()] if known else []))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(text, total=total)
        yield lambda number: bar.advance(task, number)
