"""What the devices of the made-up city read where nothing is planted: no rule holds for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Any

import msgspec

from streams.clocks import DAY, MINUTE
from streams.records import Micros
from streams.tools.simulate.chance import CALLS_WEEK, between, dice, hour_of_week, local_midnight, mixed
from streams.tools.simulate.city import Device
from streams.tools.simulate.registers import warning_m

FADE = 5 * MINUTE  # how long a shower takes to swell and to fade
Values = dict[str, Any]


class Moment(msgspec.Struct, frozen=True):
    """One report: whose, its number and time; `noise` in [0, 1) is its own chance."""

    seed: int
    device: Device
    number: int
    time: Micros
    noise: float


def usual(seed: int, chance: Random, device: Device, number: int, time: Micros) -> Values:
    """What a device reads where nothing is planted."""
    return _USUAL[device.kind](Moment(seed, device, number, time, chance.random()))


def _rain(one: Moment) -> Values:
    return {"mm_per_h": round(_fall(one) * (0.8 + 0.4 * one.noise), 1)}


def _water(one: Moment) -> Values:
    return {"level_cm": round(2 + 0.4 * _fall(one) + one.noise, 1)}


def _manhole(one: Moment) -> Values:
    return {"tilt_deg": round(4 * one.noise, 1), "battery": 60 + int(one.device.phase % 40)}


def _gas(one: Moment) -> Values:
    """A trace; now and then one reading of methane alone is far too high, and no leak."""
    if one.device.substance != "methane":
        return {"substance": one.device.substance, "ppm": round(0.2 * one.noise, 2)}
    alone = one.number % 3 == 0 and mixed(one.seed, "spike", one.device.id, one.number) < 0.0015
    return {"substance": "methane", "ppm": 12_000.0 if alone else round(60 * one.noise, 2)}


def _pressure(one: Moment) -> Values:
    return {"mpa": round(0.29 + 0.01 * one.noise, 3)}


def _tap(one: Moment) -> Values:
    return {"free_chlorine_mg_l": round(0.2 + 0.3 * one.noise, 2), "turbidity_ntu": round(0.1 + 0.4 * one.noise, 2)}


def _river(one: Moment) -> Values:
    return {"level_m": round(warning_m(one.device) - 1.5 + 0.2 * one.noise, 2)}


def _air(one: Moment) -> Values:
    noise = one.noise
    return {"pm25": round(12 + 30 * noise, 1), "o3": round(40 + 100 * noise, 1), "no2": round(15 + 60 * noise, 1)}


def _sound(one: Moment) -> Values:
    """A building site: loud by day, still at night."""
    by_day = 6 <= hour_of_week(one.time) % 24 < 22
    return {"laeq_db": round((58 if by_day else 40) + 8 * one.noise, 1)}


def _crowd(one: Moment) -> Values:
    return {"people_per_m2": round(0.2 + 1.5 * CALLS_WEEK[hour_of_week(one.time)] / 2 * one.noise, 2)}


def _co2(one: Moment) -> Values:
    return {"co2_ppm": round(450 + 400 * one.noise, 0)}


def _fridge(one: Moment) -> Values:
    return {"celsius": round(3.5 + 2 * one.noise, 1)}


_USUAL: Mapping[str, Callable[[Moment], Values]] = {
    "rain": _rain,
    "water": _water,
    "manhole": _manhole,
    "gas": _gas,
    "pressure": _pressure,
    "tap": _tap,
    "river": _river,
    "air": _air,
    "noise": _sound,
    "crowd": _crowd,
    "co2": _co2,
    "fridge": _fridge,
    "panel": lambda _: {},
}


def _fall(one: Moment) -> float:
    """Mm an hour at a gauge: the day's showers, never a cloudburst."""
    share = 0.5 + 0.5 * mixed(one.seed, "shower", one.device.id)
    showers = _showers(one.seed, local_midnight(one.time))
    return sum(peak * share * _swell(one.time, start, end) for start, end, peak in showers)


def _swell(time: Micros, start: Micros, end: Micros) -> float:
    """0 before and after, 1 in between, slowly from one to the other."""
    return max(0.0, min(1.0, (time - start) / FADE, (end - time) / FADE))


@lru_cache(maxsize=16)
def _showers(seed: int, midnight: Micros) -> tuple[tuple[Micros, Micros, float], ...]:
    """(start, end, peak mm/h) of a local day's showers: none to three, apart from each other."""
    chance = dice(seed, "rain", midnight)
    found = []
    for part in range(3):
        start = midnight + part * DAY // 3 + int(between(chance, 0, 240)) * MINUTE
        length = int(between(chance, 20, 180)) * MINUTE
        if chance.random() < 0.35:
            found.append((start, start + length, between(chance, 2, 20)))
    return tuple(found)
