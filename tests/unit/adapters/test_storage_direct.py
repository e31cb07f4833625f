"""What tables, queues and leases ask for, request by request."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.adapters.storage.calls import Operation
from shared.adapters.storage.direct.client import DirectCalls
from shared.domain.errors import Conflict, NotFound, Unavailable
from tests.unit.adapters.scripted_wire import LOST, ScriptedWire, answer

ROW = {"PartitionKey": "p", "RowKey": "r", "text": "x"}
ENTITY = "/Rows(PartitionKey='p',RowKey='r')"


def calls(*answers, retries=3):
    wire = ScriptedWire(*answers)
    return DirectCalls(wire.sender(retries=retries)), wire


def page(*keys, **token):
    rows = [{"PartitionKey": "p", "RowKey": key} for key in keys]
    headers = {f"x_ms_continuation_{name}": value for name, value in token.items()}
    return answer(200, json.dumps({"value": rows}).encode(), **headers)


class TestTables:
    @pytest.mark.parametrize(
        ("verb", "etag", "method", "path", "condition"),
        [
            ("create", "", "POST", "/Rows", None),
            ("upsert", "", "PATCH", ENTITY, None),
            ("replace", "", "PUT", ENTITY, "*"),
            ("replace", "W/1", "PUT", ENTITY, "W/1"),
            ("merge", "", "PATCH", ENTITY, "*"),
            ("merge", "W/1", "PATCH", ENTITY, "W/1"),
            ("delete", "", "DELETE", ENTITY, "*"),
            ("delete", "W/1", "DELETE", ENTITY, "W/1"),
        ],
    )
    def test_a_write_is_one_request_under_its_condition(self, verb, etag, method, path, condition):
        direct, wire = calls(answer(204, ETag="W/2"))
        assert direct.table("Rows").submit(Operation(verb, ROW, etag)) == ("" if verb == "delete" else "W/2")
        [parcel] = wire.parcels
        assert (parcel.method, parcel.target) == (method, path)
        assert parcel.headers.get("If-Match") == condition
        assert parcel.body == (b"" if verb == "delete" else json.dumps(ROW, separators=(",", ":")).encode())

    def test_an_inserted_row_is_not_sent_back(self):
        direct, wire = calls(answer(204, ETag="W/1"))
        direct.table("Rows").submit(Operation("create", ROW))
        assert wire.parcels[0].headers["Prefer"] == "return-no-content"

    @pytest.mark.parametrize("verb", ["upsert", "merge", "replace", "delete"])
    def test_what_can_be_repeated_is(self, verb):
        direct, wire = calls(LOST, answer(204, ETag="W/2"))
        direct.table("Rows").submit(Operation(verb, ROW))
        assert len(wire.parcels) == 2

    def test_an_insert_is_left_to_the_caller(self):
        direct, wire = calls(LOST)
        with pytest.raises(Unavailable):
            direct.table("Rows").submit(Operation("create", ROW))
        assert len(wire.parcels) == 1

    def test_a_row_is_read_with_the_columns_that_were_asked_for(self):
        body = json.dumps({"odata.etag": "W/1", **ROW, "data": "AP8=", "data@odata.type": "Edm.Binary"})
        direct, wire = calls(answer(200, body.encode()))
        row = direct.table("Rows").get("p", "r", ("text", "data"))
        assert row == {**ROW, "data": b"\x00\xff"}
        assert wire.parcels[0].target == f"{ENTITY}?$select=text%2Cdata"
        assert wire.parcels[0].headers["Accept"] == "application/json;odata=minimalmetadata"

    def test_a_missing_row_is_not_found(self):
        direct, _ = calls(answer(404, b'{"odata.error":{"code":"ResourceNotFound"}}'))
        with pytest.raises(NotFound):
            direct.table("Rows").get("p", "r", ())

    def test_pages_are_fetched_as_they_are_consumed_and_an_empty_one_is_not_the_last(self):
        direct, wire = calls(
            page("1", "2", NextPartitionKey="1!4!cA--", NextRowKey="1!8!Mw--"),
            page(NextPartitionKey="1!4!c+/=&ü"),
            page("3"),
        )
        rows = direct.table("Rows").rows("PartitionKey eq 'p'", ("RowKey",), 2)
        assert wire.parcels == []
        assert next(rows)["RowKey"] == "1"
        assert len(wire.parcels) == 1
        assert [row["RowKey"] for row in rows] == ["2", "3"]
        queries = [parse_qs(urlsplit(parcel.target).query) for parcel in wire.parcels]
        first = {"$filter": ["PartitionKey eq 'p'"], "$top": ["2"], "$select": ["RowKey"]}
        assert queries == [
            first,
            {**first, "NextPartitionKey": ["1!4!cA--"], "NextRowKey": ["1!8!Mw--"]},
            {**first, "NextPartitionKey": ["1!4!c+/=&ü"]},
        ]

    def test_a_transaction_is_one_request_that_is_not_repeated(self):
        direct, wire = calls(LOST)
        with pytest.raises(Unavailable):
            direct.table("Rows").transact([Operation("upsert", ROW)])
        [parcel] = wire.parcels
        assert (parcel.method, parcel.target) == ("POST", "/$batch")
        assert b"PATCH https://acc.table.core.windows.net/Rows(" in parcel.body


class TestQueues:
    def test_a_message_is_base64_and_never_expires(self):
        direct, wire = calls(answer(201))
        direct.queue("mail").send('{"kind": "ü"}', hidden=7, timeout=None)
        [parcel] = wire.parcels
        assert wire.origins == ["https://acc.queue.core.windows.net"]
        assert parcel.method == "POST"
        assert parcel.target == "/mail/messages?visibilitytimeout=7&messagettl=-1"
        text = parcel.body.decode().partition("<MessageText>")[2].partition("</MessageText>")[0]
        assert base64.b64decode(text).decode() == '{"kind": "ü"}'

    def test_a_lost_answer_is_asked_for_again_unless_somebody_waits(self):
        direct, wire = calls(LOST, answer(201))
        direct.queue("mail").send("{}", hidden=0, timeout=None)
        assert len(wire.parcels) == 2
        direct, wire = calls(LOST)
        with pytest.raises(Unavailable):
            direct.queue("mail").send("{}", hidden=0, timeout=1.0)
        assert (wire.patience[0].connect, wire.patience[0].read, wire.patience[0].retries) == (0.5, 0.5, 0)


class TestLeases:
    def test_a_repeated_request_finds_its_own_lease(self):
        direct, wire = calls(LOST, answer(201))
        lease = direct.leases("leases").acquire("mailboxes/t/m", 20)
        assert [parcel.headers["x-ms-proposed-lease-id"] for parcel in wire.parcels] == [lease, lease]
        assert wire.parcels[0].target == "/leases/mailboxes/t/m?comp=lease"
        assert wire.parcels[0].headers["x-ms-lease-action"] == "acquire"
        assert wire.parcels[0].headers["x-ms-lease-duration"] == "20"

    def test_every_lease_has_an_id_of_its_own(self):
        direct, _ = calls(answer(201), answer(201))
        leases = direct.leases("leases")
        assert leases.acquire("a", 20) != leases.acquire("a", 20)

    def test_a_lease_is_renewed_and_released_by_its_id(self):
        direct, wire = calls(answer(200), answer(200))
        leases = direct.leases("leases")
        leases.renew("m", "id")
        leases.release("m", "id")
        actions = [
            (parcel.headers["x-ms-lease-action"], parcel.headers["x-ms-lease-id"]) for parcel in wire.parcels
        ]
        assert actions == [("renew", "id"), ("release", "id")]

    def test_what_somebody_holds_is_a_conflict_and_what_is_not_made_yet_is_not_found(self):
        direct, _ = calls(
            answer(409, x_ms_error_code="LeaseAlreadyPresent"), answer(404, x_ms_error_code="BlobNotFound")
        )
        with pytest.raises(Conflict, match="LeaseAlreadyPresent"):
            direct.leases("leases").acquire("m", 20)
        with pytest.raises(NotFound):
            direct.leases("leases").acquire("m", 20)

    def test_an_empty_blob_overwrites_none(self):
        direct, wire = calls(answer(201))
        direct.leases("leases").make("m")
        [parcel] = wire.parcels
        assert (parcel.method, parcel.target, parcel.body) == ("PUT", "/leases/m", b"")
        assert (parcel.headers["x-ms-blob-type"], parcel.headers["If-None-Match"]) == ("BlockBlob", "*")
