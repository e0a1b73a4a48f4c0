"""The words of a test in a rule file, as tables of fields: for the tool that reads them, the manual and editors."""

from __future__ import annotations

from streams.kinds import Field
from streams.vitals import STATUSES

TEST = (
    Field("name", "string", "what is tested; named in every result"),
    Field("start", "moment", "when it begins: `2026-03-29T01:30`, in the city's zone, or an instant with `Z`; midnight "
          "UTC of Monday, 5 January 2026, if not given"),
    Field("origin", "test_place", "where it plays: `[latitude, longitude]`; `[0, 0]` if not given"),
    Field("registers", "test_registers", "rows in place of the real ones: "
          "`registers: {sensors: [{device: d1, report_interval: 10m}]}`"),
    Field("lists", "test_lists", "values in place of the real ones: `lists: {covers: [a, b]}`"),
    Field("events", "test_events", "what happens, in any order"),
    Field("watch", "list_values", "keys of a register that are expected though no event names them: `watch: [RG-001]`"),
    Field("silent", "test_silences", "which feeds tell nothing, after when and until when: "
          "`silent: {sensors: [20m, 2h]}`; `[20m]`: they are not heard of again"),
    Field("expect", "episodes", "the complete list of episodes in order of opening"),
    Field("expect_none", "nothing", "`true`: nothing is found; the same as `expect: []`"),
    Field("late", "list_values", "the complete list of the events that come too late to count: `late: [3]`"),
    Field("alerts", "told", "the complete list of how each alert stands in the end: `state`, `title`, `severity`, "
          "`opened`, `ended` and the other fields that subscribers read"),
    Field("readings", "readings", "of an indicator, in place of `expect`: the complete list of readings as they stand "
          "in the end, in order of time"),
    Field("dispatches", "told", "the complete list of how each dispatch stands in the end: `state`, `to`, `priority` "
          "and the other fields that subscribers read"),
)
EVENT = (
    Field("at", "duration", "when it happens, as a duration after the start", required=True),
    Field("event", "event_name", "its type", required=True),
    Field("arrives", "duration", "when it comes, if later than it happened"),
    Field("place", "test_place", "where: `[0, 0.0003]` in degrees or `{north: 80m, east: -30m}`, both from the test's "
          "`origin`; or `{lat: 30.01, lon: 124.02}`; in a mapping also `district` and `address`"),
    Field("severity", "string", "its severity, where it matters"),
    Field("source", "string", "its source, where it matters"),
)
RESPONSE_TEST = (
    Field("name", "string", "what is tested; named in every result"),
    Field("steps", "response_steps", "what happens, in any order", required=True),
    Field("until", "duration", "how long it goes on; an hour after the last step if not given"),
    Field("notifications", "told", "the complete list of who is notified, in order of time: `at`, `to`, `reason`, "
          "`firing` and `over` (which alerts), `title`, `digest`"),
    Field("quiet", "told", "the complete list of alerts that were kept back: `alert`, and `by` which reasons"),
    Field("cases", "told", "the complete list of how each case stands in the end: `of` which alert, `state`, `unit`, "
          "`late` (the stages that were missed), `level`, `attempt`"),
    Field("alerts", "told", "the complete list of how each alert stands in the end: `alert`, `state`, `severity`, "
          "`title`, `operator`"),
    Field("refused", "nothing", "`true`: it is right that something is refused"),
)
RESPONSE_STEP = (
    Field("at", "duration", "when, as a duration after the start", required=True),
    Field("fires", "string", "an alert fires: what the test calls it"),
    Field("changes", "string", "an alert that fires changes"),
    Field("ends", "string", "an alert ends"),
    Field("mistaken", "string", "an alert was a mistake"),
    Field("rule", "string", "of an alert that fires: its rule"),
    Field("key", "plain", "its key: `{feeder: F1}`"),
    Field("facts", "plain", "what its events said, by path: `{place.district: west}`"),
    Field("value", "plain", "what was measured"),
    Field("do", "string", "somebody does something: `case.accept`, `alert.ack`, `silence.add` ..."),
    Field("of", "string", "of which alert, or of its case"),
    Field("subject", "string", "of what else"),
    Field("as", "string", "who does it"),
    Field("role", "string", "in which role; `admin` if not given"),
    Field("reason", "string", "why"),
    Field("details", "plain", "what the action needs besides: `{code: \"41\"}`, `{for: 2h}`"),
)
PLACE = (
    Field("lat", "number", "latitude in degrees"),
    Field("lon", "number", "longitude in degrees"),
    Field("north", "length", "how far north of the origin: `80m`, `-1.5km`"),
    Field("east", "length", "how far east of the origin: `30m`, `-30m`"),
    Field("district", "string", "the district"),
    Field("cell", "string", "the cell of the map"),
    Field("address", "string", "the address"),
)
EPISODE = (
    Field("opened", "duration", "when it opened"),
    Field("closed", "duration_or_null", "when it closed; `null`: it is still open"),
    Field("evidence", "evidence", "how many events prove it, or which: `[1, 3]`, counted from 1"),
    Field("count", "integer", "how many events prove it"),
    Field("value", "plain", "what was measured at its peak"),
    Field("key", "plain", "its key: `{street: Elm}`; `key.street: Elm` for a part of it"),
    Field("steps", "plain", "which events filled the steps of a sequence"),
    Field("ended", "plain", "why it ended, if not by its condition: `no_data`"),
    Field("corrections", "integer", "how often it was corrected"),
)
READING = (
    Field("at", "duration", "when its period ended"),
    Field("key", "plain", "its key: `{street: Elm}`; `key.street: Elm` for a part of it"),
    Field("value", "plain", "what was measured; `null`: nothing"),
    Field("status", "string", "green, amber, red, unknown or none", values=STATUSES),
    Field("since", "duration", "from which end of a period on the status is this one"),
    Field("events", "integer", "how many events were measured"),
    Field("usual", "plain", "what it was held against: `{expected: 4, low: 2, high: 8, warming: false}`, or some of "
          "these"),
    Field("top", "plain", "of the most frequent, the whole list: `[{of: [call.ems, Elm], count: 3, before: 1, "
          "rank_before: 2, usual: 0.5, percent: 500, new: false}]`, or some of these"),
)
