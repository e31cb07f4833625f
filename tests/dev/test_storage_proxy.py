import base64
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient, TextBase64EncodePolicy

from dev.azurite import Azurite
from dev.processes import PATIENCE, wait_for
from dev.storage_proxy.asking import delayed
from dev.storage_proxy.counting import operation
from dev.storage_proxy.dam import Dam, Mark
from dev.storage_proxy.delayed import Delayed
from dev.storage_proxy.faults import Faults, Shares
from shared.domain.commands.commands import JoinLateContacts, MergeRecords
from tests import patient_http
from tests.builders import NOW, TENANT
from tests.dev.proxied import Proxy

pytestmark = pytest.mark.stack
LATE = JoinLateContacts(tenant_id=TENANT, first_at=NOW)


def test_requests_are_counted_by_operation_and_empty_polls_apart(proxy: Proxy) -> None:
    queues = QueueServiceClient.from_connection_string(proxy.connection_string)
    queue = queues.create_queue("counted")
    assert queue.receive_message() is None
    queue.send_message("one")
    assert queue.receive_message() is not None
    stats = proxy.stats()
    assert stats["empty_polls"] == 1
    assert stats["requests"] == {"queue GET messages": 1, "queue POST messages": 1, "queue PUT queue": 1}
    assert stats["total"] == 3
    patient_http.delete(proxy.stats_url)
    empty = {"requests": {}, "faults": {}, "delayed": {}, "named": {}, "rows": {}, "texts": {}}
    assert proxy.stats() == {"total": 0, "empty_polls": 0, **empty}


def test_requests_are_also_counted_by_queue_and_table_and_each_row_of_a_transaction(proxy: Proxy) -> None:
    queue = QueueServiceClient.from_connection_string(proxy.connection_string).create_queue("named")
    queue.send_message("one")
    table = TableServiceClient.from_connection_string(proxy.connection_string).create_table("Named")
    rows = [{"PartitionKey": "p", "RowKey": str(number)} for number in range(3)]
    table.create_entity({**rows[0], "state": "watched for"})
    table.submit_transaction([("upsert", row) for row in rows[1:]])
    assert list(table.query_entities("PartitionKey eq 'p'"))
    stats = proxy.stats()
    assert stats["named"] == {
        "queue PUT queue named": 1,
        "queue POST messages named": 1,
        "table GET entities Named": 1,
        "table POST $batch Named": 1,
        "table POST Tables": 1,
        "table POST entities Named": 1,
    }
    assert stats["rows"] == {"Named GET": 1, "Named PATCH": 2, "Named POST": 1}
    assert stats["texts"] == {'"watched for"': 1}


def test_commands_that_were_put_to_be_seen_later_are_known_by_name(proxy: Proxy) -> None:
    queue = QueueClient.from_connection_string(
        proxy.connection_string, "patient", message_encode_policy=TextBase64EncodePolicy()
    )
    queue.create_queue()
    queue.send_message(LATE.to_json(), visibility_timeout=600)
    queue.send_message(LATE.to_json(), visibility_timeout=3_600)
    queue.send_message(LATE.to_json())
    queue.send_message("no command", visibility_timeout=600)
    queue.send_message(replace(LATE, attempt=3).to_json(), visibility_timeout=600)
    assert delayed(proxy.stats_url, [JoinLateContacts]) == 2
    assert delayed(proxy.stats_url, [MergeRecords]) == 0


def test_a_command_counts_as_delayed_until_its_time_is_over() -> None:
    now = [100.0]
    known = Delayed(lambda: now[0])
    body = f"<MessageText>{base64.b64encode(LATE.to_json().encode()).decode()}</MessageText>".encode()
    for seconds in (2, 600):
        known.put(f"/acct/mail/messages?visibilitytimeout={seconds}", body)
    assert known.now() == {"JoinLateContacts": 2}
    now[0] += 2
    assert known.now() == {"JoinLateContacts": 1}


def test_large_bodies_pass_unchanged_in_both_directions(proxy: Proxy) -> None:
    blobs = BlobServiceClient.from_connection_string(proxy.connection_string)
    container = blobs.create_container("large")
    content = bytes(range(256)) * 20_000
    container.upload_blob("blob", content)
    assert container.download_blob("blob").readall() == content
    assert container.get_blob_client("blob").get_blob_properties().size == len(content)


def test_a_chunked_upload_passes_and_an_expected_continue_is_given(proxy: Proxy) -> None:
    blobs = BlobServiceClient.from_connection_string(proxy.connection_string)
    container = blobs.create_container("chunked")
    container.upload_blob("blob", iter([b"a" * 100_000, b"b" * 100_000]), headers={"Expect": "100-continue"})
    assert len(container.download_blob("blob").readall()) == 200_000


def test_tables_and_transactions_pass(proxy: Proxy) -> None:
    table = TableServiceClient.from_connection_string(proxy.connection_string).create_table("Passing")
    rows = [{"PartitionKey": "p", "RowKey": str(number), "text": "ä" * 50} for number in range(100)]
    table.submit_transaction([("create", row) for row in rows])
    assert len(list(table.query_entities("PartitionKey eq 'p'"))) == 100
    with pytest.raises(ResourceExistsError):
        table.create_entity(rows[0])
    assert proxy.stats()["requests"]["table POST $batch"] == 1


def test_a_busy_answer_means_that_nothing_was_done(proxy: Proxy) -> None:
    queues = QueueServiceClient.from_connection_string(proxy.connection_string, retry_total=0)
    queue = queues.create_queue("busy")
    with proxy.failing(storage_busy=1.0), pytest.raises(HttpResponseError) as raised:
        assert patient_http.get(proxy.faults_url).json()["storage_busy"] == 1.0
        queue.send_message("never")
    assert raised.value.status_code == 503
    assert raised.value.error_code == "ServerBusy"
    wait_for(lambda: proxy.control.struck["storage_busy"] or None, "the simulator was not told")
    wait_for(lambda: _works(queue.get_queue_properties), "the fault does not end")
    assert queue.peek_messages() == []


def test_a_message_may_be_left_where_it_is_while_all_else_goes_on(proxy: Proxy) -> None:
    queues = QueueServiceClient.from_connection_string(proxy.connection_string, retry_total=0)
    queue = queues.create_queue("undeleted")
    queue.send_message("stays")
    message = queue.receive_message()
    assert message is not None
    proxy.control.faults = {"storage_undeleted": 1.0}

    def refused() -> bool | None:
        left = queue.send_message("goes")
        try:
            queue.delete_message(left)
        except HttpResponseError as error:
            return True if error.status_code == 503 else None
        return None

    wait_for(refused, "the fault does not begin", every=0.1)
    with pytest.raises(HttpResponseError):
        queue.delete_message(message)
    proxy.control.faults = {}
    wait_for(lambda: _works(lambda: queue.delete_message(message)), "the fault does not end")


def test_a_lost_reply_means_that_it_was_done(proxy: Proxy, azurite: Azurite) -> None:
    queue = QueueServiceClient.from_connection_string(proxy.connection_string, retry_total=0).create_queue(
        "lost"
    )
    with proxy.failing(storage_reply_lost=1.0), pytest.raises((ServiceRequestError, ServiceResponseError)):
        queue.send_message("done")
    direct = QueueServiceClient.from_connection_string(azurite.connection_string).get_queue_client("lost")
    assert [message.content for message in direct.peek_messages()] == ["done"]


def test_the_same_seed_gives_the_same_faults() -> None:
    def drawn() -> list[str | None]:
        faults = Faults()
        faults.set(Shares(seed=3, busy=0.2, reply_lost=0.2))
        return [faults.next() for _ in range(200)]

    assert drawn() == drawn()
    assert 20 < drawn().count("storage_busy") < 60
    assert 20 < drawn().count("storage_reply_lost") < 60


def test_after_the_chosen_write_nothing_is_carried_out_until_the_dam_is_lifted(
    proxy: Proxy, azurite: Azurite
) -> None:
    tables = TableServiceClient.from_connection_string(proxy.connection_string, retry_total=0)
    other, table = tables.create_table("Other"), tables.create_table("Dammed")
    mark = {"service": "table", "texts": ["/Dammed", "second"]}
    assert patient_http.put(proxy.dam_url, json=mark).json() == {"closed": False, "waiting": 0}
    other.create_entity({"PartitionKey": "p", "RowKey": "second"})
    table.create_entity({"PartitionKey": "p", "RowKey": "first"})
    assert patient_http.get(proxy.dam_url).json() == {"closed": False, "waiting": 0}

    table.create_entity({"PartitionKey": "p", "RowKey": "second"})
    assert patient_http.get(proxy.dam_url).json() == {"closed": True, "waiting": 0}
    held = threading.Thread(
        target=other.create_entity, args=[{"PartitionKey": "p", "RowKey": "held"}], daemon=True
    )
    held.start()
    wait_for(lambda: _holds(proxy, 1), "nothing waits")
    straight = TableServiceClient.from_connection_string(azurite.connection_string)
    assert len(list(straight.get_table_client("Dammed").list_entities())) == 2
    assert [row["RowKey"] for row in straight.get_table_client("Other").list_entities()] == ["second"]

    assert patient_http.delete(proxy.dam_url).json()["closed"] is False
    held.join(PATIENCE)
    assert [row["RowKey"] for row in other.list_entities()] == ["held", "second"]


def test_what_a_process_asked_for_that_is_gone_when_the_dam_is_lifted_is_dropped(proxy: Proxy) -> None:
    queue = QueueServiceClient.from_connection_string(proxy.connection_string).create_queue("dammed")
    patient_http.put(proxy.dam_url, json={"service": "queue", "texts": ["/dammed/messages"]})
    queue.send_message("written")
    code = (
        "from azure.storage.queue import QueueClient\n"
        f"QueueClient.from_connection_string({proxy.connection_string!r}, 'dammed').send_message('never')"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as asking:
        wait_for(lambda: _holds(proxy, 1), "nothing waits")
        asking.kill()

    patient_http.delete(proxy.dam_url)
    assert [message.content for message in queue.peek_messages(max_messages=5)] == ["written"]


@pytest.mark.parametrize("mark", [{}, {"service": "disk", "texts": []}, {"service": "table", "texts": 3}])
def test_a_dam_that_nothing_could_close_is_refused(mark: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="A dam needs"):
        Mark.from_json(mark)


def test_a_dam_closes_after_as_many_writes_as_it_is_told() -> None:
    mark = Mark("table", ("/Messages",), count=2)
    assert mark.fits("table", "POST", b"POST /acct/$batch HTTP/1.1\r\n\r\nPUT /acct/Messages(1)")
    assert not mark.fits("table", "GET", b"GET /acct/Messages() HTTP/1.1")
    assert not mark.fits("queue", "POST", b"POST /acct/Messages/messages HTTP/1.1")
    message = b"<MessageText>" + base64.b64encode(b'{"command":"SyncMailbox"}') + b"</MessageText>"
    assert Mark("queue", ("/mail/", "SyncMailbox")).fits(
        "queue", "POST", b"POST /acct/mail/messages " + message
    )
    dam = Dam()
    dam.set(mark)
    dam.written("table", "PUT", b"PUT /acct/Messages(1)")
    assert not dam.is_closed
    dam.written("table", "PUT", b"PUT /acct/Messages(1)")
    assert dam.is_closed
    dam.lift()
    assert not dam.is_closed


@pytest.mark.parametrize(
    ("service", "method", "target", "expected"),
    [
        ("queue", "DELETE", "/acct/q/messages/id-1?popreceipt=x", "queue DELETE message"),
        ("queue", "GET", "/acct/q/messages?peekonly=true", "queue GET peek"),
        ("table", "GET", "/acct/Rows()?$filter=x", "table GET entities"),
        ("table", "PUT", "/acct/Rows(PartitionKey='a',RowKey='b')", "table PUT entity"),
        ("table", "POST", "/acct/Tables", "table POST Tables"),
        ("blob", "PUT", "/acct/leases/some/name?comp=lease", "blob PUT blob comp=lease"),
        ("blob", "PUT", "/acct/leases?restype=container", "blob PUT container"),
    ],
)
def test_operations_are_named_without_the_names_in_them(
    service: str, method: str, target: str, expected: str
) -> None:
    assert operation(service, method, target) == expected


def _holds(proxy: Proxy, count: int) -> bool | None:
    return patient_http.get(proxy.dam_url).json()["waiting"] == count or None


def _works(call: Any) -> bool | None:
    try:
        call()
    except HttpResponseError:
        return None
    return True
