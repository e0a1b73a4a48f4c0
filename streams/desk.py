"""What the commands of the operators' desk do with their options: the log, who acts and when, and what is printed."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import orjson

from streams.commands import Refused, broker_of, load_bundle, read_only

if TYPE_CHECKING:
    from streams.tools.desk.desk import Desk
    from streams.tools.desk.saying import Said

    Work: TypeAlias = Callable[[Desk], Awaitable[Said]]

ROLE = "TOCSIN_ROLE"


def alert(options: argparse.Namespace) -> int:
    """`tocsin alert`: the list of alerts, the story of one, what operators make of them."""
    from streams.tools.desk import working

    return _at_desk(options, lambda desk: working.alert(desk, options, new_id))


def case(options: argparse.Namespace) -> int:
    """`tocsin case`: the list of cases, the story of one, and everything that moves it."""
    from streams.tools.desk import working

    return _at_desk(options, lambda desk: working.case(desk, options, new_id))


def silence(options: argparse.Namespace) -> int:
    """`tocsin silence`: what people want to hear nothing of, and what that would mute."""
    from streams.tools.desk import quiet

    return _at_desk(options, lambda desk: quiet.silence(desk, options, new_id))


def route(options: argparse.Namespace) -> int:
    """`tocsin route`: who would be told of an alert, and what would keep it quiet."""
    from streams.tools.desk import routing

    return _at_desk(options, lambda desk: routing.route(desk, options), needed=False)


def shift(options: argparse.Namespace) -> int:
    """`tocsin shift`: what a shift hands over to the next."""
    from streams.tools.desk import shift as handing_over

    return _at_desk(options, lambda desk: handing_over.shift(desk, options))


def drill(options: argparse.Namespace) -> int:
    """`tocsin drill`: an exercise."""
    from streams.tools.desk import drilling

    return _at_desk(options, lambda desk: drilling.drill(desk, options, new_id))


def new_id() -> str:
    """An id for an action that nobody has used."""
    return secrets.token_hex(12)


def wall() -> int:
    """The wall clock, µs since the epoch."""
    return time.time_ns() // 1000


def _at_desk(options: argparse.Namespace, work: Work, needed: bool = True) -> int:
    """Do something at the desk of a deployment, and print what is said. Not `needed`: the rules alone will do."""
    from streams.logs import LogError, UnknownTopic, open_log
    from streams.tools.asking import Misasked
    from streams.tools.desk.desk import alone, sit_down
    from streams.topics import Topics

    bundle = load_bundle(options.rules)
    _introduce(options)

    async def working() -> Said:
        log = open_log(broker_of(options), **read_only(options))
        try:
            await log.start()
            desk = await sit_down(log, Topics(options.prefix), bundle, wall())
        except LogError:
            await log.stop()
            if needed:
                raise
            return await work(alone(log, Topics(options.prefix), bundle, wall()))
        try:
            return await work(desk)
        finally:
            await log.stop()

    try:
        said = asyncio.run(working())
    except UnknownTopic as error:
        raise Refused(f"{error}; has a worker run on this log yet?") from error
    except (LogError, Misasked) as error:
        raise Refused(str(error)) from error
    _print(said, options.json)
    return said.code


def _introduce(options: argparse.Namespace) -> None:
    """Who acts and as what, where the command does not say it."""
    from streams.actions import ROLES

    if not hasattr(options, "role"):
        return
    options.actor = options.actor or getpass.getuser()
    options.role = options.role or os.environ.get(ROLE, "") or "dispatcher"
    known = [role for role in ROLES if role != "system"]
    if options.role not in known:
        raise Refused(f"there is no role {options.role!r}; there are {', '.join(known)}")


def _print(said: Said, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.writelines(orjson.dumps(line) + b"\n" for line in said.lines)
        return
    sys.stdout.write(said.text)
    sys.stdout.flush()
    sys.stderr.write(said.wrong)
