"""Keys, packed columns and limits."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.storage import encoding
from shared.adapters.storage.direct.entities import to_json
from shared.adapters.storage.encoding import (
    check_entity,
    check_queue_message,
    decompressed,
    escaped,
    hashed,
    in_transactions,
    joined,
    packed,
    part_names,
    payload_size,
    surplus_parts,
    unescaped,
    unpacked,
)
from shared.domain.errors import NewerForm, Rejected
from shared.domain.filing.entries import at_of, entry_id, inverted

# Random enough that much of it stays: two columns.
NOISE = random.Random(1).randbytes(75_000).hex()
ANY_TEXT = st.text(st.characters())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
)


def row(**columns):
    return {"PartitionKey": "tenant", "RowKey": "row", **columns}


@pytest.mark.parametrize("first", [0, 9, 0x28, 0xFE])
def test_columns_in_a_form_of_a_newer_version_wait_for_it(first):
    columns = packed({"a": 1})
    with pytest.raises(NewerForm):
        unpacked({"content": bytes([first]) + columns["content"][1:]})


@pytest.mark.parametrize("data", [b"", b"\x28\xb5\x2f\xfd of zstandard", b"{}"])
def test_bytes_in_a_form_of_a_newer_version_wait_for_it(data):
    with pytest.raises(NewerForm):
        decompressed(data)


def test_parts_of_an_older_value_are_found():
    large, small = packed(NOISE), packed("x")
    assert len(large) == 2
    assert list(surplus_parts({**large, **small})) == ["content1"]
    assert list(surplus_parts(large)) == list(surplus_parts(small)) == list(surplus_parts({})) == []


class TestKeys:
    @given(ANY_TEXT)
    def test_an_escaped_text_can_be_read_back(self, text):
        assert unescaped(escaped(text)) == text

    @given(ANY_TEXT)
    def test_an_escaped_text_holds_nothing_that_azure_or_a_joined_key_minds(self, text):
        assert not set(escaped(text)) & set("/\\#?%|'!+ ")
        assert escaped(text).isascii()
        assert escaped(text).isprintable()
        check_entity({"PartitionKey": "tenant", "RowKey": escaped(text)[:512]})

    @given(ANY_TEXT, ANY_TEXT)
    def test_different_texts_have_different_keys(self, one, other):
        assert (escaped(one) == escaped(other)) == (one == other)

    @given(st.from_regex(r"\A[A-Za-z0-9._:~-]{1,128}\Z"))
    def test_record_ids_stand_for_themselves_and_so_keep_their_order(self, record_id):
        assert escaped(record_id) == record_id

    def test_examples(self):
        assert escaped("o'brien+crm@contoso.example") == "o=27brien=2Bcrm@contoso.example"
        assert escaped("a=b/ü") == "a=3Db=2F=C3=BC"
        assert joined("tenant", "contact", escaped("a|b")) == "tenant|contact|a=7Cb"

    def test_a_hash_is_a_key(self):
        assert hashed("") == "e3b0c44298fc1c149afbf4c8996fb924"
        assert hashed("\ud800") != hashed("?")

    @pytest.mark.parametrize("character", ["/", "\\", "#", "?", "%", "\x00", "\x1f", "\x7f", "\x9f", "\t"])
    def test_a_key_that_azure_refuses_is_rejected(self, character):
        with pytest.raises(Rejected, match="RowKey"):
            check_entity({"PartitionKey": "tenant", "RowKey": f"a{character}b"})
        with pytest.raises(Rejected, match="PartitionKey"):
            check_entity({"PartitionKey": f"a{character}b", "RowKey": "row"})

    def test_a_key_has_512_characters_at_most(self):
        check_entity({"PartitionKey": "x" * 512, "RowKey": "row"})
        with pytest.raises(Rejected, match="PartitionKey is longer"):
            check_entity({"PartitionKey": "x" * 513, "RowKey": "row"})


class TestTimeOrder:
    # Before 1970 and after 2900 there is no mail.
    times = st.datetimes(datetime(1970, 1, 2), datetime(2900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

    @given(times, times, st.sampled_from(["", "0f", "zz"]), st.sampled_from(["", "0f", "zz"]))
    def test_the_order_of_rows_is_the_order_of_time_newest_first(self, one, other, key, other_key):
        if abs(one - other) >= timedelta(milliseconds=1):
            newer_first = escaped(entry_id(one, key)) < escaped(entry_id(other, other_key))
            assert newer_first == (one > other)

    @given(times)
    def test_the_time_can_be_read_back_to_the_millisecond(self, at):
        assert abs(at_of(inverted(at)) - at) <= timedelta(milliseconds=1)


class TestPacking:
    @given(json_values)
    def test_what_was_packed_comes_back(self, value):
        assert unpacked(packed(value)) == value

    @pytest.mark.parametrize("size", [0, 59_000, 61_000, 150_000, 470_000])
    def test_large_values_take_several_columns_that_azure_accepts(self, size):
        value = random.Random(size).randbytes(size // 2).hex()
        columns = packed(value, "document")
        check_entity(row(**columns))
        assert set(columns) <= set(part_names("document"))
        assert unpacked(columns, "document") == value

    def test_columns_left_over_from_a_longer_value_are_ignored(self):
        long = packed(random.Random(1).randbytes(80_000).hex())
        assert len(long) > 1
        assert unpacked({**long, **packed("short")}) == "short"

    def test_what_takes_more_than_eight_columns_is_rejected(self):
        with pytest.raises(Rejected, match="at most 480000"):
            packed(random.Random(1).randbytes(600_000).hex())


class TestLimits:
    def test_a_property_has_64_kib_and_text_counts_twice(self):
        check_entity(row(text="x" * 32_768, data=b"x" * 65_536))
        for column in ({"text": "x" * 32_769}, {"data": b"x" * 65_537}, {"text": "😀" * 16_385}):
            with pytest.raises(Rejected, match="Azure takes 65536"):
                check_entity(row(**column))

    def test_a_row_has_252_properties_besides_its_keys(self):
        check_entity(row(**{f"c{number}": 1 for number in range(252)}))
        with pytest.raises(Rejected, match="253 properties"):
            check_entity(row(**{f"c{number}": 1 for number in range(253)}))

    def test_a_row_has_one_mebibyte(self):
        check_entity(row(**{f"c{number}": b"x" * 65_000 for number in range(16)}))
        with pytest.raises(Rejected, match="a row of"):
            check_entity(row(**{f"c{number}": b"x" * 65_000 for number in range(17)}))

    @pytest.mark.parametrize("value", [None, ("a",), ["a"], {"a": 1}])
    def test_a_value_that_is_no_column_is_rejected(self, value):
        with pytest.raises(Rejected, match="no column value"):
            check_entity(row(column=value))

    def test_a_queue_message_has_48_kib(self):
        check_queue_message("ü" * 24 * 1024)
        with pytest.raises(Rejected, match="49153"):
            check_queue_message("ü" * 24 * 1024 + "x")


class TestTransactions:
    @given(st.lists(st.integers(1, encoding.MAX_TRANSACTION // 3), max_size=300))
    def test_nothing_is_lost_and_no_limit_is_passed(self, sizes):
        groups = in_transactions(list(enumerate(sizes))[i] for i in range(len(sizes)))
        assert [one for group in groups for one in group] == list(range(len(sizes)))
        for group in groups:
            assert len(group) <= 100
            assert sum(sizes[one] for one in group) <= encoding.MAX_TRANSACTION

    def test_small_rows_go_a_hundred_at_a_time(self):
        groups = in_transactions((number, payload_size(row(content=b"x" * 500))) for number in range(250))
        assert [len(group) for group in groups] == [100, 100, 50]

    def test_the_estimate_covers_what_base64_adds(self):
        assert payload_size(row(content=b"x" * 60_000)) > 80_000

    @pytest.mark.parametrize("character", ["x", "ü", "邮", "😀", "\n"])
    def test_the_estimate_covers_what_json_escapes(self, character):
        text = row(text=character * 10_000)
        assert payload_size(text) > len(to_json(text))
