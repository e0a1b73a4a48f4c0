"""What each problem code means, at more length than its title: for the manual's pages, for SARIF and for editors."""

from __future__ import annotations

from streams.rulefile.codes import Code

MEANINGS: dict[str, str] = {
    # Files and YAML
    "TOC001": "Rule files are read as UTF-8, so that a name is the same name everywhere. An editor has saved this "
              "file in another encoding.",
    "TOC002": "YAML cannot tell what belongs together here. Of this document nothing more is read; reading goes on "
              "at the next `---`. The place is where the parser gave up, which may lie below the mistake.",
    "TOC003": "Of two values for one key the reader would have to drop one without a word.",
    "TOC004": "The file holds comments or nothing. It does no harm, but somebody may believe that a rule is in "
              "force.",
    "TOC005": "Every document is a mapping that begins with `kind`, which says what it is.",
    "TOC006": "Rule files use plain YAML: texts, numbers, lists, mappings, anchors and `<<`. Own tags, keys that "
              "are no words, and aliases of what is not there mean nothing here.",
    "TOC007": "The folder or the file is not there, or may not be read by who runs the command.",
    "TOC008": "So deep or large a document is a mistake, or aliases multiply it; no rule needs it.",
    "TOC009": "Only files called `*.yaml` are read. One with another ending would be left out in silence.",
    # Documents and their fields
    "TOC010": "`kind` says which document it is; this word is none that is known.",
    "TOC011": "The document is of a later version's kind. It is left out, and everything else works.",
    "TOC012": "Without this field the document has no meaning.",
    "TOC013": "The field is unknown and would be without effect, most often because it is misspelt. The nearest "
              "known name is proposed.",
    "TOC014": "The value is a text where a number belongs, a list where a mapping belongs, or the like.",
    "TOC015": "Durations are a number and a unit: `90s`, `10m`, `2h`, `7d`, `8w`. A bare number says no unit, so it "
              "is refused instead of guessed.",
    "TOC016": "The field takes one of a few words. Each is in the field's table in the manual.",
    "TOC017": "Ids appear in topics, metrics and expressions, so they are made of few characters and some "
              "beginnings are taken.",
    "TOC018": "An id names one document of its sort. Which of the two is meant could only be guessed.",
    "TOC019": "The field is known, but this version cannot do yet what it asks for; to ignore it would be worse.",
    "TOC020": "The field belongs to another kind of rule, or has no meaning for this one.",
    "TOC021": "The value is of the right type and cannot be meant: zero where something must be, or beyond every "
              "use.",
    # Expressions
    "TOC030": "Conditions are written in CEL: `&&`, `||`, `!`, `==`, quotes around texts.",
    "TOC031": "The two sides of an operator, or what a function is given, have types that do not go together. Field "
              "types are those of the event type's declaration.",
    "TOC032": "None of the event types that the rule asks for has a field of this name; nor is it a function, a "
              "list or a part of every event.",
    "TOC033": "The expression is right in itself and gives something else than what is wanted here: a condition "
              "must be true or false, a measure a number.",
    "TOC034": "A fixed text in the expression is no pattern, instant, zone or value that can ever be right.",
    "TOC035": "Each condition is tried on every event, so its size has a bound.",
    # Names that lead nowhere
    "TOC040": "No event type of this name is declared, and no open source can send it.",
    "TOC041": "No register of this name is declared.",
    "TOC043": "Zones are named as in the IANA database: `Asia/Shanghai`.",
    "TOC044": "`{{ }}` in a text names a field, a part of the place or of the key, or what is found; this is none "
              "of them. A text would be sent with a gap.",
    "TOC045": "No rule has this id, so neither its findings nor its tests can be meant.",
    "TOC046": "Events of undeclared types come from a source that is `open`. Their fields have no declared types, "
              "so a misspelt name in a condition shows only when it never fires.",
    "TOC047": "The event type is declared and nothing brings such events: the rule can never find anything.",
    "TOC048": "Each event of the source would end as a dead letter, because of its type or because of a field that "
              "is required.",
    # Rules
    "TOC050": "A condition is one comparison with a number. One that always or never holds is refused too.",
    "TOC051": "A window says how it moves and how long it is; its parts must fit together.",
    "TOC052": "A measure is `count`, or one name with what it measures.",
    "TOC053": "The steps contradict each other, or nothing says how long a match may stay under way.",
    "TOC054": "Two fields ask for what cannot be at once, or one for nothing at all.",
    "TOC055": "All events of a rule are compared by one key: the same number of parts, of the same types, in each "
              "step and in a register that is expected.",
    "TOC056": "Distances are a number and a unit: `100m`, `2km`.",
    "TOC057": "A circle has one event as its centre, so `around` names a step that must happen.",
    "TOC058": "With `near` an event counts where it happened. None of the sources says where, so no event is in any "
              "circle.",
    "TOC059": "Something in the rule does not go with a circle that is drawn around each event.",
    # Registers, lists, zones
    "TOC060": "The value in the table or list is not of the declared type. The row would be read otherwise than it "
              "was meant.",
    "TOC061": "The first line of the table names its columns; the key must be one that can be told apart.",
    "TOC062": "The file is looked for beside the document, among the rule files.",
    "TOC063": "A key names one row.",
    "TOC064": "Zones and districts are read from a FeatureCollection of areas with names.",
    "TOC065": "Whether a place lies within the shape could not be said: it crosses itself, is no area, or lies "
              "nowhere on earth.",
    "TOC066": "A name means one area.",
    # Advice
    "TOC070": "Somebody must be asked when the rule is wrong, and tell when it is no longer needed.",
    "TOC071": "A test is the only proof that the rule fires when it should, and the only thing that notices when it "
              "no longer does.",
    "TOC072": "What cannot be undone by an event that comes late is told at once. Everything else waits until the "
              "clock of the sources has passed: for the largest `disorder` among them.",
    "TOC073": "Rules are found by event type and by an equality that their condition needs. This one has no such "
              "equality, so it is tried on every event of its types. The time named is for each event that does not "
              "meet it.",
    "TOC074": "A `not` step with a measured value is also met when no reading comes at all, for example because the "
              "sensor is broken.",
    "TOC075": "Of a personal field only a keyed hash is kept, which is equal to no text that an author can write.",
    # Macros, templates, districts
    "TOC080": "Each of the macros would be put into the other without end.",
    "TOC081": "The macro is right, and names something that the events here do not have.",
    "TOC082": "An instance gives each parameter of its template a value, and nothing else.",
    "TOC083": "`$name` in a template stands for a parameter.",
    "TOC084": "Whoever gives the parameter a value would wait in vain for an effect.",
    "TOC085": "The district would be told less than the city decided. To loosen a rule is up to its owner.",
    "TOC086": "The field is locked by the rule's owner, or would make another rule of it.",
    "TOC087": "Files under `districts/<d>/` speak for that district only.",
    "TOC088": "Only rules that are there, and are not a district's own, can be overridden.",
    "TOC089": "The city's rule leaves the district's events to the variant. A key that spans both would be counted "
              "by neither.",
    "TOC090": "Each record would be read twice.",
    "TOC091": "The test does not say what it is meant to say, so it proves nothing.",
    "TOC095": "Each of the rules would wait for the other's findings.",
    # On duty, exceptions, severity, limits
    "TOC100": "What the exception excused is found again from its day on. The service goes on; `check` tells it so "
              "that somebody decides.",
    "TOC101": "The exception covers nothing in this rule, or more than it says.",
    "TOC102": "Days are written as 2027-01-31.",
    "TOC103": "A duty has days, a beginning and an end, and perhaps a calendar of holidays.",
    "TOC104": "In the two years to come there is no moment at which the rule is on duty.",
    "TOC105": "On the day named the hour does not exist, because the clocks are set forward.",
    "TOC106": "The expression must give one of the five words of severity.",
    "TOC107": "A limit says how many alerts within which time, or how many matches.",
    "TOC108": "The limit can never hold anything back.",
    # What cannot be meant
    "TOC110": "Whatever the event is, this part of the condition is not true: it contradicts what stands before it, "
              "or asks for a value that there is not. Read `a && b` as both of one and the same event.",
    "TOC111": "Whatever the event is, this part of the condition is true (as long as the field is there): what "
              "stands before it says so already, or leaves nothing else.",
    "TOC112": "`until` is looked at before the steps, and a `not` before the step that it precedes. An event that "
              "meets both ends the match, and never fills the step.",
    "TOC113": "The rule means the same without the field, so whoever changes it would wait in vain for an effect.",
    "TOC115": "Events meet in a rule when their keys are equal. With this key none ever meets another; nothing can "
              "be counted, followed or suppressed.",
    "TOC116": "Whenever this rule finds something, another finds it too, for the same key and no less gravely: "
              "people are told twice. Only rules of one kind over the same events are compared.",
    "TOC117": "People see the title, not the id.",
    "TOC118": "The alerts of this rule go to people, though what they rest on is still being tried, or is about to "
              "go.",
    "TOC119": "Who is woken by a severe alert should not have to ask what to do.",
    "TOC120": "A rule that always fires passes a test that it fires; one that never does passes the other.",
    "TOC121": "No rule, expression or source uses the document. That may be right before its first use.",
    # Findings that are put off
    "TOC125": "A comment that begins with `tocsin:` puts a finding off: which code, until which day, and why. What "
              "stops a load cannot be put off.",
    "TOC126": "The day has come, so what was put off is told again.",
    "TOC127": "The finding is not there, or not at the line of the comment or below it.",
    # Baselines
    "TOC130": "A baseline needs a memory of at least two of its seasons, and holidays only where days differ: with "
              "`hour_of_week`.",
    "TOC131": "How rare a value must be is said in one way: by a budget of false alarms, by how seldom it comes, or "
              "by its probability in one bin.",
    "TOC132": "What the rule measures, or the fewest events that it asks for, has no meaning beside this baseline.",
    "TOC133": "A document `kind: baseline` holds what was learnt of a rule's past: a factor for each hour of its "
              "season, the level of each key. A number is missing, is none, or is below zero.",
    "TOC134": "The rule's season, window or key is another than when its baseline was learnt. The rule works, and its "
              "keys begin with nothing.",
    "TOC135": "A document `kind: baseline` is called after the rule whose keys begin with it, and there is no such "
              "rule, or it does not count against a baseline.",
    "TOC175": "`rise` and `fall` say by how much, `by: 30%`, within what time that should be found, `over: 6h`, and in "
              "at most one way how many false alarms are allowed.",
    # Readings
    "TOC176": "The range of a field is the least and the greatest that an instrument can read.",
    "TOC177": "The event type says from where to where a reading can be. What lies outside is a fault of the "
              "instrument, so this condition holds for none that works.",
    # Hotspots
    "TOC140": "A hotspot is looked for in discs of cells of the map: a cell must be smaller than the largest disc, and "
              "not so small that a disc has more than 8 rings of them.",
    "TOC141": "The window is looked at in bins, a whole number of them.",
    "TOC142": "What is usual is learnt from what came before the window, so more must be remembered than the window "
              "itself holds.",
    "TOC143": "A hotspot is where more happens than chance explains: the condition says how rare it must be, not how "
              "many events.",
    "TOC144": "A permutation keeps every bin of what it studies, at most 400, and asks how much each of them brought: "
              "seasons and holidays say nothing to it.",
    # Vital signs
    "TOC150": "An indicator is told at the end of each period, of the window that ends there: the two must fit.",
    "TOC151": "Amber begins before red, on the side that is bad; a value leaves a band by `recovery`.",
    "TOC152": "The weight is the share that an indicator has in a roll-up.",
    "TOC153": "A list of the most frequent counts events by fields of theirs, and measures nothing else.",
    "TOC154": "What is usual is learnt of one period after the other: the periods must fill a day, and each must have "
              "a value.",
    "TOC155": "`open` counts findings that last, at the end of a period. Events have no duration.",
    "TOC156": "`of` counts rows of a register: it must say in a column how often each reports, and have a column for "
              "each part of the key.",
    # The city
    "TOC160": "City.yaml, or the file that draws the districts, lists the city's districts, and a comparison names one "
              "that is not among them. It never holds, in an exception neither, and nobody would notice.",
    "TOC161": "The alert names a page of the runbooks, and there is none at that path. Whoever is woken by it would "
              "look for it in vain. Paths count from the folder of the rules; addresses such as https://... are "
              "not looked at.",
    "TOC162": "An instant has no zone, so `getHours()` and its like tell it by UTC. In Shanghai that is eight hours "
              "before the clock on the wall, and the night begins in the morning.",
    "TOC163": "Nobody declares this event type. A source that is `open` may send it all the same, but its name is so "
              "near to one that is known that it is most likely mistyped, and the rule would never fire.",
    # What is part of what
    "TOC170": "`part_of` names the absence rule that watches the larger thing. Findings of other kinds explain no "
              "silence.",
    "TOC171": "Of which group an entity is part must follow from the key of its own rule, for entities that were never "
              "heard of too. A register can tell it, or the group's name stands in the key.",
    "TOC172": "While a group is silent, nothing is told of what is part of it. So its silence must be told to people, "
              "end when the group is heard of again, and be known after a time that is known beforehand.",
    "TOC173": "An event counts as a report only where this value is another than before. What the key is made of never "
              "is, so every entity would be silent.",
    # The response
    "TOC195": "Alerts that no route takes would be told to nobody. One route has no condition: it is the trunk of "
              "which the others are branches.",
    "TOC196": "A route, an escalation or a deadline names a receiver, a time window or an escalation by its id, and no "
              "document has that id.",
    "TOC197": "A matcher compares one label with a text: `=`, `!=`, or `=~` and `!~` with a pattern that must fit the "
              "whole value.",
    "TOC198": "An inhibition keeps back what belongs to the same thing: the same feeder, the same place. Without that "
              "one alert would hide the whole city.",
    "TOC199": "Whoever is called on must always be known: where no line of the table of ownership fits, it is the one "
              "fallback.",
    "TOC200": "A district decides for itself and can tighten. Guards, limits for storms and locks reach beyond it.",
    "TOC201": "A window ends after it begins, and the steps of an escalation follow one another.",
    "TOC202": "Alerts have the labels rule, severity, category, district and owner, and the parts of their rules' "
              "keys. A group by, or a comparison with, another one sees nothing.",
    "TOC203": "What can stand in a label is known, and this value is not among it. The condition would never be met.",
}


def meaning(code: Code) -> str:
    """What a code means, in a sentence or two."""
    return MEANINGS.get(code.code) or f"{code.title[0].upper()}{code.title[1:]}."
