"""The JSON Schema (draft 2020-12) of what stands on the topics, and the AsyncAPI 3.0 document that says where.

Both are made of the structs of `contents` and the table of `kinds`. They are open: a subscriber must pass over fields
that it does not know, so that new ones can come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from streams.formats.cloudevents import CONTENT_TYPE
from streams.tools.events.kinds import ATTRIBUTES, EXTENSIONS, KINDS, TOPICS, EventKind
from streams.topics import PREFIX, Topics

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI = "3.0.0"
BARE_TYPE = "application/json"
_FIELD = re.compile(r"^(\w+): (.+)$")
Json = dict[str, Any]


def schema_of(name: str | None = None, version: str = "") -> Json:
    """The schema of all kinds of events, or of one by its name. KeyError if there is none."""
    kinds = [kind for kind in KINDS if name in (None, kind.name)]
    if not kinds:
        raise KeyError(name)
    title = "Tocsin: what stands on its topics" if name is None else f"Tocsin: {kinds[0].doc}"
    return {
        "$schema": DRAFT, "title": title, **({"$comment": f"tocsin {version}"} if version else {}),
        "oneOf": [{"$ref": f"#/$defs/{_whole(kind)}"} for kind in kinds],
        "$defs": {**{_whole(kind): _event(kind, "#/$defs/") for kind in kinds}, **_contents(kinds, "#/$defs/")},
    }


def asyncapi(version: str = "", prefix: str = PREFIX) -> Json:
    """Which topics there are to read, and what stands on each."""
    place = "#/components/schemas/"
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Tocsin", "version": version or "0",
            "description": "What Tocsin tells. At least once, with ids that follow from the input: upsert by id.",
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "channels": {name: _channel(name, prefix) for name in TOPICS},
        "operations": {f"{'hear' if _hears(name) else 'tell'}_{name}": _operation(name) for name in TOPICS},
        "components": {
            "messages": {kind.name: _sent(kind, place) for kind in KINDS},
            "schemas": {**{_whole(kind): _event(kind, place) for kind in KINDS}, **_contents(KINDS, place)},
        },
    }


def _channel(name: str, prefix: str) -> Json:
    sent = {kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in _on(name)}
    return {"address": Topics(prefix).named(name), "description": TOPICS[name], "messages": sent}


def _operation(name: str) -> Json:
    """From the side of Tocsin: it sends, or it receives what people do."""
    there = f"#/channels/{name}"
    return {"action": "receive" if _hears(name) else "send", "channel": {"$ref": there}, "summary": TOPICS[name],
            "messages": [{"$ref": f"{there}/messages/{kind.name}"} for kind in _on(name)]}


def _hears(name: str) -> bool:
    return any(kind.incoming for kind in _on(name))


def _sent(kind: EventKind, place: str) -> Json:
    content_type = BARE_TYPE if kind.bare else CONTENT_TYPE.decode()
    return {"name": kind.name, "title": kind.doc, "contentType": content_type,
            "payload": {"$ref": place + _whole(kind)}}


def _on(topic: str) -> Iterator[EventKind]:
    return (kind for kind in KINDS if topic in kind.topics)


def _whole(kind: EventKind) -> str:
    """The name of the schema of a whole entry; that of its data is the struct's."""
    return f"{kind.name}_event"


def _event(kind: EventKind, place: str) -> Json:
    """A whole record: the CloudEvent, or the data alone."""
    inner = {"$ref": f"{place}{kind.data.__name__}"}
    if kind.bare:
        return {"description": kind.doc, **inner}
    said = {name: doc for name, doc in ATTRIBUTES.items() if not kind.incoming or name != "recordedtime"}
    properties = {name: {"description": doc, **_attribute(kind, name)} for name, doc in said.items()}
    properties |= {name: {"description": EXTENSIONS[name], "type": "string"} for name in kind.extensions}
    needed = [name for name in properties if name not in kind.optional]
    return {"description": kind.doc, "type": "object", "properties": {**properties, "data": inner},
            "required": [*needed, "data"]}


def _attribute(kind: EventKind, name: str) -> Json:
    """The schema of an attribute."""
    if name == "type":
        return {"enum": list(kind.types)}
    only = {"specversion": "1.0", "datacontenttype": "application/json", "dataschema": kind.schema}.get(name)
    if only is not None:
        return {"const": only}
    form = {"time": "date-time", "recordedtime": "date-time", "source": "uri-reference"}.get(name)
    told = {"description": kind.subject} if name == "subject" else {}
    return {"type": "string", "minLength": 1, **({"format": form} if form else {}), **told}


def _contents(kinds: Iterable[EventKind], place: str) -> Json:
    """The schemas of the structs, each field with what its docstring says of it."""
    structs = [kind.data for kind in kinds]
    _, parts = msgspec.json.schema_components(structs, ref_template=place + "{name}")
    return {name: _told(part) for name, part in sorted(parts.items())}


def _told(part: Json) -> Json:
    lines = part.get("description", "").splitlines()
    fields = {found[1]: found[2] for line in lines if (found := _FIELD.match(line.strip()))}
    told = " ".join(line.strip() for line in lines if line.strip() and not _FIELD.match(line.strip()))
    properties = {name: {"description": fields[name], **shape} for name, shape in part["properties"].items()}
    return {**part, "description": told, "properties": properties}
