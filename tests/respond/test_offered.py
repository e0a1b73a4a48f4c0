"""What a city offers in Open311 follows from the rules that send somebody."""

from __future__ import annotations

from streams.formats.open311 import Service
from streams.respond.offered import services
from streams.rules import Alert, Dispatch
from tests.responses import bundle, rule

POLICE = Dispatch("police", 1)


def test_services_are_the_rules_that_send_somebody() -> None:
    found = services(bundle(
        rule("silent"), rule("trial", status="test", dispatch=POLICE),
        rule("hole", dispatch=POLICE, title="A hole", owner="roads", alert=Alert("t", category="Infra")),
        rule("crash", dispatch=POLICE, title="A crash"),
        rule("crash@west", dispatch=POLICE, title="A crash in the west", district="west", bases=("crash",)),
    ))
    assert found == [Service("crash", "A crash", "A crash", "Other"),
                     Service("hole", "A hole", "A hole", "Infra", ("roads",))]
