"""The closed list of problem codes: what each means and, in general, what to do about it."""

from __future__ import annotations

import msgspec

from streams.problems import Gravity, Problem
from streams.rulefile.spots import Spot


class Code(msgspec.Struct, frozen=True):
    """A sort of problem. `title` and `do` are for the manual; `do` is also the hint of last resort."""

    code: str
    title: str
    do: str
    gravity: Gravity = Gravity.BUG


CODES: dict[str, Code] = {}


def _code(code: str, title: str, do: str, gravity: Gravity = Gravity.BUG) -> Code:
    CODES[code] = Code(code, title, do, gravity)
    return CODES[code]


# Files and YAML
NOT_UTF8 = _code("TOC001", "the file is not UTF-8", "save the file as UTF-8", Gravity.FATAL)
SYNTAX = _code("TOC002", "the file is not YAML", "check quotes, brackets and indentation here", Gravity.FATAL)
DUPLICATE_KEY = _code("TOC003", "a key stands twice in one mapping", "keep one of the two")
EMPTY_FILE = _code("TOC004", "the file holds no document", "write a document or delete the file", Gravity.WARNING)
NOT_A_MAPPING = _code("TOC005", "a document is not a mapping", "begin it with `kind:` and `id:`")
YAML_FEATURE = _code("TOC006", "a YAML feature that rule files do not have", "write it out plainly")
UNREADABLE = _code("TOC007", "a file or folder cannot be read", "check its path and rights", Gravity.FATAL)
OTHER_SUFFIX = _code("TOC009", "a file that is not read because of its name", "rename it to .yaml", Gravity.WARNING)
TOO_LARGE = _code("TOC008", "a document is nested too deep or repeats too much", "write it out plainly", Gravity.FATAL)

# Documents and their fields
UNKNOWN_KIND = _code("TOC010", "there is no such kind of document", "use one of the kinds of the manual")
READ_LATER = _code(
    "TOC011",
    "a kind of document that this version does not read yet",
    "leave it: it is ignored for now and will be read by a later version",
    Gravity.INFO,
)
MISSING_FIELD = _code("TOC012", "a field that must be there is missing", "add the field")
UNKNOWN_FIELD = _code("TOC013", "there is no such field", "correct or remove the field")
WRONG_TYPE = _code("TOC014", "a value of the wrong type", "write a value of the type named")
BAD_DURATION = _code("TOC015", "not a duration", "write for example 90s, 10m, 2h, 7d, 8w")
NOT_A_CHOICE = _code("TOC016", "a value outside a closed list", "use one of the listed values")
BAD_ID = _code(
    "TOC017", "not usable as an id", "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit"
)
DUPLICATE_ID = _code("TOC018", "two documents have one id", "give one of the two another id")
NOT_SUPPORTED = _code(
    "TOC019",
    "a field that this version does not support yet",
    "remove the field, or the rule, until the version that supports it",
)
NOT_FOR_KIND = _code("TOC020", "a field that this kind of rule does not have", "remove the field")
OUT_OF_RANGE = _code("TOC021", "a number or duration out of range", "write a value within the range")

# Expressions
CEL_SYNTAX = _code("TOC030", "an expression is not CEL", "correct the expression here")
CEL_TYPE = _code("TOC031", "an expression mixes types", "compare and compute with values of one type")
CEL_UNKNOWN = _code(
    "TOC032",
    "an expression uses a name that is not declared",
    "use a declared field, function, list or register",
)
CEL_RESULT = _code("TOC033", "an expression has the wrong type of result", "write an expression of the type named")
CEL_VALUE = _code("TOC034", "a fixed value in an expression that can never work", "correct the value")
CEL_LIMIT = _code("TOC035", "an expression is too large", "split it into smaller rules or lists")

# Names that lead nowhere
UNKNOWN_EVENT = _code("TOC040", "an event type that is not declared", "declare it in rules/events/ or correct the name")
UNKNOWN_REGISTER = _code(
    "TOC041", "a register that is not declared", "declare it in rules/registers/ or correct the name"
)
UNKNOWN_ZONE = _code("TOC043", "a time zone that does not exist", "use a name such as Asia/Shanghai or UTC")
UNKNOWN_PATH = _code("TOC044", "a text names a value that does not exist", "use a declared field or a `place.` part")
UNKNOWN_RULE = _code("TOC045", "a rule that does not exist", "name a rule by its id; tests: <rule>.test.yaml")
OPEN_EVENT = _code(
    "TOC046",
    "an event type that only an open source can send",
    "declare it in rules/events/ to have its fields checked",
    Gravity.INFO,
)
NO_SOURCE = _code(
    "TOC047",
    "no source sends what the rule waits for",
    "check the event type and the `type` of the sources",
    Gravity.WARNING,
)

SENDS_NOTHING = _code(
    "TOC048",
    "a source whose events would all be refused",
    "declare the event types that it sends, or say `open: true`",
    Gravity.WARNING,
)

# Rules
BAD_CONDITION = _code("TOC050", "not a condition", "write for example {gte: 3}")
BAD_WINDOW = _code("TOC051", "not a window", "write for example 10m or {type: tumbling, size: 1h}")
BAD_MEASURE = _code("TOC052", "not a measure", "write count, or for example {distinct: caller} or {p90: seconds}")
BAD_STEPS = _code("TOC053", "the steps of a sequence do not fit together", "change the steps")
CONTRADICTION = _code("TOC054", "the fields of a rule contradict each other", "change one of the fields")
BAD_KEY = _code("TOC055", "the key of a rule does not fit", "give every step the same number of key parts")

SHARED_TOPIC = _code("TOC090", "two sources read one topic", "give each source a topic of its own")
CYCLE = _code("TOC095", "rules read each other's findings in a circle", "let one of them read events")

BAD_DISTANCE = _code("TOC056", "not a distance", "write for example 100m or 2km")
BAD_AROUND = _code("TOC057", "a circle around a step that cannot be its centre", "name a step that must happen")
NO_PLACE = _code(
    "TOC058",
    "a rule about places over events that have none",
    "map `place: {lat: ..., lon: ...}` in the source",
    Gravity.WARNING,
)
BAD_NEAR = _code("TOC059", "place cannot be the key of this rule", "change what does not go with `near`")

# Registers and lists
BAD_ROW = _code(
    "TOC060",
    "a value of a register or list file has the wrong type",
    "correct the value or the column's type",
)
BAD_COLUMN = _code(
    "TOC061", "the columns of a register do not fit its fields", "name the columns as the fields are named"
)
NO_FILE = _code("TOC062", "a file that a document names is missing", "put the file beside the document")
DUPLICATE_ROW = _code("TOC063", "two rows of a register have one key", "keep one of the two rows")

# Zones and districts
BAD_GEOJSON = _code(
    "TOC064",
    "a file that is not GeoJSON of named areas",
    "write a FeatureCollection of Polygons or MultiPolygons, each with an `id` or a property `name`",
)
BAD_AREA = _code(
    "TOC065",
    "a shape that is no area",
    "correct its coordinates: longitude, then latitude, in degrees (WGS 84)",
)
DUPLICATE_ZONE = _code("TOC066", "two areas have one name", "give one of the two another name")

# Tests
UNREADABLE_TEST = _code(
    "TOC091", "a test that cannot be read", "correct the test here; `tocsin test` would call it failed", Gravity.WARNING
)

# Advice
NO_OWNER = _code(
    "TOC070", "a rule without an owner", "name who looks after it: `owner: traffic-police`", Gravity.WARNING
)
NO_TESTS = _code(
    "TOC071",
    "a rule without tests",
    "add `tests:` with one timeline that fires and one that does not",
    Gravity.INFO,
)
CONCLUDES = _code(
    "TOC072", "how soon a rule concludes", "lower the source's `disorder` if this is too late", Gravity.INFO
)
NOT_INDEXED = _code(
    "TOC073",
    "a condition that every event of its types must be tried against",
    "add `field == value` or `field in [...]` joined by && where one exists",
    Gravity.INFO,
)
NOT_MEASURED = _code(
    "TOC074",
    "`not` with a measured value",
    "a low reading and no reading are two rules: write an absence rule for the second",
    Gravity.WARNING,
)
PERSONAL = _code(
    "TOC075",
    "a personal field is compared with a text",
    "compare personal fields with each other only, or count them with {distinct: field}",
    Gravity.WARNING,
)

# Macros, templates, districts
MACRO_CYCLE = _code("TOC080", "macros that call each other in a circle", "write one of them without the others")
MACRO_MISFIT = _code(
    "TOC081",
    "a macro that does not fit where it is used",
    "change the macro, or ask for events that have what it names",
)
BAD_INSTANCE = _code(
    "TOC082", "an instance that does not fit its template", "give each parameter a value of its type, and no other"
)
BAD_PLACEHOLDER = _code(
    "TOC083", "a placeholder that is no parameter of the template", "name a parameter, or write $$ for a plain $"
)
UNUSED_PARAMETER = _code("TOC084", "a parameter that nothing uses", "use or remove it", Gravity.WARNING)
LOOSENED = _code("TOC085", "an override that loosens its rule", "a district may tighten a rule, not loosen it")
NOT_OVERRIDABLE = _code(
    "TOC086", "a field that no district may change", "remove it from `set`, or write a rule of the district's own"
)
OTHER_DISTRICT = _code(
    "TOC087", "a district that is not there, or not the file's own", "name the district whose folder the file is in"
)
UNKNOWN_BASE = _code("TOC088", "an override of a rule that does not exist", "name a rule by its id")
NOT_DIVISIBLE = _code(
    "TOC089",
    "an override of a rule whose keys reach across districts",
    "add `place.district` to the rule's `by`, so that each key lies in one district",
)


# On duty, exceptions, severity, limits
EXPIRED = _code("TOC100", "an exception that has expired", "remove it, or give it a later date")
BAD_EXCEPTION = _code("TOC101", "an exception that does not fit its rule", "change its name or its condition")
BAD_DATE = _code("TOC102", "not a date", "write for example 2027-01-31")
BAD_SCHEDULE = _code("TOC103", "not a schedule", 'write for example {days: mon-fri, from: "07:00", to: "19:00"}')
NEVER_ON_DUTY = _code(
    "TOC104", "a rule that is never on duty", "correct `schedule`, or the dates of its calendar", Gravity.WARNING
)
CLOCKS_JUMP = _code(
    "TOC105",
    "an edge of a schedule that the clocks jump over",
    "choose another hour, or accept that duty begins or ends at the jump on that day",
    Gravity.WARNING,
)
BAD_SEVERITY = _code("TOC106", "an expression that gives a word which is no severity", "use a word of the closed list")
BAD_LIMIT = _code(
    "TOC107", "not a limit", "write {alerts: 20, per: 1h}; for the matches of a sequence a number, or {matches: 500}"
)
LIMITS_NOTHING = _code("TOC108", "a limit that limits nothing", "remove the limit", Gravity.WARNING)

# What is right, and yet not what its author can mean
NEVER_TRUE = _code(
    "TOC110",
    "a condition that can never be true",
    "correct the value or the field, or write || where && stands",
    Gravity.WARNING,
)
ALWAYS_TRUE = _code(
    "TOC111", "a condition that is always true", "remove it, or write && where || stands", Gravity.WARNING
)
UNREACHABLE = _code(
    "TOC112", "a step that can never be reached", "change the step, or what ends the match before it", Gravity.WARNING
)
DECIDES_NOTHING = _code("TOC113", "a field that decides nothing", "remove the field, or change it", Gravity.INFO)
KEY_CHANGES = _code(
    "TOC115",
    "a key that changes with every event",
    "name what the events have in common: a device, a district, an incident",
    Gravity.WARNING,
)
SHADOWED = _code(
    "TOC116",
    "a rule that says nothing which another does not say",
    "remove one of the two, or make this one graver",
    Gravity.WARNING,
)
SAME_TITLE = _code(
    "TOC117", "two rules have one title", "say in each title what is special about the rule", Gravity.INFO
)
UNPROVED_BASE = _code(
    "TOC118",
    "a rule in service stands on one that is not",
    "prove the other rule first, or let this one be only observed too: `status: experimental`",
    Gravity.WARNING,
)
NO_RUNBOOK = _code(
    "TOC119",
    "a grave alert that does not say what to do",
    "name the page: `alert: {runbook: runbooks/x.md}`",
    Gravity.INFO,
)
ONE_SIDED_TESTS = _code(
    "TOC120",
    "tests that show a rule from one side only",
    "add a timeline that fires, or one that comes close and does not: `expect: []`",
    Gravity.INFO,
)
UNUSED = _code("TOC121", "a document that nothing uses", "use or remove it", Gravity.INFO)

# Findings that are put off
BAD_SNOOZE = _code(
    "TOC125",
    "a snooze that cannot be read",
    "write # tocsin: snooze TOC073 until 2027-01-31: why it can wait",
    Gravity.WARNING,
)
SNOOZE_OVER = _code(
    "TOC126", "a snooze whose day has come", "mend what it put off, or give it a later day", Gravity.WARNING
)
SNOOZES_NOTHING = _code("TOC127", "a snooze that puts nothing off", "remove it", Gravity.WARNING)

# Hotspots
BAD_CELL = _code("TOC140", "cells of the map that do not fit", "write for example cell: 9, radius_max: 1km")
BAD_BIN = _code("TOC141", "bins that do not fit the window", "write for example window: 14d, bin: 1d")
SHORT_MEMORY = _code("TOC142", "too little is remembered to know what is usual", "remember at least four windows")
BAD_CHANCE = _code("TOC143", "not a condition of a hotspot", "write {above: {recurrence: 365d}}")
BAD_STUDY = _code("TOC144", "a permutation that cannot be made", "write for example baseline: {memory: 8w}")

# Vital signs
BAD_PERIOD = _code("TOC150", "periods of an indicator that do not fit", "write for example every: 15m, window: 1h")
BAD_BANDS = _code("TOC151", "bands that do not fit the indicator", "write for example {amber: 15, red: 30}")
BAD_WEIGHT = _code("TOC152", "not a weight", "write a number from 0 (does not count) to 1 (counts fully)")
BAD_TOP = _code("TOC153", "a list of the most frequent that cannot be made", "write {by: [type, place.address], k: 10}")
BAD_USUAL = _code("TOC154", "a baseline that an indicator cannot have", "change or remove the field")
BAD_ALIVE = _code("TOC156", "a register that what is heard cannot be held against", "name a column of the register")
BAD_OPEN = _code("TOC155", "what is open cannot be counted", "write `rule:` with the rules whose findings are meant")


# What a rule takes for granted of its city
NO_DISTRICT = _code(
    "TOC160",
    "a district that the city does not have",
    "correct the name, or add the district to `districts` in city.yaml",
    Gravity.WARNING,
)
NO_PAGE = _code(
    "TOC161",
    "a runbook that is not there",
    "write the page, or name one of rules/runbooks/",
    Gravity.WARNING,
)
UTC_CLOCK = _code(
    "TOC162",
    "an hour or a day by UTC",
    "write local(time).getHours(), or name the zone: time.getHours(\"Asia/Shanghai\")",
    Gravity.INFO,
)
MISTYPED_EVENT = _code(
    "TOC163",
    "an event type that looks mistyped",
    "correct the name, or declare the type in rules/events/",
    Gravity.WARNING,
)


# What is part of what
NO_GROUP = _code("TOC170", "a rule that nothing can be part of", "name an absence rule in `part_of`")
NO_GROUP_KEY = _code("TOC171", "a group that does not follow from the key", "add what names the group to `by`")
GROUP_MISFIT = _code("TOC172", "a rule that cannot watch a group", "change that rule, or remove `part_of`")
NEVER_CHANGES = _code("TOC173", "a value that never changes", "name a field that is another in each report")


# Baselines
BAD_BASELINE = _code("TOC130", "not a baseline", "write for example {season: hour_of_week, memory: 8w}")
BAD_RARITY = _code("TOC131", "not a budget of rare things", "write {budget: 2/month}, {recurrence: 30d} or {p: 0.0001}")
BAD_TREND = _code("TOC175", "not a rise or a fall", "write for example {rise: {by: 30%, over: 6h}}")
BAD_RANGE = _code("TOC176", "not a range of readings", "write for example range: [0, 300]")
BEYOND_RANGE = _code(
    "TOC177",
    "a condition that only a faulty reading can meet",
    "correct the number, or the range; write impossible() where faults are meant",
    Gravity.WARNING,
)
BASELINE_MISFIT = _code("TOC132", "what does not go with a baseline", "change or remove the field")
BAD_PROFILE = _code("TOC133", "not a baseline that was learnt", "write it anew: tocsin calibrate RULE ... --write")
OLD_PROFILE = _code(
    "TOC134", "a baseline that was learnt for another rule", "write it anew: tocsin calibrate RULE ... --write",
    Gravity.WARNING)
IDLE_PROFILE = _code("TOC135", "a baseline that no rule begins with", "correct its id, or remove it", Gravity.WARNING)


# The response
NO_DEFAULT_ROUTE = _code(
    "TOC195", "not one route for what no other takes", "write one route without `when`, whose receiver hears the rest")
NOT_THERE = _code("TOC196", "a name that no document has", "correct the name, or write the document")
BAD_MATCHER = _code("TOC197", "not a matcher", "write for example severity=\"severe\", rule=~\"crash.*\"")
NO_EQUALITY = _code(
    "TOC198", "an inhibition of everything by anything", "name the labels that must be `equal`, or a distance `within`")
NO_FALLBACK = _code("TOC199", "not one fallback for all", "name one unit as `fallback` in the city's table")
CITY_ALONE = _code("TOC200", "what only the city can decide", "put it into the city's files")
BAD_SPAN = _code("TOC201", "times in the wrong order", "put the earlier time first")
UNKNOWN_LABEL = _code("TOC202", "a label that no alert has", "correct the name", Gravity.WARNING)
NEVER_MET = _code("TOC203", "a condition that no alert can meet", "correct the value", Gravity.WARNING)


class Report:
    """The problems found so far; `faults` counts those that stop a load.

    `today`, a day from 1970-01-01, is known where a person checks: nothing else is wrong because time passed.
    """

    def __init__(self, today: int | None = None) -> None:
        self.today = today
        self.problems: list[Problem] = []
        self.faults = 0

    def add(self, code: Code, spot: Spot, text: str, hint: str | None = "", stops: bool = True) -> None:
        """One more problem. An empty hint: the code's own advice stands; None: nothing is to be done.

        Not `stops`: a service that loads the same files goes on.
        """
        self.faults += stops and code.gravity in (Gravity.FATAL, Gravity.BUG)
        line, column = spot.file.position(spot.start)
        advice = "" if hint is None else hint or code.do
        self.problems.append(Problem(spot.file.name, line, column, code.code, text, advice, code.gravity, spot.length))

    def spoil(self) -> None:
        """Something is wrong for a reason that is told already."""
        self.faults += 1
