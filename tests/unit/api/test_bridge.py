"""The app behind the bridge that Azure Functions puts in front of it."""

import asyncio
import json
import re
from collections.abc import Iterator

import azure.functions as func
import pytest

from dev.processes import PATIENCE
from shared.domain.errors import Unavailable
from shared.triggers.client import serve
from tests.builders import KEY, TENANT, a_copy, a_document, a_record, a_stored_message, an_attachment
from tests.fakes import FakeStorage
from tests.log import lines
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api


def through_the_bridge(
    api: Api, method: str, path: str, token: str = "", body: bytes = b""
) -> func.HttpResponse:
    request = func.HttpRequest(
        method=method,
        url=f"https://app.example/api/v1/{path}",
        headers={"Authorization": f"Bearer {token}", "content-type": "application/json"},
        body=body,
    )
    middleware = func.AsgiMiddleware(api.client.app)
    return asyncio.run(asyncio.wait_for(serve(middleware, request, None), PATIENCE))  # type: ignore[arg-type]


def test_a_request_and_its_errors_come_through(api: Api, issuer: Issuer) -> None:
    assert through_the_bridge(api, "GET", "health").status_code == 200
    answer = through_the_bridge(api, "GET", "mailboxes")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    body = json.dumps({"name": "Bo"}).encode()
    written = through_the_bridge(api, "PUT", "records/contact/C-1", issuer.app("Service"), body)
    assert written.status_code == 201
    loaded = through_the_bridge(api, "POST", "records", issuer.app("Service"), b'{"kind":"case","id":"1"}')
    assert json.loads(loaded.get_body())["written"] == 1


def test_an_escaped_at_sign_in_an_address_is_understood(api: Api, issuer: Issuer) -> None:
    answer = through_the_bridge(api, "GET", "mailboxes/agent%40contoso.example", issuer.user("Admin"))
    assert answer.status_code == 200


def test_an_attachment_is_streamed_into_one_answer(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.records.put_many(TENANT, [a_record()])
    document = a_document(attachments=(an_attachment(),))
    storage.messages.create(TENANT, a_stored_message(), document, a_copy())
    storage.attachments.put(TENANT, KEY, "0", iter([b"x" * 5_000_000]))
    answer = through_the_bridge(api, "GET", f"messages/{KEY}/attachments/0", issuer.user("Agent"))
    assert len(answer.get_body()) == 5_000_000
    assert answer.mimetype == "application/pdf"


def test_a_bug_still_gets_an_answer(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.faults.named["Records.get"] = KeyError("x")
    answer = through_the_bridge(api, "GET", "records/contact/C-1", issuer.app("Service"))
    assert answer.status_code == 500
    assert json.loads(answer.get_body())["correlation_id"]


def test_an_answer_that_storage_breaks_off_is_a_503(
    api: Api, issuer: Issuer, storage: FakeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    storage.records.put_many(TENANT, [a_record()])
    document = a_document(attachments=(an_attachment(),))
    storage.messages.create(TENANT, a_stored_message(), document, a_copy())
    storage.attachments.put(TENANT, KEY, "0", iter([b"x"]))

    def broken(*_: object) -> Iterator[bytes]:
        yield b"x"
        raise Unavailable("down")

    storage.attachments.get = broken  # type: ignore[method-assign]
    answer = through_the_bridge(api, "GET", f"messages/{KEY}/attachments/0", issuer.user("Agent"))
    assert (answer.status_code, answer.headers["retry-after"], answer.get_body()) == (503, "1", b"")
    [said] = [line for line in lines(caplog) if line["event"] == "api_failed"]
    assert re.fullmatch(r"broken, line \d+ of test_bridge\.py", said["place"])
