"""Transactions: the body byte for byte, and answers as Azure and Azurite write them."""

import pytest

from shared.adapters.storage.calls import Operation
from shared.adapters.storage.direct.batches import CONTENT_TYPE, batch_body, etags_of
from shared.adapters.storage.direct.exchange import Answer
from shared.adapters.storage.direct.writes import write_of
from shared.domain.errors import Conflict, NotFound, PostledgerError, Rejected, Throttled, Unavailable

ADDRESS = "https://acc.table.core.windows.net"
ETAG = "W/\"datetime'2026-03-02T09%3A00%3A00.1234567Z'\""
OTHER_ETAG = "W/\"datetime'2026-03-02T09%3A00%3A00.7654321Z'\""


def row(key: str, **columns: object) -> dict[str, object]:
    return {"PartitionKey": "p", "RowKey": key, **columns}


OPERATIONS = [
    Operation("create", row("1", text="ü")),
    Operation("upsert", row("2")),
    Operation("replace", row("3"), ETAG),
    Operation("merge", row("4")),
    Operation("delete", row("5"), ETAG),
]

HEADERS = (
    "DataServiceVersion: 3.0\r\n"
    "MaxDataServiceVersion: 3.0;NetFx\r\n"
    "Accept: application/json;odata=minimalmetadata\r\n"
)
JSON = f"{HEADERS}Content-Type: application/json\r\n"


def part(number: int, start: str, headers: str, body: str) -> str:
    size = f"Content-Length: {len(body)}\r\n" if body else ""
    return (
        "--changeset_postledger\r\n"
        "Content-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        f"Content-ID: {number}\r\n\r\n"
        f"{start} HTTP/1.1\r\n{headers}{size}\r\n{body}\r\n"
    )


def entity(key: str) -> str:
    return f"{ADDRESS}/Rows(PartitionKey='p',RowKey='{key}')"


def test_a_body_byte_for_byte():
    body = batch_body(ADDRESS, [write_of("Rows", operation) for operation in OPERATIONS])
    expected = (
        "--batch_postledger\r\nContent-Type: multipart/mixed; boundary=changeset_postledger\r\n\r\n"
        + part(
            0,
            f"POST {ADDRESS}/Rows",
            f"{JSON}Prefer: return-no-content\r\n",
            r'{"PartitionKey":"p","RowKey":"1","text":"\u00fc"}',
        )
        + part(1, f"PATCH {entity('2')}", JSON, '{"PartitionKey":"p","RowKey":"2"}')
        + part(2, f"PUT {entity('3')}", f"{JSON}If-Match: {ETAG}\r\n", '{"PartitionKey":"p","RowKey":"3"}')
        + part(3, f"PATCH {entity('4')}", f"{JSON}If-Match: *\r\n", '{"PartitionKey":"p","RowKey":"4"}')
        + part(4, f"DELETE {entity('5')}", f"{HEADERS}If-Match: {ETAG}\r\n", "")
        + "--changeset_postledger--\r\n--batch_postledger--\r\n"
    )
    assert body.decode() == expected
    assert CONTENT_TYPE == "multipart/mixed; boundary=batch_postledger"


def answered(*parts: str, boundary: str = "changesetresponse_0f0e-0d") -> Answer:
    """The whole of an answer with status 202."""
    inner = "".join(
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{content}\r\n"
        for content in parts
    )
    text = (
        f"--batchresponse_1a\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
        f"{inner}--{boundary}--\r\n--batchresponse_1a--\r\n"
    )
    return Answer(202, {"Content-Type": "multipart/mixed; boundary=batchresponse_1a"}, text.encode())


def done(etag: str = "") -> str:
    head = (
        "HTTP/1.1 204 No Content\r\nContent-ID: 0\r\nCache-Control: no-cache\r\nDataServiceVersion: 1.0;\r\n"
    )
    return f"{head}ETag: {etag}\r\n\r\n" if etag else f"{head}\r\n"


def refused(status: int, code: str, message: str) -> str:
    body = f'{{"odata.error":{{"code":"{code}","message":{{"lang":"en-US","value":"{message}"}}}}}}'
    return f"HTTP/1.1 {status} Something\r\nContent-Type: application/json\r\n\r\n{body}"


def test_etags_come_in_order_and_a_deleted_row_has_none():
    answer = answered(done(ETAG), done(), done(OTHER_ETAG))
    assert etags_of("Rows", answer, 3) == [ETAG, "", OTHER_ETAG]


REFUSALS: list[tuple[int, str, str, type[PostledgerError], str]] = [
    (
        409,
        "EntityAlreadyExists",
        "3:The specified entity already exists.",
        Conflict,
        "Rows, operation 3: 409",
    ),
    (412, "UpdateConditionNotSatisfied", "17:The condition", Conflict, "Rows, operation 17: 412"),
    (404, "ResourceNotFound", "0:The specified resource does not exist.", NotFound, "Rows, operation 0: 404"),
    (404, "TableNotFound", "0:The table specified does not exist.", Unavailable, "provisioned"),
    (
        400,
        "InvalidInput",
        "1:One of the request inputs is not valid.",
        Rejected,
        "operation 1: 400 InvalidInput",
    ),
    (503, "ServerBusy", "The server is busy.", Throttled, "^Rows: 503 ServerBusy"),
    (500, "OperationTimedOut", "The operation could not be completed.", Unavailable, "^Rows: 500"),
]


@pytest.mark.parametrize(("status", "code", "message", "kind", "text"), REFUSALS)
def test_one_refusal_stands_for_the_whole_and_names_its_operation(status, code, message, kind, text):
    with pytest.raises(kind, match=text) as caught:
        etags_of("Rows", answered(refused(status, code, message)), 20)
    assert type(caught.value) is kind


def test_a_busy_service_s_wait_is_handed_on():
    part = refused(503, "ServerBusy", "The server is busy.").replace("\r\n", "\r\nRetry-After: 30\r\n", 1)
    with pytest.raises(Throttled) as caught:
        etags_of("Rows", answered(part), 1)
    assert caught.value.retry_after == 30.0


def test_a_refusal_in_the_middle_is_found():
    answer = answered(done(ETAG), refused(409, "EntityAlreadyExists", "1:exists"), done(ETAG))
    with pytest.raises(Conflict, match="operation 1"):
        etags_of("Rows", answer, 3)


def test_a_body_that_the_service_could_not_read_is_refused_without_a_changeset():
    text = refused(400, "InvalidInput", "One of the request inputs is not valid.")
    outer = f"--batchresponse_1a\r\nContent-Type: application/http\r\n\r\n{text}\r\n--batchresponse_1a--\r\n"
    with pytest.raises(Rejected, match=r"^Rows: 400 InvalidInput"):
        etags_of("Rows", Answer(202, {}, outer.encode()), 2)


@pytest.mark.parametrize("answer", [answered(done(ETAG)), answered(), Answer(202, {}, b"")])
def test_half_an_answer_is_none(answer):
    """What was done nobody knows: the caller comes again and compares."""
    with pytest.raises(Unavailable, match="to 2 operations"):
        etags_of("Rows", answer, 2)
