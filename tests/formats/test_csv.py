"""CSV: rows keep their text from file to record, whatever is inside the quotes."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import LIMIT, FormatError, decoder
from streams.formats.csv import HEADER_ROW, record_headers, row_number, split_records
from tests.conftest import needs_shared, shared

decode = decoder("csv")
FIELD = st.text(st.sampled_from('ab,"\n\r é\t') | st.characters(codec="utf-8"), max_size=8)
SHEETS = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(FIELD, min_size=width, max_size=width)))


def load(file: bytes) -> list[dict[str, str]]:
    """All records of a CSV file, as `tocsin load` and ingest make them together."""
    rows = split_records(io.BytesIO(file))
    number, columns = next(rows)
    assert number == HEADER_ROW
    return [decode(value, record_headers(columns, row)) for row, value in rows]


def written(rows: list[list[str]], line_end: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    bare = any("\r" in field for row in rows for field in row)  # which Python's writer leaves unquoted
    writer = csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL)
    writer.writerows(rows)
    return out.getvalue().encode()


@given(SHEETS, st.sampled_from(["\n", "\r\n"]))
def test_a_file_that_is_written_is_read_back(sheet: list[list[str]], line_end: str) -> None:
    width = len(sheet[0]) if sheet else 2
    names = [f"c{i}" for i in range(width)]
    assert load(written([names, *sheet], line_end)) == [dict(zip(names, row, strict=True)) for row in sheet]


@given(st.text(st.sampled_from('a,"\n'), max_size=40))
def test_rows_put_together_again_are_the_file(text: str) -> None:
    rows = [value for _, value in split_records(io.BytesIO(text.encode()))]
    assert b"".join(rows).replace(b"\n", b"") == text.encode().replace(b"\n", b"")
    assert [row for row, _ in split_records(io.BytesIO(text.encode()))] == list(range(-1, len(rows) - 1))


@given(st.text(st.sampled_from('a,"\n'), max_size=40))
def test_rows_are_cut_where_the_csv_reader_cuts_them(text: str) -> None:
    try:
        expected = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return
    rows = [value.decode() for _, value in split_records(io.BytesIO(text.encode()))]
    assert [next(csv.reader([row], strict=True)) for row in rows] == expected


def test_a_quoted_field_goes_on_over_lines_and_the_row_is_its_original_text() -> None:
    file = b'a,b\r\n1,"two\r\nlines, ""quoted"""\r\n\r\n2,x\r\n'
    assert list(split_records(io.BytesIO(file))) == [
        (-1, b"a,b"), (0, b'1,"two\r\nlines, ""quoted"""'), (1, b"2,x"),
    ]
    assert load(file) == [{"a": "1", "b": 'two\r\nlines, "quoted"'}, {"a": "2", "b": "x"}]


def test_a_quote_inside_a_field_is_a_quote() -> None:
    assert load(b'a,b\n5" pipe,x\n6" pipe,y\n') == [{"a": '5" pipe', "b": "x"}, {"a": '6" pipe', "b": "y"}]


def test_a_quote_never_closed_costs_one_row() -> None:
    rows = list(split_records(io.BytesIO(b'a,b\n1,"open\n2,x\n3,y\n')))
    assert rows == [(-1, b"a,b"), (0, b'1,"open'), (1, b"2,x"), (2, b"3,y")]
    with pytest.raises(FormatError, match="unexpected end"):
        decode(rows[1][1], record_headers(b"a,b", 0))


def test_a_quote_not_closed_within_the_limit_costs_one_row() -> None:
    line = b"y" * 999 + b",z\n"
    file = b'a,b\n1,"open\n' + line * (LIMIT // len(line) + 2) + b'2,"x"\n'
    rows = [value for _, value in split_records(io.BytesIO(file))]
    assert rows[1] == b'1,"open'
    assert rows[-1] == b'2,"x"'
    assert len(rows) == LIMIT // len(line) + 5


def test_a_line_beyond_the_limit_is_cut_and_refused_and_the_file_goes_on() -> None:
    rows = list(split_records(io.BytesIO(b"a\n" + b"x" * (3 * LIMIT) + b"\nshort\n")))
    assert [len(value) for _, value in rows] == [1, LIMIT + 1, 5]
    with pytest.raises(FormatError) as caught:
        decode(rows[1][1], record_headers(b"a", 0))
    assert caught.value.reason == "too_large"


def test_a_byte_order_mark_before_the_header_is_skipped() -> None:
    assert load(b"\xef\xbb\xbfa,b\n1,2\n") == [{"a": "1", "b": "2"}]


def test_a_file_without_rows() -> None:
    assert list(split_records(io.BytesIO(b""))) == []
    assert load(b"a,b\n") == []


@pytest.mark.parametrize(("value", "columns", "reason", "told"), [
    (b"1,2", None, "not_csv", "no header `columns`"),
    (b"1", b"a,b", "not_csv", "the row has 1 fields, the header 2 columns"),
    (b"1,2,3", b"a,b", "not_csv", "the row has 3 fields, the header 2 columns"),
    (b"", b"a,b", "not_csv", "the row is empty"),
    (b"1,2\n3,4", b"a,b", "not_csv", "new-line"),
    (b'1,"2', b"a,b", "not_csv", "unexpected end"),
    (b'1,"2"x', b"a,b", "not_csv", "expected after"),
    (b"1,\xff", b"a,b", "not_utf8", "byte 2"),
    (b"1,2", b"a,\xff", "not_utf8", "byte 2"),
    (b"1,2,3", b"a,b,a", "not_csv", "'a' more than once"),
    (b"1,2", b"", "not_csv", "the row is empty"),
    (b"1," + b"x" * LIMIT, b"a,b", "too_large", str(LIMIT)),
])
def test_refused(value: bytes, columns: bytes | None, reason: str, told: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode(value, {} if columns is None else {"columns": columns})
    assert caught.value.reason == reason
    assert told in caught.value.text


def test_a_long_field_is_read() -> None:
    assert len(decode(b"1," + b"x" * 500_000, {"columns": b"a,b"})["b"]) == 500_000


def test_the_number_of_the_row_stands_in_a_header() -> None:
    assert row_number(record_headers(b"a", 12)) == 12
    assert row_number({}) is None
    with pytest.raises(FormatError, match="not a number"):
        row_number({"row": b"-1"})


@needs_shared("data/montco911")
def test_a_real_month_of_calls() -> None:
    with gzip.open(shared() / "data/montco911/911_2015-12-10_2016-01-31.csv.gz") as file:
        rows = split_records(file)
        _, columns = next(rows)
        records = [decode(value, record_headers(columns, row)) for row, value in rows]
    with gzip.open(shared() / "data/montco911/911_2015-12-10_2016-01-31.csv.gz", "rt", newline="") as text:
        assert records == list(csv.DictReader(text))
