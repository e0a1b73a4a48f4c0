"""Stories of what devices report, or fail to report."""

from __future__ import annotations

from typing import Any

from streams.clocks import HOUR, MINUTE, SECOND
from streams.records import Micros
from streams.tools.simulate.chance import pick
from streams.tools.simulate.city import Device
from streams.tools.simulate.stage import Incident, Spell, Stage, Story, Values, cast, ids


def gas(stage: Stage) -> Story:
    """Methane far too high in four reports running."""
    chance = stage.chance("gas")
    device, start = stage.device("gas", 2, "methane"), stage.clock(chance, 3, 20)
    spell = Spell(device.id, start - HOUR, start + 2 * HOUR, _ppm(device, start, start + 40 * MINUTE, 16_000.0))
    reports = stage.reports(device, start, start + 40 * MINUTE)
    closed = reports[-2][1] + 25 * MINUTE
    return cast(
        [spell],
        Incident(
            "gas-leak",
            (device.id,),
            reports[1][1],
            closed,
            ids(reports),
            "methane above a fifth of what explodes, in four reports running",
        ),
    )


def chlorine(stage: Stage) -> Story:
    """Chlorine in two reports running."""
    chance = stage.chance("chlorine")
    device = pick(chance, [one for one in stage.city.devices("gas") if one.substance == "chlorine"])
    start = stage.clock(chance, 3, 21)
    spell = Spell(device.id, start, start + 20 * MINUTE, _ppm(device, start, start + 20 * MINUTE, 3.0))
    reports = stage.reports(device, start, start + 20 * MINUTE)
    return cast(
        [spell],
        Incident(
            "chlorine-leak",
            (device.id,),
            reports[0][1],
            reports[-1][1] + 30 * MINUTE,
            ids(reports),
            "chlorine at the water works",
        ),
    )


def storm(stage: Stage) -> Story:
    """A cloudburst over one district: gauges, an underpass, a manhole cover."""
    chance = stage.chance("storm")
    cover = stage.device("manhole", 4)
    hour = stage.clock(chance, 12, 17)
    lifted, at = stage.reports(cover, hour, hour + HOUR)[0]
    start, end = at - 40 * MINUTE, at + 30 * MINUTE
    gauges = stage.city.devices("rain", stage.districts[4])
    flood = stage.device("water", 4)
    level, flooded = _flood(stage, flood, start + 20 * MINUTE)
    spells = [
        *[Spell(gauge.id, start, end, lambda number, _: {"mm_per_h": 45.0 + number % 10}) for gauge in gauges],
        Spell(cover.id, at - 5 * SECOND, at + SECOND, lambda *_: {"tilt_deg": 35.0, "battery": 71}),
        level,
    ]
    return cast(
        spells,
        *[_cloudburst(stage, gauge, start, end) for gauge in gauges],
        flooded,
        Incident(
            "manhole-open-in-rain",
            (cover.district,),
            at,
            at,
            (lifted,),
            "a manhole cover lifted while it poured",
        ),
    )


def crowd(stage: Stage) -> Story:
    """Too many people on a square for 25 minutes."""
    chance = stage.chance("crowd")
    square, start = pick(chance, stage.city.devices("crowd")), stage.clock(chance, 10, 20)
    end = start + 25 * MINUTE

    def people(_: int, due: Micros) -> dict[str, Any]:
        return {"people_per_m2": 5.0 if start <= due < end else 0.5}

    spell = Spell(square.id, start - 20 * MINUTE, end + 20 * MINUTE, people)
    calm = stage.reports(square, start - 10 * MINUTE, start)[-1]
    dense = stage.reports(square, start, end)
    return cast(
        [spell],
        Incident(
            "crowd-dense",
            (square.id,),
            calm[1] + 14 * MINUTE,
            dense[-2][1] + 12 * MINUTE,
            ids(dense),
            "five people a square metre on a square",
        ),
    )


def silences(stage: Stage) -> Story:
    """A gas detector, a rain gauge and a manhole cover fall silent; one more only speaks late."""
    chance = stage.chance("silence")
    silent = (
        (stage.device("gas", 5, "methane"), 2 * HOUR),
        (stage.device("rain", 6), HOUR),
        (stage.device("manhole", 7), 5 * HOUR),
    )
    spells, incidents = [], []
    for device, length in silent:
        start = stage.clock(chance, 2, 16)
        spells.append(Spell(device.id, start, start + length))
        last = stage.reports(device, start - device.report_interval, start)[-1]
        back = stage.reports(device, start + length, start + length + device.report_interval)[0]
        opened = last[1] + device.report_interval + 15 * MINUTE
        incidents.append(Incident("sensor-silent", (device.id,), opened, back[1], (last[0],), f"{device.kind} silent"))
    late, start = stage.device("gas", 6, "methane"), stage.clock(chance, 2, 20)
    spells.append(Spell(late.id, start, start + 50 * MINUTE, backlog=True))
    return cast(spells, *incidents)


def _ppm(device: Device, start: Micros, end: Micros, high: float) -> Values:
    """High in the reports due in [start, end), a trace around them."""

    def values(number: int, due: Micros) -> dict[str, Any]:
        ppm = high + number % 7 if start <= due < end else 0.1
        return {"substance": device.substance, "ppm": ppm}

    return values


def _flood(stage: Stage, device: Device, start: Micros) -> tuple[Spell, Incident]:
    """Water rises in an underpass and falls again, report by report."""
    levels = (8.0, 18.0, 31.0, 42.0, 38.0, 29.0, 22.0, 13.0, 6.0)
    end = start + len(levels) * device.report_interval
    reports = stage.reports(device, start, end)
    first = int(reports[0][0].rpartition("-")[2])
    spell = Spell(device.id, start, end, lambda number, _: {"level_cm": levels[number - first]})
    return spell, Incident(
        "underpass-flooded",
        (device.id,),
        reports[2][1],
        reports[6][1] + 10 * MINUTE,
        ids(reports[2:6]),
        "27 cm of water in an underpass",
    )


def _cloudburst(stage: Stage, gauge: Device, start: Micros, end: Micros) -> Incident:
    """Nothing but heavy rain for half an hour: from when the last dry report is half an hour old."""
    dry = stage.reports(gauge, start - 10 * MINUTE, start)[-1]
    after = stage.reports(gauge, end, end + 10 * MINUTE)[0]
    return Incident(
        "cloudburst",
        (gauge.id,),
        dry[1] + 30 * MINUTE,
        after[1],
        ids(stage.reports(gauge, start, end)),
        "half an hour of 30 mm/h and more",
    )
