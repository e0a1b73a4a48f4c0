"""Delivery on the embedded log, to a real server: what arrives, signed; what is tried again, and when; dead letters."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from streams.logs import Bulk, Log, Outgoing, open_log
from streams.policy import Channel, Policy, Receiver
from streams.rules import Bundle, City
from streams.service.deliver import DeliverLoop, receiver_topics
from streams.service.deliver_lanes import Patience
from streams.service.deliver_ways import signed
from streams.topics import Topics

TOPICS = Topics()
NOW = 1_751_371_200
KEY = b"0123456789abcdef"
RUNBOOK = Path(__file__).resolve().parents[2] / "deploy" / "README.md"
Scene = Callable[["Town"], Awaitable[None]]


class Town:
    """A log, receivers, a server that answers as told, and a clock that passes as soon as somebody waits for it."""

    def __init__(self, folder: Path, patience: Patience) -> None:
        self.log: Log = open_log(f"embedded://{folder}/log.db")
        self.patience = patience
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, list[int]] = {}
        self.pauses: list[float] = []
        self.never: set[str] = set()
        self.base = ""
        self.loop: DeliverLoop
        self.reader: Bulk

    async def answer(self, request: web.Request) -> web.Response:
        """The next status that the path has, else 204."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((request.path, headers, await request.read()))
        if request.path in self.never:
            await asyncio.Event().wait()
        status = (self.answers.get(request.path) or [204]).pop(0)
        return web.Response(status=status, text="so be it" if status != 204 else None,
                            headers={"Location": "/elsewhere", "Retry-After": "40" if status == 503 else ""})

    async def sleep(self, seconds: float) -> None:
        """No time passes; it is written down."""
        self.pauses.append(seconds)

    async def begin(self, **channels: list[Channel]) -> None:
        """A deliverer for these receivers begins where the last one ended."""
        receivers = {id: Receiver(id, channels=tuple(its)) for id, its in channels.items()}
        bundle = Bundle("b", City(), {}, {}, {}, {}, {}, policy=Policy(receivers=receivers))
        await self.log.create(receiver_topics(bundle))
        self.loop = DeliverLoop(bundle, self.log, TOPICS, lambda: NOW * 1_000_000, self.patience, self.sleep,
                                lambda: 0.5)
        self.reader = self.loop.bulk()
        await self.reader.start()

    async def end(self) -> None:
        """It is killed: nothing is kept beyond what was."""
        await self.reader.stop()
        await self.loop.close()

    async def tell(self, receiver: str, *ids: str) -> None:
        """Notifications for a receiver."""
        await self.log.append([Outgoing(TOPICS.notifications, 0, receiver.encode(), orjson.dumps({"id": id}))
                               for id in ids])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Step on until it holds; what was done by then is kept."""
        async with asyncio.timeout(20):
            while not condition():
                await self.loop.once(self.reader)
            await self.loop.keep(self.reader)

    def hook(self, path: str, secret: str = "") -> Channel:
        """A webhook of the server."""
        return Channel("webhook", {"url": self.base + path, **({"secret": secret} if secret else {})})

    def told(self, path: str) -> list[str]:
        """The ids that came to a path, in order."""
        return [orjson.loads(body)["id"] for its, _, body in self.heard if its == path]

    async def standing(self, topic: str) -> list[dict[str, Any]]:
        """What stands on a topic."""
        return [orjson.loads(entry.value or b"") async for batch in self.log.read(topic, 0) for entry in batch]


def played(folder: Path, scene: Scene, patience: Patience | None = None) -> None:
    """A scene, in a town of its own."""
    async def all_of_it() -> None:
        town = Town(folder, patience or Patience())
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", town.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        town.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await town.log.start()
        await town.log.create(TOPICS.specs(1))
        try:
            await scene(town)
        finally:
            await town.end()
            await town.log.stop()
            await runner.cleanup()

    asyncio.run(all_of_it())


def test_a_webhook_gets_the_event_signed_and_a_topic_gets_it_as_it_is(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "whsec_" + base64.b64encode(KEY).decode())

    async def scene(town: Town) -> None:
        await town.begin(control=[town.hook("/in", "HOOK_KEY"), Channel("topic", {"topic": "city.control"})])
        await town.tell("control", "n1")
        await town.tell("nobody", "n2")
        await town.until(lambda: sum(town.loop.counts.values()) == 3)
        ((_, headers, body),) = town.heard
        (there,) = await town.standing("city.control")
        assert orjson.loads(body) == there == {"id": "n1"}
        assert headers["content-type"] == "application/cloudevents+json"
        assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("n1", str(NOW))
        wanted = hmac.new(KEY, f"n1.{NOW}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()
        (letter,) = await town.standing(TOPICS.dlq)
        assert (letter["reason"], letter["receiver"]) == ("not_delivered", "nobody")
        assert await town.loop.lag() == 0

    played(tmp_path, scene)


def test_subscribers_can_check_a_signature_as_the_runbook_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", RUNBOOK.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    headers = signed("n1", NOW, b"{}", KEY)
    assert names["genuine"](headers, b"{}", KEY, NOW + 9)
    assert not names["genuine"](headers, b"{ }", KEY, NOW + 9)
    assert not names["genuine"](headers, b"{}", b"another", NOW + 9)
    assert not names["genuine"](headers, b"{}", KEY, NOW + 301)


def test_what_fails_is_tried_again_with_growing_pauses_in_order(tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        town.answers["/in"] = [500, 429, 503, 204, 204]
        await town.begin(control=[town.hook("/in")])
        await town.tell("control", "n1", "n2")
        await town.until(lambda: town.loop.counts["control", "webhook", "delivered"] == 2)
        assert town.told("/in") == ["n1", "n1", "n1", "n1", "n2"]
        assert town.pauses == [0.75, 1.5, 40.0]
        assert await town.standing(TOPICS.dlq) == []

    played(tmp_path, scene)


def test_what_is_refused_or_fails_too_often_is_a_dead_letter_and_the_next_is_told(tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        town.answers["/in"] = [302, 400, 500, 500, 500, 204]
        await town.begin(control=[town.hook("/in")], keyless=[town.hook("/k", "NO_SUCH_KEY")])
        await town.tell("control", "n1", "n2", "n3", "n4")
        await town.tell("keyless", "n5")
        await town.until(lambda: town.loop.counts["control", "webhook", "delivered"] == 1
                         and town.loop.counts["keyless", "webhook", "given_up"] == 1)
        letters = {orjson.loads(one["record"])["id"]: one for one in await town.standing(TOPICS.dlq)}
        assert {id: one["problem"] for id, one in letters.items()} == {
            "n1": "302 so be it", "n2": "400 so be it", "n3": "500 so be it",
            "n5": "the key NO_SUCH_KEY is neither in the environment nor in a file"}
        assert {(one["reason"], one["channel"]) for one in letters.values()} == {("not_delivered", "webhook")}
        assert town.told("/in") == ["n1", "n2", "n3", "n3", "n3", "n4"]
        assert town.told("/k") == town.told("/elsewhere") == []

    played(tmp_path, scene, Patience(tries=3))


def test_a_receiver_that_does_not_answer_holds_up_nobody_and_after_a_kill_only_what_it_lacks_comes_again(
        tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        town.never = {"/slow"}
        channels = {"slow": [town.hook("/slow")], "quick": [town.hook("/quick")]}
        await town.begin(**channels)
        await town.tell("quick", "n0")
        await town.tell("slow", "n1")
        await town.tell("quick", "n2", "n3")
        await town.until(lambda: town.loop.counts["quick", "webhook", "delivered"] == 3 and bool(town.told("/slow")))
        assert await town.loop.lag() == 3
        assert town.loop.waiting() == {("slow", "webhook"): 1, ("quick", "webhook"): 0}
        await town.end()
        town.never = set()
        await town.begin(**channels)
        await town.until(lambda: town.loop.counts["slow", "webhook", "delivered"] == 1)
        assert town.told("/slow") == ["n1", "n1"]
        assert town.told("/quick") == ["n0", "n2", "n3"]
        assert await town.loop.lag() == 0

    played(tmp_path, scene)


def test_where_too_many_wait_behind_what_fails_the_oldest_are_given_up(tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        town.answers["/in"] = [500] * 3
        await town.begin(control=[town.hook("/in")])
        await town.tell("control", *(f"n{number}" for number in range(5)))
        await town.until(lambda: sum(town.loop.counts.values()) > 4 and not any(town.loop.waiting().values()))
        given_up = [orjson.loads(one["record"])["id"] for one in await town.standing(TOPICS.dlq)]
        assert given_up == ["n0", "n1", "n2"]
        assert town.told("/in")[-2:] == ["n3", "n4"]

    played(tmp_path, scene, Patience(waiting=2))


def test_no_receiver_has_a_topic_of_our_own(tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        await town.begin(control=[Channel("topic", {"topic": TOPICS.notifications})])
        await town.tell("control", "n1")
        await town.until(lambda: town.loop.counts["control", "topic", "refused"] == 1)
        assert len(await town.standing(TOPICS.notifications)) == 1

    played(tmp_path, scene)


def test_pauses_double_up_to_the_longest() -> None:
    patience = Patience(first_s=1, longest_s=60)
    assert [patience.pause(number, 0.999999, 0) for number in (1, 2, 5, 7, 5000)] == pytest.approx(
        [1, 2, 16, 60, 60], rel=1e-4)
    assert patience.pause(7, 0.0, 0) == 30
    assert patience.pause(1, 0.0, 999_999) == 60
