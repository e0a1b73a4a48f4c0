"""What a notice costs: alerts through routes, groups, inhibition, silences and the log, state kept; no topics.

`python -m bench.notifying [ALERTS]`, 200,000 if not given; one JSON line. Each alert fires and ends ten minutes later,
so that as many are open at any time as the rate of the city says (ten a second here); the last tenth is measured
apart, to see whether what is past slows it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from streams import intervals, matchers
from streams.clocks import HOUR, MINUTE, SECOND
from streams.policy import Inhibit, Policy, Receiver, Route, Silence
from streams.respond.notifying import Notice, Notification, Notifier
from streams.respond.state import Memory

START = 1_751_371_200 * SECOND
EVERY = SECOND // 10
LASTS = 10 * MINUTE
DISTRICTS, RULES, FEEDERS = 20, 50, 400


def condition(*texts: str) -> Any:
    """Matchers, all of which must hold."""
    return matchers.all_of([matchers.parse(text) for text in texts])


def policy() -> Policy:
    """A route for each district with one for grave alerts within it; a feeder explains its lights; twenty silences."""
    night = intervals.schedule([{"times": [{"start_time": "00:00", "end_time": "05:00"}]}])
    children = tuple(
        Route(f"0.{number}", f"d{number}", "district", condition(f'district="d{number}"'), ("rule",), MINUTE,
              5 * MINUTE, HOUR, muted=("night",), routes=(
                  Route(f"0.{number}.0", f"grave{number}", "chief", condition('severity=~"severe|extreme"'),
                        ("rule", "district"), 0, MINUTE, HOUR, go_on=True),))
        for number in range(DISTRICTS))
    silences = tuple(
        Silence(f"s{number}", condition(f'rule="r{number}"', f'district="d{number}"'), START, None, "owner", "works")
        for number in range(20))
    inhibits = (Inhibit("feeder", condition('rule="r0"'), condition('rule=~"r[1-9]"'), ("feeder",)),)
    receivers = {name: Receiver(name) for name in ("district", "chief", "duty")}
    return Policy(Route("0", "root", "duty", None, ("rule",), MINUTE, 5 * MINUTE, HOUR, routes=children), receivers,
                  {"night": night}, inhibits, silences)


def notice(number: int) -> Notice:
    """One of the alerts."""
    severity = ("minor", "moderate", "severe")[number % 3]
    labels = {"rule": f"r{number % RULES}", "severity": severity, "category": "Infra", "owner": "works",
              "district": f"d{number // 7 % DISTRICTS}", "feeder": f"f{number // 3 % FEEDERS}"}
    return Notice(f"a{number}", labels, START + number * EVERY, title=f"Alert {number}")


def measure(alerts: int) -> dict[str, Any]:
    """Notices a second of the processor: two an alert, each with the state rows that it changes."""
    memory = Memory()
    notifier = Notifier(policy(), memory)
    told = notices = 0
    began = marked = time.process_time()
    lag = LASTS // EVERY
    for number in range(alerts + lag):
        now = START + number * EVERY
        memory.come(now)
        told += sum(isinstance(one, Notification) for one in notifier.advance(now))
        if number < alerts:
            notifier.take(notice(number), now)
        if number >= lag:
            over = notice(number - lag)
            over.ends = now
            notifier.take(over, now)
        notices += (number < alerts) + (number >= lag)
        if number % 100 == 0:
            memory.changed()
        if number == (alerts + lag) * 9 // 10:
            marked, before = time.process_time(), notices
    ended = time.process_time()
    return {"notices": notices, "per_s": round(notices / (ended - began)),
            "per_s_at_the_end": round((notices - before) / (ended - marked)), "notifications": told,
            "open_at_the_end": len(memory.notices), "groups": len(memory.groups),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)))
