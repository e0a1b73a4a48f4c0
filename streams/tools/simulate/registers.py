"""The registers of the made-up city: its devices, panels and river gauges, as `rules/registers/` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.clocks import show_duration
from streams.tools.simulate.chance import mixed
from streams.tools.simulate.city import Device, city

Rows = list[dict[str, str]]
USES = ("school", "clinic", "library", "museum")
RIVERS = ("Yulan River", "Mill Brook")
DANGER_ABOVE_WARNING_M = 0.8


def register_rows(size: int = 1) -> Rows:
    """The register `sensors` as its file spells it."""
    return [
        {
            "device": one.id,
            "kind": one.kind,
            "report_interval": show_duration(one.report_interval),
            "team": one.team,
            "district": one.district,
            "place": _place(one),
        }
        for one in city(size).sensors
    ]


def panel_rows(size: int = 1) -> Rows:
    """The register `panels`: public buildings, one fire alarm panel each."""
    return [
        {
            "device": one.id,
            "building": f"{USES[index % len(USES)].title()} {index // len(USES) + 1}",
            "use": USES[index % len(USES)],
            "district": one.district,
            "place": _place(one),
        }
        for index, one in enumerate(city(size).devices("panel"))
    ]


def gauge_rows(size: int = 1) -> Rows:
    """The register `gauges`: the marks of each river gauge, in metres."""
    return [
        {
            "device": one.id,
            "river": RIVERS[index % len(RIVERS)],
            "warning_m": f"{warning_m(one):.1f}",
            "danger_m": f"{warning_m(one) + DANGER_ABOVE_WARNING_M:.1f}",
        }
        for index, one in enumerate(city(size).devices("river"))
    ]


def warning_m(gauge: Device) -> float:
    """At which level the embankment is watched."""
    return round(3.0 + mixed("mark", gauge.id), 1)


REGISTERS: Mapping[str, Callable[[int], Rows]] = {
    "sensors": register_rows,
    "panels": panel_rows,
    "gauges": gauge_rows,
}


def register_csv(size: int = 1, register: str = "sensors") -> str:
    """The file of a register, with its header."""
    rows = REGISTERS[register](size)
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


def _place(device: Device) -> str:
    return f"{device.lat} {device.lon}"
