"""Ways to a receiver: a topic, a webhook. Each makes one attempt and says how it went; `deliver_lanes` tries again.

A webhook is signed as Standard Webhooks 1.0 says, by the key that `secret` names: an environment variable, or a file.
Keys and addresses stand in no log and in no letter: an address may hold a token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import msgspec

from streams.logs import Entry, Log, Outgoing

ANSWER_WITHIN_S = 10.0
ANSWER_KEPT = 200  # characters of what a receiver said that a dead letter tells
PREFIX = "whsec_"
AGAIN = frozenset({408, 425, 429})
"""Refusals that do not last; so are all of 500 and above."""


class Answer(msgspec.Struct, frozen=True):
    """How an attempt went: `done`, or `text` says what was answered; whether to try `again`, not before `after` s."""

    done: bool = False
    again: bool = False
    text: str = ""
    after: float = 0.0


DONE = Answer(done=True)


class Way(Protocol):
    """One way to one receiver."""

    async def send(self, entry: Entry, event: Mapping[str, Any]) -> Answer:
        """One attempt to deliver a notification: the entry as it stands in the log, and its CloudEvent. LogError."""
        ...


class TopicWay:
    """The notification as it is, onto a topic. `ours` are topics that no receiver has."""

    def __init__(self, log: Log, topic: str, ours: Collection[str] = ()) -> None:
        self.log, self.topic, self.ours = log, topic, ours

    async def send(self, entry: Entry, event: Mapping[str, Any]) -> Answer:
        """See `Way`."""
        if self.topic in self.ours:
            return Answer(text=f"{self.topic} is a topic of Tocsin's own")
        await self.log.append([Outgoing(self.topic, None, entry.key, entry.value, entry.headers)])
        return DONE


class Webhook:
    """The CloudEvent, posted to an address. `wall` gives µs since the epoch, `session` the client of the loop."""

    def __init__(self, url: str, secret: str, wall: Callable[[], int],
                 session: Callable[[], aiohttp.ClientSession]) -> None:
        self.url, self.secret, self.wall, self.session = url, secret, wall, session

    async def send(self, entry: Entry, event: Mapping[str, Any]) -> Answer:
        """See `Way`. Redirects are not followed: where they lead nobody has decided."""
        body = entry.value or b""
        try:
            headers = signed(event["id"], self.wall() // 1_000_000, body, self.secret and key_of(self.secret))
            async with self.session().post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                said = await answer.content.read(ANSWER_KEPT * 4)
                return judged(answer.status, answer.headers, said.decode("utf-8", "replace"))
        except NoKey as error:
            return Answer(again=True, text=str(error))
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            return Answer(text="the address is none of a webhook")
        except TimeoutError:
            return Answer(again=True, text=f"no answer within {ANSWER_WITHIN_S:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(again=True, text=f"no connection ({type(error).__name__})")


class NoKey(Exception):
    """The key that should sign is not there, or is none."""


def client() -> aiohttp.ClientSession:
    """A client that keeps no cookies. Make it inside a running loop; close it."""
    within = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    return aiohttp.ClientSession(timeout=within, cookie_jar=aiohttp.DummyCookieJar())


def judged(status: int, headers: Mapping[str, str], said: str) -> Answer:
    """What a status of HTTP means for a delivery."""
    if 200 <= status < 300:
        return DONE
    asked = headers.get("Retry-After", "")
    text = f"{status} {said[:ANSWER_KEPT]}".strip()
    return Answer(again=status in AGAIN or status >= 500, text=text, after=float(asked) if _seconds(asked) else 0.0)


def _seconds(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def signed(id: str, seconds: int, body: bytes, key: bytes | str) -> dict[str, str]:
    """The headers of a webhook; without a key it is not signed."""
    headers = {"content-type": "application/cloudevents+json", "webhook-id": id, "webhook-timestamp": str(seconds)}
    return headers | {"webhook-signature": signature(id, seconds, body, key)} if isinstance(key, bytes) else headers


def signature(id: str, seconds: int, body: bytes, key: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body, in base64."""
    signed_text = f"{id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed_text, hashlib.sha256).digest()).decode()


def key_of(name: str) -> bytes:
    """The key in this environment variable, else in this file, read anew each time. Raises NoKey.

    `whsec_` and base64, as Standard Webhooks writes keys; any other text is the key itself.
    """
    text = os.environ.get(name, "")
    if not text:
        try:
            text = Path(name).read_text("utf-8").strip()
        except (OSError, ValueError):
            text = ""
    if not text:
        raise NoKey(f"the key {name} is neither in the environment nor in a file")
    if not text.startswith(PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise NoKey(f"the key {name} begins with {PREFIX} and is not base64") from error
