"""E-mail: what a letter says, and what the answers of a real SMTP server in this test mean."""

from __future__ import annotations

import asyncio
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from streams.logs import Entry
from streams.service.deliver_mail import SMTP_URL, Mail, letter, sender_of
from streams.service.deliver_ways import Answer

ALERT: dict[str, Any] = {
    "alert": "a1", "status": "firing", "title": "Gas at d1", "summary": "25 ppm", "severity": "severe", "labels": {},
    "opened_at": "2026-03-02T08:00:00Z", "closed_at": None, "runbook": "runbooks/gas.md"}
EVENT: dict[str, Any] = {
    "id": "n1", "time": "2026-03-02T08:01:00Z", "data": {
        "receiver": "gas-desk", "reason": "first", "route": "gas", "group": {}, "firing": 2, "over": 0,
        "alerts": [ALERT], "case": "", "title": "Gas at d1\r\nBcc: everybody@example.org", "digest": None}}


@contextmanager
def server(accepted: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers so to recipients; its port, and what it was told."""
    heard: list[bytes] = []

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            inside = False
            for line in self.rfile:
                heard.append(line)
                if inside:
                    inside = line != b".\r\n"
                    self.wfile.write(b"" if inside else b"250 kept\r\n")
                    continue
                inside = line.upper().startswith(b"DATA")
                rcpt = line.upper().startswith(b"RCPT")
                self.wfile.write(b"354 go on\r\n" if inside else accepted if rcpt else b"250 ok\r\n")
                if line.upper().startswith(b"QUIT"):
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as listening:
        running = threading.Thread(target=listening.serve_forever, args=(0.01,))
        running.start()
        yield listening.server_address[1], heard
        listening.shutdown()
        running.join()


def sent() -> Answer:
    """One attempt."""
    return asyncio.run(Mail("night@example.org").send(Entry("t", 0, 0, 0, b"gas-desk", b"{}"), EVENT))


@pytest.mark.parametrize(("accepted", "answer"), [
    (b"250 ok\r\n", Answer(done=True)),
    (b"450 later\r\n", Answer(again=True, text="450 the address was refused")),
    (b"550 nobody\r\n", Answer(text="550 the address was refused")),
])
def test_a_letter_is_taken_put_off_or_refused(
        accepted: bytes, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(accepted) as (port, heard):
        monkeypatch.setenv(SMTP_URL, f"smtp://127.0.0.1:{port}?from=tocsin@city.example")
        assert sent() == answer
    assert b"mail FROM:<tocsin@city.example>" in b"".join(heard)
    assert (b"Subject: [firing 2] Gas at d1 Bcc: everybody@example.org\r\n" in heard) == answer.done


@pytest.mark.parametrize("url", ["", "mail.example", "http://a:1", "smtp://a:port"])
def test_without_a_server_it_is_tried_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SMTP_URL, url)
    answer = sent()
    assert answer.again
    assert "TOCSIN_SMTP_URL" in answer.text


def test_a_letter_says_what_which_and_why() -> None:
    written = letter(EVENT, "a@x", sender_of(urlsplit("smtps://tocsin%40city.example:pw@mail.example")))
    assert (written["From"], written["To"], written["Message-ID"]) == (
        "tocsin@city.example", "a@x", "<n1@city.example>")
    text = written.get_content()
    for words in ("FIRING: Gas at d1 (severe)", "25 ppm", "runbooks/gas.md", "and 1 more",
                  "Sent to gas-desk at 2026-03-02T08:01:00Z, reason: first, route gas."):
        assert words in text
