"""The command's options as questions: which rule, which key, which moment; and where to look for the answer."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from streams.findings import Finding
from streams.logs import Log, LogError, UnknownTopic, open_log
from streams.records import Micros
from streams.rulefile import Workshop
from streams.rules import Rule
from streams.tools.asking import Misasked, rule_meant, rules_meant
from streams.tools.explain.asking import askable, key_of, moment_of, names
from streams.tools.explain.explaining import explain
from streams.tools.explain.files import Files, Progress, finding_in_files, story_of_files
from streams.tools.explain.report import as_json, as_text
from streams.tools.explain.running import finding_in_log, story_of_log
from streams.tools.explain.story import Story
from streams.tools.explain.trials import find_test, story_of_test
from streams.tools.timeline import Misread
from streams.topics import Topics

Address = tuple[str, Mapping[str, Any]]
Found = TypeVar("Found")


def told(shop: Workshop, options: argparse.Namespace, inputs: Sequence[tuple[str, Path]], address: Address | None,
         now: Micros, progress: Progress) -> str:
    """The explanation as text, or as JSON. Without files and test the log at the `address` is asked."""
    if bool(inputs) and bool(options.test):
        raise Misasked("give --input or --test, not both")
    try:
        if options.test:
            story, finding = _of_test(shop, options)
        elif address is None:
            files = Files(inputs, options.order, options.finish, now)
            story, finding = _of_files(shop, options, files, progress)
        else:
            story, finding = _of_log(shop, options, address)
        return _answer(story, finding, options)
    except ValueError as error:
        raise Misasked(str(error)) from error


def _answer(story: Story, finding: Finding | None, options: argparse.Namespace) -> str:
    rule = story.rule
    if finding is not None:
        texts = [f"{name}={part}" for name, part in finding.key.items() if name in askable(rule)]
        one = explain(story, key_of(rule, texts), finding.opened, finding.id, options.near)
    else:
        at = moment_of(options.at, story.bundle.city.zone, story.start) if options.at else None
        one = explain(story, key_of(rule, options.key), at, near=options.near)
    if options.json:
        return orjson.dumps(as_json(one), option=orjson.OPT_INDENT_2).decode()
    return as_text(one, f"{options.rules.as_posix()}/")


def _of_test(shop: Workshop, options: argparse.Namespace) -> tuple[Story, Finding | None]:
    found = find_test(shop.bundle, rules_meant(shop, [options.rule] if options.rule else []), options.test)
    if found is None:
        of_rule = f" of the rule {options.rule}" if options.rule else ""
        raise Misasked(f"no test{of_rule} is called {options.test!r}; `tocsin test --verbose` lists them")
    rule, test = found
    try:
        story = story_of_test(shop.bundle, rule, test, shop.rebuild)
    except Misread as error:
        raise Misasked(f"the test cannot be read: {error}") from error
    named = [one for one in story.told if options.finding and names(one, options.finding)]
    if options.finding and not named:
        raise Misasked(f"the test has no finding {options.finding}")
    return story, named[-1] if named else None


def _of_files(shop: Workshop, options: argparse.Namespace, files: Files, progress: Progress
              ) -> tuple[Story, Finding | None]:
    finding = finding_in_files(shop.bundle, files, options.finding, progress) if options.finding else None
    rule = _rule(shop, options, finding)
    return story_of_files(shop.bundle, rule, files, progress), finding


def _of_log(shop: Workshop, options: argparse.Namespace, address: Address) -> tuple[Story, Finding | None]:
    topics = Topics(options.prefix)

    async def work(log: Log) -> tuple[Story, Finding | None]:
        finding = await finding_in_log(log, topics, options.finding) if options.finding else None
        return await story_of_log(log, topics, shop.bundle, _rule(shop, options, finding)), finding

    return _with_log(address, work)


def _with_log(address: Address, work: Callable[[Log], Awaitable[Found]]) -> Found:
    url, settings = address

    async def whole() -> Found:
        log = open_log(url, **settings)
        await log.start()
        try:
            return await work(log)
        finally:
            await log.stop()

    try:
        return asyncio.run(whole())
    except UnknownTopic as error:
        raise Misasked(f"{error}; has a worker run there? --input SOURCE=FILE looks into files") from error
    except LogError as error:
        raise Misasked(f"{error}; --input SOURCE=FILE looks into files") from error


def _rule(shop: Workshop, options: argparse.Namespace, finding: Finding | None) -> Rule:
    """The rule that is named, or that of the finding."""
    if options.finding and finding is None:
        raise Misasked(f"no finding and no alert {options.finding} is known here")
    name = options.rule if finding is None else finding.rule
    if not name:
        raise Misasked("say which rule: --rule RULE, or --finding ID")
    return shop.bundle.rules[rule_meant(shop, name)]
