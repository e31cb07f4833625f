"""What either client must do with tables, queues and leases, seen at Azurite."""

import base64
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.adapters.storage.calls import Operation, StoredRow
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.domain import names
from shared.domain.errors import Conflict, NotFound, Unavailable
from tests.contract.conftest import CALLS

pytestmark = pytest.mark.stack

STALE = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""


@pytest.fixture(params=CALLS)
def connection(request, connection_string):
    return Connection(StorageSettings(connection_string, calls=request.param), retries=0)


@pytest.fixture
def table(connection):
    return connection.calls.table(names.RECORDS)


@pytest.fixture
def leases(connection):
    return connection.calls.leases(names.LEASES)


@pytest.fixture
def partition():
    return str(uuid4())


@pytest.fixture
def blob():
    return f"mailboxes/{uuid4()}/a@b=40 c~d"


def row(partition, key="r", **columns):
    return {"PartitionKey": partition, "RowKey": key, **columns}


class TestRows:
    def test_every_kind_of_column_comes_back_as_it_was(self, table, partition):
        stored = row(
            partition,
            text="Grüße 😀 \"'\\\r\n",
            empty="",
            yes=True,
            no=False,
            count=-7,
            share=1.0,
            endless=float("inf"),
            at=datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC),
            data=bytes(range(256)),
            nothing=b"",
        )
        etag = table.submit(Operation("create", stored))
        found = table.get(partition, "r", ())
        assert dict(found) == stored
        assert {type(value) for value in found.values()} >= {str, bool, int, float, bytes}
        assert isinstance(found, StoredRow)
        assert found.etag == etag

    @pytest.mark.parametrize("key", ["a|b", "O'Neil", "é 😀", "a+b&c=d", "1:2@3~4.5_6-7", "(x,y);$!*"])
    def test_a_row_is_found_under_any_legal_key(self, table, partition, key):
        partition = f"{partition}|{key}"
        table.submit(Operation("create", row(partition, key)))
        table.transact([Operation("merge", row(partition, key, text="x"))])
        assert table.get(partition, key, ("text",))["text"] == "x"
        table.submit(Operation("delete", row(partition, key)))
        with pytest.raises(NotFound):
            table.get(partition, key, ())

    def test_selected_columns_come_with_the_etag(self, table, partition):
        etag = table.submit(Operation("create", row(partition, text="x", count=1)))
        assert table.get(partition, "r", ("count",)) == {"count": 1}
        assert table.get(partition, "r", ("count",)).etag == etag
        [found] = table.rows(f"PartitionKey eq '{partition}'", ("RowKey",), 10)
        assert (dict(found), found.etag) == ({"RowKey": "r"}, etag)

    def test_pages_of_any_size_give_all_rows_in_order(self, table, partition):
        keys = [f"{number:03}" for number in range(45)]
        table.transact([Operation("create", row(partition, key)) for key in keys])
        for page in (10, 45, 1_000):
            found = table.rows(f"PartitionKey eq '{partition}'", (), page)
            assert [stored["RowKey"] for stored in found] == keys

    def test_replace_leaves_nothing_merge_and_upsert_the_rest(self, table, partition):
        table.submit(Operation("create", row(partition, text="x", count=1)))
        table.submit(Operation("merge", row(partition, count=2)))
        assert table.get(partition, "r", ("text", "count")) == {"text": "x", "count": 2}
        etag = table.submit(Operation("upsert", row(partition, count=3)))
        assert table.get(partition, "r", ("text", "count")) == {"text": "x", "count": 3}
        table.submit(Operation("replace", row(partition, text="y"), etag))
        assert dict(table.get(partition, "r", ())) == row(partition, text="y")

    @pytest.mark.parametrize("verb", ["replace", "merge", "delete"])
    def test_a_write_under_an_old_etag_is_a_conflict(self, table, partition, verb):
        table.submit(Operation("create", row(partition)))
        with pytest.raises(Conflict, match="412"):
            table.submit(Operation(verb, row(partition), STALE))

    def test_what_is_there_is_not_inserted_and_what_is_not_is_not_merged(self, table, partition):
        table.submit(Operation("create", row(partition)))
        with pytest.raises(Conflict, match="409"):
            table.submit(Operation("create", row(partition)))
        with pytest.raises(NotFound):
            table.submit(Operation("merge", row(partition, "other")))


class TestTransactions:
    def test_five_verbs_at_once(self, table, partition):
        old = [row(partition, key, text="old") for key in ("2", "3", "4", "5")]
        etags = table.transact([Operation("create", stored) for stored in old])
        given = table.transact(
            [
                Operation("create", row(partition, "1", text="ü")),
                Operation("upsert", row(partition, "2", count=2)),
                Operation("replace", row(partition, "3", count=3), etags[1]),
                Operation("merge", row(partition, "4", count=4)),
                Operation("delete", row(partition, "5"), etags[3]),
            ]
        )
        found = {stored["RowKey"]: stored for stored in table.rows(f"PartitionKey eq '{partition}'", (), 10)}
        assert [dict(found[key]) for key in sorted(found)] == [
            row(partition, "1", text="ü"),
            row(partition, "2", text="old", count=2),
            row(partition, "3", count=3),
            row(partition, "4", text="old", count=4),
        ]
        assert given == [*(found[key].etag for key in ("1", "2", "3", "4")), ""]

    @pytest.mark.parametrize(
        ("spoilt", "error"),
        [
            (lambda partition: Operation("create", row(partition)), Conflict),
            (lambda partition: Operation("replace", row(partition), STALE), Conflict),
            (lambda partition: Operation("merge", row(partition, "nowhere")), NotFound),
            (lambda partition: Operation("delete", row(partition, "nowhere")), NotFound),
        ],
    )
    def test_one_that_fails_is_named_and_nothing_is_done(self, table, partition, spoilt, error):
        table.submit(Operation("create", row(partition)))
        others = [Operation("upsert", row(partition, str(number))) for number in range(4)]
        with pytest.raises(error, match="operation 2"):
            table.transact([*others[:2], spoilt(partition), *others[2:]])
        assert len(list(table.rows(f"PartitionKey eq '{partition}'", (), 10))) == 1

    def test_a_hundred_rows_at_once(self, table, partition):
        rows = [row(partition, f"{number:02}", data=bytes(20_000)) for number in range(100)]
        assert all(table.transact([Operation("upsert", stored) for stored in rows]))
        assert len(list(table.rows(f"PartitionKey eq '{partition}'", ("RowKey",), 1_000))) == 100

    def test_a_missing_table_is_a_missing_deployment_step(self, connection, partition):
        with pytest.raises(Unavailable, match="provisioned"):
            connection.calls.table("Nowhere").transact([Operation("upsert", row(partition))])


class TestQueues:
    def test_a_message_lies_there_as_base64_and_for_good(self, connection):
        admin = connection.queue(names.QUEUES[0])
        admin.clear_messages()
        connection.calls.queue(names.QUEUES[0]).send('{"kind": "ü"}', hidden=0, timeout=None)
        connection.calls.queue(names.QUEUES[0]).send("{}", hidden=60, timeout=5.0)
        [message] = admin.receive_messages(visibility_timeout=1)
        assert base64.b64decode(message.content).decode() == '{"kind": "ü"}'
        assert message.expires_on.year > 9000
        admin.clear_messages()

    def test_a_look_shows_what_nobody_has_taken_and_takes_nothing(self, connection):
        admin = connection.queue(names.QUEUES[0])
        admin.clear_messages()
        calls = connection.calls.queue(names.QUEUES[0])
        assert calls.peek(32) == []
        calls.send("first", hidden=0, timeout=None)
        calls.send("hidden", hidden=60, timeout=None)
        for _ in range(2):
            assert list(map(base64.b64decode, calls.peek(32))) == [b"first"]
        assert len(calls.take(1, hidden=60)) == 1
        assert calls.peek(32) == []
        admin.clear_messages()

    def test_a_missing_queue_is_a_missing_deployment_step(self, connection):
        with pytest.raises(Unavailable, match="provisioned"):
            connection.calls.queue("nowhere").send("{}", hidden=0, timeout=None)


class TestLeases:
    def test_a_lease_is_made_held_and_given_back(self, leases, blob):
        with pytest.raises(NotFound):
            leases.acquire(blob, 20)
        leases.make(blob)
        with pytest.raises(Conflict):
            leases.make(blob)
        lease = leases.acquire(blob, 20)
        with pytest.raises(Conflict):
            leases.acquire(blob, 20)
        leases.renew(blob, lease)
        leases.release(blob, lease)
        assert leases.acquire(blob, 20) != lease

    def test_a_lease_that_was_lost_is_not_renewed(self, leases, blob):
        leases.make(blob)
        lease = leases.acquire(blob, 20)
        leases.release(blob, lease)
        leases.acquire(blob, 20)
        with pytest.raises(Conflict):
            leases.renew(blob, lease)
        with pytest.raises(Conflict):
            leases.release(blob, lease)

    def test_a_missing_container_is_a_missing_deployment_step(self, connection, blob):
        for call in (
            connection.calls.leases("nowhere").make,
            lambda name: connection.calls.leases("nowhere").acquire(name, 20),
        ):
            with pytest.raises(Unavailable, match="provisioned"):
                call(blob)


def test_the_account_says_what_it_holds(connection):
    assert set(names.TABLES) <= connection.calls.tables()
    assert set(names.QUEUES) <= connection.calls.queues()
    assert set(names.CONTAINERS) <= connection.calls.containers()


@pytest.mark.parametrize("first", CALLS)
def test_what_one_client_writes_the_other_reads(connection_string, partition, first):
    """A deployment may change its setting at any time."""
    [second] = set(CALLS) - {first}
    tables = [
        Connection(StorageSettings(connection_string, calls=client)).calls.table(names.RECORDS)
        for client in (first, second)
    ]
    moment = datetime.fromtimestamp(time.time(), tz=UTC)
    stored = row(partition, text="ü", at=moment, data=b"\x00\xff", count=1, yes=True)
    etag = tables[0].submit(Operation("create", stored))
    assert dict(tables[1].get(partition, "r", ())) == stored
    assert tables[1].submit(Operation("replace", stored, etag))
