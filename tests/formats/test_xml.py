"""XML from strangers: what is read, what is refused in words, and that nothing of it hurts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import LIMIT, MAX_DEPTH, FormatError, xml

LAUGHS = (b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
          b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;</a>')
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
FETCHED = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>'


@pytest.mark.parametrize(("value", "reason", "told"), [
    (b"", "not_xml", "no element"),
    (b"<a", "not_xml", "line 1"),
    (b"<a></b>", "not_xml", "mismatched"),
    (b"<a/><b/>", "not_xml", "junk"),
    (b"<a>&x;</a>", "not_xml", "undefined entity"),
    (b"<a>&#0;</a>", "not_xml", "line 1"),
    (b"<x:a/>", "not_xml", "unbound prefix"),
    (b'<a b="1" b="2"/>', "not_xml", "duplicate"),
    (b'<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>', "not_xml", "duplicate"),
    (b"<a>\xff</a>", "not_xml", "line 1"),
    (b'<?xml version="1.0" encoding="utf-7"?><a/>', "not_xml", "UTF-8"),
    (b"<!DOCTYPE a><a/>", "not_xml", "DOCTYPE"),
    (LAUGHS, "not_xml", "DOCTYPE"),
    (OUTSIDE, "not_xml", "DOCTYPE"),
    (FETCHED, "not_xml", "DOCTYPE"),
    (b"<a>" * (MAX_DEPTH + 1), "too_deep", str(MAX_DEPTH)),
    (b"<a>" * 200_000, "too_deep", str(MAX_DEPTH)),
    (b"<a>" + b"<b/>" * 20_000 + b"</a>", "too_large", "20000 elements"),
    (b"<a " + b" ".join(b'x%d=""' % number for number in range(65)) + b"/>", "too_large", "64 attributes"),
    (b"<a>" + b"x" * LIMIT + b"</a>", "too_large", str(LIMIT)),
])
def test_refused(value: bytes, reason: str, told: str) -> None:
    with pytest.raises(FormatError) as caught:
        xml.parse(value)
    assert caught.value.reason == reason
    assert told in caught.value.text


def test_what_is_read() -> None:
    text = '<?xml version="1.0"?><!-- c --><x:a xmlns:x="u" z="1">t<b xmlns="w">é<![CDATA[<&]]></b>v</x:a>'
    root = xml.parse(text.encode())
    assert (root.namespace, root.name, root.text) == ("u", "a", "tv")
    assert [(one.namespace, one.name, one.text) for one in root.children] == [("w", "b", "é<&")]
    assert xml.parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).children
    assert xml.parse("<a>\u4f60</a>".encode("utf-16")).text == "\u4f60"


@given(st.binary(max_size=60) | st.text("<>a/&;!?\"= [", max_size=30).map(str.encode))
def test_whatever_the_bytes_are_there_is_a_root_or_a_reason(value: bytes) -> None:
    try:
        found: object = xml.parse(value)
    except FormatError as error:
        found = error.reason
    assert isinstance(found, xml.Element) or found == "not_xml"


@given(st.text(max_size=20), st.text(max_size=10))
def test_what_is_written_is_read_again(text: str, more: str) -> None:
    written = xml.element("a", [xml.element("b", text), xml.element("c", more)], "u")
    root = xml.parse((xml.DECLARATION + written).encode())
    assert [one.text for one in root.children] == [xml.NO_NAME.sub("\ufffd", one) for one in (text, more)]
    assert root.namespace == "u"
