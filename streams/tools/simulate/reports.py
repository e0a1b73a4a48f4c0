"""Reports that the police take down: break-ins here and there, and now and then a series around one estate.

Every thirteenth week burglars work three nights around a spare estate. A rule must have learnt for weeks what is usual
before it can tell, so the series stands in no `truth.json`; `series_of` says when and where.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.clocks import DAY, SECOND, WEEK
from streams.records import Event, Micros, Place
from streams.tools.simulate.chance import CITY_OFFSET, HOTLINE_WEEK, Lottery, between, mixed, pick
from streams.tools.simulate.city import City, Estate
from streams.tools.simulate.everyday import Hour, event

BURGLARIES_PER_DAY, SERIES_PER_DAY = 6, 5
SERIES_EVERY, SERIES_WEEK = 13, 4
FIRST_MONDAY = -3 * DAY - CITY_OFFSET  # the local Monday before 1970
FRIDAY, MONDAY = 4 * DAY, 7 * DAY
PREMISES = Lottery({"home": 60, "cellar": 20, "shop": 12, "office": 8})
_APART, _CLOSE = 0.004, 0.002  # degrees: about 400 m and 200 m


def burglaries(hour: Hour) -> list[Event]:
    """What is reported in an hour."""
    chance, found = hour.chance("reports"), list[Event]()
    for time in hour.times(chance, HOTLINE_WEEK, BURGLARIES_PER_DAY):
        estate = pick(chance, hour.city.estates)
        found.append(burglary(f"R{hour.stamp}-{len(found):03d}", time, _around(hour, estate, time, _APART),
                              PREMISES.draw(chance)))
    return found + list(_series(hour))


def series_of(seed: int, city: City, time: Micros) -> Estate | None:
    """Around which estate burglars work at this time."""
    week, since = divmod(time - FIRST_MONDAY, WEEK)
    if week % SERIES_EVERY != SERIES_WEEK or not FRIDAY <= since < MONDAY:
        return None
    return city.spare_estates[int(mixed(seed, "series", week) * len(city.spare_estates))]


def burglary(identity: str, time: Micros, place: Place, premises: str) -> Event:
    """One report."""
    street = place.address or ""
    return event("reports", identity, "report.burglary", time, place, premises=premises, street=street)


def _series(hour: Hour) -> Iterator[Event]:
    estate, chance = series_of(hour.seed, hour.city, hour.start), hour.chance("series")
    if estate is not None:
        for number, time in enumerate(hour.times(chance, HOTLINE_WEEK, SERIES_PER_DAY)):
            place = _around(hour, estate, time, _CLOSE)
            yield burglary(f"RS{hour.stamp}-{number:03d}", time, place, "home")


def _around(hour: Hour, estate: Estate, time: Micros, apart: float) -> Place:
    """Somewhere around an estate, no matter how many there were before."""
    chance = hour.chance(f"report {estate.name} {time // SECOND}")
    lat, lon = (round(at + between(chance, -apart, apart), 6) for at in (estate.lat, estate.lon))
    return Place(lat, lon, estate.district, None, estate.name)
