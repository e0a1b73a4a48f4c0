"""E-mail to a receiver: a notification in plain text, by the SMTP server that `TOCSIN_SMTP_URL` names.

`smtp://host:25`, `smtp://user:password@host:587` (with STARTTLS) or `smtps://...:465`; `?from=` says who writes. The
address is read anew for each letter and never logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from streams.logs import Entry
from streams.service.deliver_ways import ANSWER_WITHIN_S, DONE, Answer

SMTP_URL = "TOCSIN_SMTP_URL"
SUBJECT_AT_MOST = 200
LISTED = 50
PORTS = {"smtp": 25, "smtps": 465}


class Mail:
    """A letter to this address; each has a lane of its own, for a server may refuse one and take the others."""

    def __init__(self, to: str) -> None:
        self.to = to

    async def send(self, entry: Entry, event: Mapping[str, Any]) -> Answer:
        """See `deliver_ways.Way`. A refusal that the server calls final (5xx) is."""
        try:
            server = urlsplit(os.environ.get(SMTP_URL, ""))
            wrong = server.scheme not in PORTS or not server.hostname or not (server.port or PORTS[server.scheme])
        except ValueError:
            wrong = True
        if wrong:
            return Answer(again=True, text=f"{SMTP_URL} is not set to smtp://host:port or smtps://host:port")
        return await asyncio.to_thread(_sent, server, letter(event, self.to, sender_of(server)))


def sender_of(server: SplitResult) -> str:
    """Who writes: `from=`, else the user if that is an address, else tocsin at the server."""
    given = parse_qs(server.query).get("from", [""])[0] or unquote(server.username or "")
    return given if "@" in given else f"tocsin@{server.hostname}"


def letter(event: Mapping[str, Any], to: str, sender: str) -> EmailMessage:
    """A notification as a letter; its Message-ID follows from the event's id, so that what comes twice is one."""
    said = event["data"]
    written = EmailMessage()
    written["Subject"] = _line(f"{_heading(said)} {said['title']}")[:SUBJECT_AT_MOST]
    written["From"], written["To"] = sender, to
    written["Message-ID"] = f"<{event['id']}@{sender.rpartition('@')[2]}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(text_of(event))
    return written


def text_of(event: Mapping[str, Any]) -> str:
    """The letter's text: what it is about, each alert, and why it was sent."""
    said = event["data"]
    alerts = [_alert(one) for one in said["alerts"][:LISTED]]
    more = said["firing"] + said["over"] - len(alerts)
    why = f"Sent to {said['receiver']} at {event.get('time', '')}, reason: {said['reason']}"
    parts = [said["title"], *([f"Case {said['case']}"] if said["case"] else []), *alerts,
             *([f"and {more} more"] if more > 0 and alerts else []),
             why + (f", route {said['route']}." if said["route"] else ".")]
    return "\n\n".join(parts) + "\n"


def _alert(one: Mapping[str, Any]) -> str:
    severity = f" ({one['severity']})" if one["severity"] else ""
    lines = [f"{one['status'].upper()}: {one['title']}{severity}", one["summary"],
             f"since {one['opened_at']}" + (f", until {one['closed_at']}" if one["closed_at"] else ""),
             f"what to do: {one['runbook']}" if one["runbook"] else "", f"alert {one['alert']}"]
    return "\n  ".join(line for line in lines if line)


def _heading(said: Mapping[str, Any]) -> str:
    return f"[firing {said['firing']}]" if said["firing"] else "[over]"


def _line(text: str) -> str:
    """On one line: a subject with a line break would be another header."""
    return " ".join(text.split())


def _sent(server: SplitResult, written: EmailMessage) -> Answer:
    try:
        with contextlib.closing(_connected(server)) as mail:
            if server.username:
                mail.login(unquote(server.username), unquote(server.password or ""))
            mail.send_message(written)
            with contextlib.suppress(smtplib.SMTPException, OSError):  # it is taken, whatever comes of the farewell
                mail.quit()
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(max(code for code, _ in error.recipients.values()), "the address was refused")
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code, "the server refused it")
    except (smtplib.SMTPException, OSError) as error:
        return Answer(again=True, text=f"no connection ({type(error).__name__})")
    except ValueError as error:
        return Answer(text=f"no letter can be made of it ({type(error).__name__})")
    return DONE


def _refused(code: int, text: str) -> Answer:
    """What a code of SMTP means; a login that fails is ours to mend, and is tried again."""
    return Answer(again=code < 500 or code in (530, 534, 535), text=f"{code} {text}")


def _connected(server: SplitResult) -> smtplib.SMTP:
    host, port = server.hostname or "", server.port or PORTS[server.scheme]
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=ANSWER_WITHIN_S, context=ssl.create_default_context())
    mail = smtplib.SMTP(host, port, timeout=ANSWER_WITHIN_S)
    mail.ehlo()
    if server.username or mail.has_extn("starttls"):
        mail.starttls(context=ssl.create_default_context())
    return mail
