"""Stories of what devices report, or fail to report."""

from __future__ import annotations

from typing import Any

from streams.clocks import HOUR, MINUTE, SECOND
from streams.places import distance
from streams.records import Micros
from streams.tools.simulate.chance import between, pick
from streams.tools.simulate.city import Device
from streams.tools.simulate.stage import Incident, Report, Spell, Stage, Story, Values, cast, ids, series

REACH_OF_A_GAUGE_M = 3_000


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
    chance, where = stage.chance("storm"), stage.districts[4]
    gauges = stage.city.devices("rain", where)
    covers = stage.city.devices("manhole", where)
    cover = next(one for one in covers if any(_metres(one, gauge) <= REACH_OF_A_GAUGE_M for gauge in gauges))
    hour = stage.clock(chance, 12, 17)
    lifted = stage.reports(cover, hour, hour + HOUR)[0]
    start, end = lifted[1] - 40 * MINUTE, lifted[1] + 30 * MINUTE
    level, flooded, rising = _flood(stage, stage.device("water", 4), start + 20 * MINUTE)
    open_cover = Spell(
        cover.id, lifted[1] - 5 * SECOND, lifted[1] + SECOND, lambda *_: {"tilt_deg": 35.0, "battery": 71}
    )
    bursts = [found for gauge in gauges for found in _cloudburst(stage, gauge, start, end)]
    opened = sorted(one.opened for one in (*bursts, flooded) if one.rule != "rainstorm")
    spread = Incident(
        "flood-spreads", (where,), opened[2], opened[0] + 2 * HOUR, flooded.evidence, "two gauges and an underpass"
    )
    near = [gauge for gauge in gauges if _metres(cover, gauge) <= REACH_OF_A_GAUGE_M]
    holes = [found for gauge in near for found in _holes(stage, cover, lifted, gauge)]
    spells = [*[_pours(gauge, start, end) for gauge in gauges], open_cover, level]
    return cast(spells, *bursts, flooded, rising, spread, *holes, before=0)


def _metres(one: Device, other: Device) -> float:
    return distance(one.lat, one.lon, other.lat, other.lon)


def _holes(stage: Stage, cover: Device, lifted: Report, gauge: Device) -> list[Incident]:
    """The cover with each reading of the gauge within a quarter of an hour; it pours all the time."""
    name, at = lifted
    readings = stage.reports(gauge, at - 16 * MINUTE, at + 16 * MINUTE)
    times = [(rain, max(time, at)) for rain, time in readings if abs(time - at) <= 15 * MINUTE]
    why = "a manhole cover lifted while it poured"
    return [Incident("manhole-open-in-rain", (cover.id,), time, time, (rain, name), why) for rain, time in times]


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
        Incident(
            "crowd-growing",
            (square.id,),
            dense[0][1],
            dense[3][1],
            ids(dense[:3]),
            "a square is full from one report to the next",
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
    return cast(spells, *incidents)


def blackout(stage: Stage) -> Story:
    """The radio cell of a district has no power for 50 minutes, early in the morning."""
    where, start = stage.districts[3], stage.midnight + HOUR + int(between(stage.chance("cell"), 0, 5)) * MINUTE
    end = start + 50 * MINUTE
    devices = [device for device in stage.city.sensors if device.district == where]
    last = max((report for device in devices for report in stage.reports(device, start - HOUR, start)), key=_when)
    back = min((report for device in devices for report in stage.reports(device, end, end + HOUR)), key=_when)
    why = "a district's radio cell is down"
    silent = Incident("district-silent", (where,), last[1] + 15 * MINUTE, back[1], (last[0],), why)
    return cast([Spell(device.id, start, end) for device in devices], silent)


def _when(report: Report) -> Micros:
    return report[1]


def backlog(stage: Stage) -> Story:
    """A gas detector's modem keeps five reports and sends them at once."""
    device = stage.device("gas", 6, "methane")
    asked = stage.clock(stage.chance("backlog"), 2, 20)
    start = stage.reports(device, asked, asked + HOUR)[0][1] - 5 * MINUTE
    reports = stage.reports(device, start, start + 50 * MINUTE)
    return cast(
        [Spell(device.id, start, start + 50 * MINUTE, backlog=True)],
        Incident(
            "device-reports-late",
            (device.id,),
            reports[2][1],
            reports[0][1] + HOUR,
            ids(reports[:3]),
            "three of five reports come more than twenty minutes late",
        ),
    )


def _ppm(device: Device, start: Micros, end: Micros, high: float) -> Values:
    """High in the reports due in [start, end), a trace around them."""

    def values(number: int, due: Micros) -> dict[str, Any]:
        ppm = high + number % 7 if start <= due < end else 0.1
        return {"substance": device.substance, "ppm": ppm}

    return values


def _flood(stage: Stage, device: Device, start: Micros) -> tuple[Spell, Incident, Incident]:
    """Water rises in an underpass and falls again, report by report."""
    levels = (8.0, 18.0, 31.0, 42.0, 38.0, 29.0, 22.0, 13.0, 6.0)
    spell, reports = series(stage, device, start, [{"level_cm": level} for level in levels])
    flooded = Incident(
        "underpass-flooded",
        (device.id,),
        reports[2][1],
        reports[6][1] + 10 * MINUTE,
        ids(reports[2:6]),
        "27 cm of water in an underpass",
    )
    rising = Incident(
        "underpass-rising",
        (device.id,),
        reports[2][1],
        reports[5][1],
        ids(reports[:5]),
        "water rises by more than 70 cm an hour",
    )
    return spell, flooded, rising


def _pours(gauge: Device, start: Micros, end: Micros) -> Spell:
    """Heavy rain in [start, end), not a drop in three hours around it."""

    def values(number: int, due: Micros) -> dict[str, Any]:
        return {"mm_per_h": 45.0 + number % 10 if start <= due < end else 0.0}

    return Spell(gauge.id, start - 3 * HOUR, end + 3 * HOUR, values)


def _cloudburst(stage: Stage, gauge: Device, start: Micros, end: Micros) -> tuple[Incident, Incident]:
    """Nothing but heavy rain for half an hour: from when the last dry report is half an hour old."""
    dry = stage.reports(gauge, start - 10 * MINUTE, start)[-1]
    after = stage.reports(gauge, end, end + 10 * MINUTE)[0]
    wet = stage.reports(gauge, start, end)
    burst = Incident(
        "cloudburst", (gauge.id,), dry[1] + 30 * MINUTE, after[1], ids(wet), "half an hour of 30 mm/h and more"
    )
    opened, closed = _fifty_mm(wet)
    return burst, Incident("rainstorm", (gauge.id,), opened, closed, ids(wet), "50 mm within three hours")


def _fifty_mm(wet: list[Report]) -> tuple[Micros, Micros]:
    """When the readings add up to 50 mm, and when too few of them are left three hours later."""
    falls = [45 + int(name.rpartition("-")[2]) % 10 for name, _ in wet]
    opened = next(time for index, (_, time) in enumerate(wet) if sum(falls[: index + 1]) >= 50 * 12)
    closed = next(time for index, (_, time) in enumerate(wet) if sum(falls[index + 1 :]) < 50 * 12)
    return opened, closed + 3 * HOUR
