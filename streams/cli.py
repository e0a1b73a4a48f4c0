"""The command `tocsin`: words to calls. Exit codes: 0 fine, 1 findings or failures, 2 usage.

Every command imports what it needs when it is called, so that `tocsin --help` is instant.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from streams import commands, desk_words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = _parser()
    options, left = parser.parse_known_args(arguments)
    if left:  # told by the command, whose usage shows what it takes
        options.parser.error(f"unrecognized arguments: {' '.join(left)}")
    call: Callable[[argparse.Namespace], int] = options.call
    try:
        return call(options)
    except commands.Refused as refused:
        print(f"tocsin {options.command}: {refused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        print(f"tocsin {options.command}: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tocsin", description="Rules over a city's event streams: alerts and dispatches.",
        epilog="Exit codes: 0 fine, 1 findings or failures, 2 usage.")
    words = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(words)
    _load(words)
    _tail(words)
    _vitals(words)
    _check(words)
    _test(words)
    _backtest(words)
    _calibrate(words)
    _show(words)
    _explain(words)
    _simulate(words)
    _schema(words)
    _lsp(words)
    desk_words.add(words, _common)
    version = _command(words, "version", commands.version, "print the version")
    version.add_argument("--json", action="store_true", help="as JSON")
    return parser


Words: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(words: Words, name: str, call: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = words.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(call=call, parser=parser)
    return parser


def _rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", type=Path, default=Path("rules"), metavar="DIR",
                        help="the rule files (default: rules)")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def _broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--broker", default=None, metavar="URL",
                        help="kafka://host:9092[,...] or embedded:///path (default: $TOCSIN_BROKER, "
                             "else embedded in .run/tocsin.db here)")
    parser.add_argument("--prefix", default="tocsin", help="of Tocsin's own topics and groups (default: tocsin)")


def _common(parser: argparse.ArgumentParser) -> None:
    _rules(parser)
    _broker(parser)


def _run(words: Words) -> None:
    parser = _command(words, "run", commands.run, "run a worker of the service")
    _rules(parser)
    _broker(parser)
    parser.add_argument("--role", choices=("ingest", "detect", "respond", "deliver", "all"), default="all",
                        help="which stage this worker plays (default: all)")
    parser.add_argument("--partitions", type=int, default=4,
                        help="of Tocsin's own topics when they are made (default: 4)")
    parser.add_argument("--port", type=int, default=9400,
                        help="for /metrics, /healthz, /readyz; 0: any free (default: 9400)")


def _load(words: Words) -> None:
    parser = _command(words, "load", commands.load, "put a file's records onto a source's topic")
    parser.add_argument("file", type=Path, help="the file, .gz or not")
    parser.add_argument("--source", required=True, help="the source whose records they are")
    parser.add_argument("--speed", default="max", help="60x plays an hour in a minute; max (default)")
    parser.add_argument("--partitions", type=int, default=4, help="of the topic, where it is made (default: 4)")
    _rules(parser)
    _broker(parser)


def _tail(words: Words) -> None:
    parser = _command(words, "tail", commands.tail, "show what stands on a topic, one JSON line an entry")
    parser.add_argument("topic", help="a topic's name, or: alerts dispatches late dlq shadow audit events vitals")
    parser.add_argument("--follow", "-f", action="store_true", help="wait for more")
    parser.add_argument("--json", action="store_true", help="JSON lines (always so)")
    _broker(parser)


def _vitals(words: Words) -> None:
    parser = _command(words, "vitals", commands.vitals, "show the vital signs of the city as they stand now")
    parser.add_argument("indicator", nargs="*", help="only these indicators")
    parser.add_argument("--district", default="", metavar="D", help="only what is measured in this district")
    parser.add_argument("--bad", action="store_true", help="only what is amber or red")
    _rules(parser)
    _broker(parser)


def _check(words: Words) -> None:
    parser = _command(words, "check", commands.check, "find every mistake in the rule files")
    _rules(parser)
    parser.add_argument("--quiet", "-q", action="store_true", help="only what stops a load, no warnings")
    parser.add_argument("--today", metavar="DATE",
                        help="the day that exceptions and snoozes are held against (default: today)")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text",
                        help="how it is told: text, JSON lines (as --json) or SARIF 2.1.0")
    parser.add_argument("--changed", metavar="REV",
                        help="only what differs from this revision of git, and what uses it")


def _test(words: Words) -> None:
    parser = _command(words, "test", commands.test, "run the tests that stand in the rule files")
    _rules(parser)
    parser.add_argument("rule", nargs="*", help="only these rules")
    parser.add_argument("--rule", action="append", default=[], dest="only", metavar="RULE", help="the same as a word")
    parser.add_argument("-k", default="", dest="words", metavar="WORDS",
                        help="only tests whose rule or name holds these; joined by and, or, not")
    parser.add_argument("--verbose", "-v", action="store_true", help="a line a test")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="the results as JUnit XML too")
    parser.add_argument("--coverage", action="store_true", help="name the clauses that no test decides both ways")
    parser.add_argument("--watch", action="store_true", help="run again whenever a rule file changes")


def _show(words: Words) -> None:
    parser = _command(words, "rules", commands.rules, "look into the rules: rules list, rules show RULE")
    parser.add_argument("action", choices=("list", "show"),
                        help="list: which rules there are; show: the effective file, with the origin of every line")
    parser.add_argument("rule", nargs="?", default="", help="its id; of an instance template.instance (list: all)")
    parser.add_argument("--district", default="", metavar="D", help="as it stands in this district")
    _rules(parser)


def _backtest(words: Words) -> None:
    parser = _command(words, "backtest", commands.backtest, "run rules over files of records, or over accepted events")
    _rules(parser)
    _past(parser)
    parser.add_argument("--log", action="store_true", help="every emission in order instead of the final states")
    parser.add_argument("--alerts", action="store_true", help="the alerts that come of the findings instead of these")
    parser.add_argument("--vitals", action="store_true",
                        help="the readings of indicators, and roll-ups, instead of findings")
    parser.add_argument("--rule", action="append", default=[], metavar="RULE",
                        help="only this rule, or these, and what they read")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="share the keys among so many (default: 1)")
    parser.add_argument("--diff", nargs="+", default=[], metavar="VERSION",
                        help="OLD, or OLD and NEW: what differs between folders of rules or revisions of git")
    parser.add_argument("--report", type=Path, metavar="FILE", help="a page with map and time line too: FILE.html")


def _past(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", action="append", default=[], metavar="SOURCE=FILE",
                        help="a source's records; may be given more than once")
    parser.add_argument("--broker", default="", metavar="URL",
                        help="accepted events of a deployment in place of files: kafka://host:9092 or embedded:///path")
    parser.add_argument("--prefix", default="tocsin", help="of that deployment's topics (default: tocsin)")
    parser.add_argument("--from", dest="since", metavar="TIME", help="only findings that opened from then on")
    parser.add_argument("--to", dest="until", metavar="TIME", help="only findings that opened before then")
    parser.add_argument("--order", choices=("arrival", "time"), default="arrival",
                        help="as the file came, or sorted by event time (default: arrival)")
    parser.add_argument("--finish", action="store_true", help="let time run on until nothing waits any more")


def _calibrate(words: Words) -> None:
    parser = _command(words, "calibrate", commands.calibrate, "learn from the past what is normal, and what is rare")
    parser.add_argument("rule", nargs="+", help="a rule with a condition above or below a baseline")
    _rules(parser)
    _past(parser)
    parser.add_argument("--budget", default=None, metavar="N/month",
                        help="how many findings all keys together may have (default: what the rule says)")
    parser.add_argument("--known", action="append", default=[], metavar="FROM/TO",
                        help="a time in which something did happen: what is found there is no false alarm")
    parser.add_argument("--write", action="store_true",
                        help="put the condition into the rule's file, and what was learnt into baselines/RULE.yaml")
    parser.add_argument("--report", type=Path, metavar="FILE", help="a page with the chart too: FILE.html")
    parser.set_defaults(jobs=1, vitals=False)


def _explain(words: Words) -> None:
    parser = _command(words, "explain", commands.explain, "say why a rule fired, or why not")
    _rules(parser)
    _broker(parser)
    parser.add_argument("--rule", default="", help="the rule that is asked about")
    parser.add_argument("--key", action="append", default=[], metavar="NAME=VALUE",
                        help="a part of its key; may be given more than once (default: the key that came nearest)")
    parser.add_argument("--near", default="", metavar="LAT,LON",
                        help="of a rule with `near`: the place; --key cell=CELL asks about a cell of the map")
    parser.add_argument("--at", default="", metavar="TIME",
                        help="the moment; of a test also a span after its start (default: any time)")
    parser.add_argument("--finding", default="", metavar="ID", help="a finding, or an alert, in place of rule and time")
    parser.add_argument("--input", action="append", default=[], metavar="SOURCE=FILE",
                        help="a source's records, in place of a service's log; may be given more than once")
    parser.add_argument("--order", choices=("arrival", "time"), default="arrival",
                        help="of files: as the file came, or sorted by event time (default: arrival)")
    parser.add_argument("--finish", action="store_true", help="of files: let time run on until nothing waits any more")
    parser.add_argument("--test", default="", metavar="NAME", help="a test in the rule files, in place of a log")


def _simulate(words: Words) -> None:
    parser = _command(words, "simulate", commands.simulate, "make the records of a made-up city")
    parser.add_argument("directory", type=Path, help="where the files go")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes (default: 1)")
    parser.add_argument("--start", default="2026-03-02", metavar="DATE", help="the first day (default: 2026-03-02)")
    parser.add_argument("--days", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--scale", type=float, default=1.0, help="how large a city (default: 1)")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def _schema(words: Words) -> None:
    parser = _command(words, "schema", commands.schema, "print the JSON Schema of rule files, or of what is published")
    parser.add_argument("kind", nargs="?", default=None, help="of one kind of document, or event, only (default: all)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--events", action="store_true", help="of the events on the topics that others read")
    which.add_argument("--asyncapi", action="store_true", help="an AsyncAPI 3.0 document: which topics, which events")
    parser.add_argument("--prefix", default="tocsin", help="of the topics in the AsyncAPI document (default: tocsin)")
    parser.add_argument("--json", action="store_true", help="JSON (always so)")


def _lsp(words: Words) -> None:
    parser = _command(words, "lsp", commands.lsp, "speak to an editor: a language server on stdin and stdout")
    parser.add_argument("--stdio", action="store_true", help="speak on stdin and stdout (always so)")
    _rules(parser)


if __name__ == "__main__":
    sys.exit(main())
