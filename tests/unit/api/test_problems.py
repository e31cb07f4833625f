"""Errors have one shape and tell nothing; correlation ids run through; browsers may read them."""

import logging

import pytest

from tests.fakes import FakeStorage
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import ORIGIN, Api

SHAPE = {"type", "title", "status", "detail", "instance", "correlation_id"}


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "nowhere", 404, "Not Found"),
        ("GET", "../../elsewhere", 404, "Not Found"),
        ("GET", "health/", 404, "Not Found"),
        ("POST", "health", 405, "Method Not Allowed"),
        ("GET", "records/contact/C-1", 401, "Unauthorized"),
    ],
)
def test_every_error_is_a_problem(api: Api, method: str, path: str, status: int, title: str) -> None:
    answer = api.call(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert set(content) == SHAPE
    assert (answer.status_code, content["status"], content["title"]) == (status, status, title)
    assert content["detail"].endswith(".")
    assert content["instance"] == answer.url.path
    assert content["correlation_id"] == answer.headers["x-correlation-id"]


def test_a_body_that_is_no_json_is_named(api: Api, issuer: Issuer) -> None:
    answer = api.put(
        "organisation", issuer.user("Admin"), content=b"{", headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert set(answer.json()) == SHAPE
    assert answer.json()["detail"].startswith("The body is not JSON: ")
    assert answer.json()["detail"].endswith(", at character 1.")


@pytest.mark.parametrize("body", [b'{"\\ud800": 1}', b'{"name": "\\ud800"}', b"[" * 100_000, b"\xff"])
def test_a_hostile_body_is_a_problem_not_a_crash(api: Api, issuer: Issuer, body: bytes) -> None:
    answer = api.put(
        "organisation", issuer.user("Admin"), content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == SHAPE


def test_a_bug_is_answered_with_an_id_and_nothing_else(
    api: Api, issuer: Issuer, storage: FakeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    storage.faults.named["Records.get"] = KeyError("inside information")
    with caplog.at_level(logging.INFO, "postledger"):
        answer = api.get("records/contact/C-1", issuer.app("Service"), headers={"Origin": ORIGIN})
    assert answer.status_code == 500
    assert set(answer.json()) == SHAPE
    assert "inside" not in answer.text
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.json()["correlation_id"] in caplog.text
    assert "C-1" not in caplog.text


def test_the_caller_s_correlation_id_is_kept_when_it_is_sane(api: Api) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    for headers, kept in (
        ({"X-Correlation-Id": "crm-12345678"}, "crm-12345678"),
        ({"traceparent": f"00-{trace}-b7ad6b7169203331-01"}, trace),
    ):
        assert api.get("health", headers=headers).headers["x-correlation-id"] == kept
    for odd in ("short", "x" * 65, "with blank and\tmore", "<script>alert</script>"):
        assert api.get("health", headers={"X-Correlation-Id": odd}).headers["x-correlation-id"] != odd


def test_health_is_for_anyone_and_has_no_detail(api: Api) -> None:
    assert api.get("health").json() == {"status": "ok"}


def test_a_page_of_a_known_origin_may_call_and_no_other(api: Api) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    allowed = api.call("OPTIONS", "organisation", headers={"Origin": ORIGIN, **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    evil = api.call("OPTIONS", "organisation", headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in evil.headers
