"""Signatures, byte for byte; the expected ones were made with the policies of Azure's packages."""

import pytest

from shared.adapters.storage.direct.exchange import Request, Service
from shared.adapters.storage.direct.shared_key import SharedKey, service_text, table_text
from tests.unit.adapters.scripted_wire import KEY

DATE = "Mon, 30 Nov 2026 12:00:00 GMT"
COMMON = {"x-ms-date": DATE, "x-ms-version": "2020-12-06"}
LEASE = {
    "x-ms-lease-action": "acquire",
    "x-ms-lease-duration": "20",
    "x-ms-proposed-lease-id": "0f0e0d0c-0b0a-4908-8706-050403020100",
}
PUT_ROW = Request(
    Service.TABLE,
    "Messages",
    "PUT",
    "/Messages(PartitionKey='a%7Cb',RowKey='c')",
    headers={**COMMON, "Content-Type": "application/json", "If-Match": "*"},
    body=b"{}",
)
PUT_MESSAGE = Request(
    Service.QUEUE,
    "mail-sync",
    "POST",
    "/mail-sync/messages",
    (("visibilitytimeout", "0"), ("messagettl", "-1")),
    {**COMMON, "Content-Type": "application/xml"},
    b"<QueueMessage/>",
)
ACQUIRE = Request(
    Service.BLOB, "leases", "PUT", "/leases/mailboxes/t/m%3D40x", (("comp", "lease"),), {**COMMON, **LEASE}
)
MAKE = Request(
    Service.BLOB,
    "leases",
    "PUT",
    "/devstoreaccount1/leases/m",
    headers={**COMMON, "x-ms-blob-type": "BlockBlob", "If-None-Match": "*"},
)


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (PUT_ROW, "FRKJ+jpqpIbmm6D8zd/55fwaLDPQMKO8slDYf4+X1gI="),
        (PUT_MESSAGE, "S4YBV0IO6/hHg66dFdPeXMQTfuAio58rFnaS5y9Ljxk="),
        (ACQUIRE, "vaLQMO2uK9PFaF4QxA3aKsT11ON6EajZ2mFr4FT/3I0="),
        (MAKE, "bUXejE+ftlN2aaNBC6cmNoGe2qzQz97fQDp+5MG/Ybo="),
    ],
    ids=["table", "queue", "lease", "blob"],
)
def test_known_requests_have_known_signatures(request_, signature):
    given = SharedKey("acc", KEY).authorization(request_, request_.path, request_.headers)
    assert given == f"SharedKey acc:{signature}"


def test_a_table_signs_five_lines_and_no_query():
    path = "/devstoreaccount1/Messages()"
    request = Request(Service.TABLE, "Messages", "GET", "/Messages()", (("$top", "1"),))
    assert table_text("acc", request, path, COMMON) == f"GET\n\n\n{DATE}\n/acc/devstoreaccount1/Messages()"


def test_a_queue_signs_its_query_by_name_and_the_length_of_its_body():
    text = service_text("acc", PUT_MESSAGE, PUT_MESSAGE.path, PUT_MESSAGE.headers)
    assert text == (
        f"POST\n\n\n15\n\napplication/xml\n\n\n\n\n\n\nx-ms-date:{DATE}\nx-ms-version:2020-12-06\n"
        "/acc/mail-sync/messages\nmessagettl:-1\nvisibilitytimeout:0"
    )


def test_an_empty_blob_signs_no_length():
    text = service_text("acc", MAKE, MAKE.path, MAKE.headers)
    assert text == (
        f"PUT\n\n\n\n\n\n\n\n\n*\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:{DATE}\nx-ms-version:2020-12-06\n"
        "/acc/devstoreaccount1/leases/m"
    )


def test_a_key_that_was_refused_is_not_tried_again():
    assert SharedKey("acc", KEY).renewed() is False
