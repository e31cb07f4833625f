"""Rows as the Table service's JSON, and back."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.storage.direct.entities import row_of, to_json
from shared.adapters.storage.direct.paths import blob_path, entity_path
from shared.domain.errors import Rejected

MOMENT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
KEYS = {"PartitionKey": "p", "RowKey": "r"}


def test_json_has_types_where_it_does_not_show_them():
    row = {
        **KEYS,
        "text": "ü",
        "yes": True,
        "few": 7,
        "many": 2**31,
        "at": MOMENT,
        "share": 1.0,
        "data": b"\x00\xff",
    }
    assert json.loads(to_json(row)) == {
        **KEYS,
        "text": "ü",
        "yes": True,
        "few": 7,
        "many": "2147483648",
        "many@odata.type": "Edm.Int64",
        "at": "2026-03-02T09:00:00.123456Z",
        "at@odata.type": "Edm.DateTime",
        "share": 1.0,
        "share@odata.type": "Edm.Double",
        "data": "AP8=",
        "data@odata.type": "Edm.Binary",
    }


def test_times_of_other_zones_are_stored_in_utc():
    later = MOMENT.astimezone(timezone(timedelta(hours=2)))
    assert json.loads(to_json({**KEYS, "at": later}))["at"] == "2026-03-02T09:00:00.123456Z"


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")]
)
def test_numbers_that_json_does_not_know_are_texts(value, text):
    plain = json.loads(to_json({**KEYS, "share": value}))
    assert plain["share"] == text
    assert repr(row_of(plain)["share"]) == repr(value)


@pytest.mark.parametrize(
    ("text", "escaped"), [("ü", b"\\u00fc"), ("😀", b"\\ud83d\\ude00"), ("\ud800", b"\\ud800")]
)
def test_text_is_sent_in_ascii(text, escaped):
    assert escaped in to_json({**KEYS, "text": text})


def test_a_body_has_one_line_whatever_a_text_holds():
    assert b"\n" not in to_json({**KEYS, "text": "a\r\n--batch_postledger--\r\n"})


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, object()])
def test_what_no_column_holds_is_rejected(value):
    with pytest.raises(Rejected, match="no column value"):
        to_json({**KEYS, "value": value})


def test_what_the_service_adds_is_no_column():
    row = row_of(
        {
            "odata.metadata": "https://acc.example/$metadata#Rows/@Element",
            "odata.etag": "W/\"datetime'1'\"",
            **KEYS,
            "Timestamp": "2026-03-02T09:00:00.1234567Z",
            "text": "x",
        }
    )
    assert row == {**KEYS, "text": "x"}
    assert row.etag == "W/\"datetime'1'\""


def test_an_etag_may_come_with_the_header_alone():
    assert row_of(KEYS, "W/1").etag == "W/1"


def test_ticks_below_a_microsecond_fall_away():
    row = row_of({"at": "2026-03-02T09:00:00.1234567Z", "at@odata.type": "Edm.DateTime"})
    assert row["at"] == MOMENT
    whole = row_of({"at": "2026-03-02T09:00:00Z", "at@odata.type": "Edm.DateTime"})
    assert whole["at"] == MOMENT.replace(microsecond=0)


VALUES = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(),
    st.datetimes(timezones=st.just(UTC)),
)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,10}", fullmatch=True), VALUES, max_size=5))
def test_a_row_comes_back_as_it_was(columns):
    assert row_of(json.loads(to_json({**KEYS, **columns}))) == {**KEYS, **columns}


def test_keys_are_literals_and_percent_encoded():
    path = entity_path("Rows", "11|a", "O'Neil é+ &=40")
    assert path == "/Rows(PartitionKey='11%7Ca',RowKey='O%27%27Neil%20%C3%A9%2B%20%26%3D40')"


def test_a_blob_keeps_its_slashes():
    assert blob_path("leases", "mailboxes/t/a@b=40 c") == "/leases/mailboxes/t/a%40b%3D40%20c"
