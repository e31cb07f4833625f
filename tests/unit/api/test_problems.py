"""Errors have one shape and tell nothing; correlation ids run through; browsers may read them."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shared.telemetry.limits import MOST
from tests.builders import HOME
from tests.fakes import FakeStorage
from tests.security.served import parameters_of
from tests.unit.api.tokens import CLIENT, OID, OTHER, Issuer
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
    assert content["instance"] == f"/api/v1/{path}"
    assert content["correlation_id"] == answer.headers["x-correlation-id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "records/contact/C-1", "GET, PUT, DELETE"),
        ("POST", "mailboxes/ann@contoso.example", "GET, PUT, DELETE"),
        ("PATCH", "organisation", "GET, PUT, DELETE"),
        ("GET", "messages/m1/links", "POST, DELETE"),
        ("PUT", "mailboxes/test/backfill", "POST, DELETE"),
        ("PATCH", "health", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.call(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert set(answer.json()) == SHAPE


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
    [said] = [line for line in map(json.loads, caplog.messages) if line["event"] == "api_failed"]
    assert said["correlation_id"] == answer.json()["correlation_id"]
    assert (said["error"], said["route"]) == ("KeyError", "/records/{kind}/{id}")
    assert re.fullmatch(r"_raise, line \d+ of faults\.py", said["place"])
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


def test_what_storage_lacks_makes_the_service_unhealthy_and_only_the_operator_learns_its_names(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.parts.lacking = ["queue mail-poison", "container leases"]
    answer = api.get("health", issuer.app("Operator", tenant=HOME))
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "Storage lacks queue mail-poison, container leases: azd provision makes what is missing, and removes nothing.",
    )
    for token in (None, issuer.user("Admin"), "no token at all"):
        answer = api.get("health", token)
        assert (answer.status_code, answer.json()["detail"]) == (503, "The service is not complete.")


def test_only_the_operator_s_token_learns_which_build_runs(api: Api, issuer: Issuer) -> None:
    detail = api.get("health", issuer.app("Operator", tenant=HOME)).json()
    assert detail == {"status": "ok", "version": "1.4.0", "commit": "9f2c1ab", "python": "3.12.8"}
    others = (
        issuer.user("Admin"),
        issuer.user("Agent"),
        issuer.app("Service", tenant=HOME),
        issuer.user("Operator", tenant=HOME),
        issuer.app("Operator", tenant=OTHER),
        "no token at all",
    )
    for token in others:
        answer = api.get("health", token)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_description_names_the_version_that_runs(api: Api) -> None:
    assert api.get("openapi.json").json()["info"]["version"] == "1.4.0"


def test_a_page_of_a_known_origin_may_call_and_no_other(api: Api) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    allowed = api.call("OPTIONS", "organisation", headers={"Origin": ORIGIN, **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    evil = api.call("OPTIONS", "organisation", headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in evil.headers


def operations(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation that needs a token."""
    for path, methods in api.get("openapi.json").json()["paths"].items():
        for method, described in methods.items():
            if "security" not in described:
                yield method.upper(), path.removeprefix("/"), described


def test_a_body_that_is_not_declared_as_json_is_refused_with_a_sentence(api: Api, issuer: Issuer) -> None:
    checked = 0
    for method, path, described in operations(api):
        content = described.get("requestBody", {}).get("content", {})
        # A load may be lines of JSON too, so it is told from its text.
        if "application/json" not in content or "application/x-ndjson" in content:
            continue
        for headers in ({}, {"content-type": "text/plain"}):
            answer = api.call(method, path, issuer.user("Admin"), content=b'{"kind": "x"}', headers=headers)
            assert answer.status_code == 415, (method, path)
            assert set(answer.json()) == SHAPE
            assert "Content-Type: application/json" in answer.json()["detail"]
        checked += 1
    assert checked >= 14


def test_a_body_may_be_left_out_where_it_is_optional_whatever_its_type(api: Api, issuer: Issuer) -> None:
    answer = api.post("connect/verify", issuer.user("Admin"), headers={"content-type": "text/plain"})
    assert answer.status_code != 415


def test_json_may_have_a_charset_or_a_suffix(api: Api, issuer: Issuer) -> None:
    for content_type in ("application/json; charset=utf-8", "application/merge-patch+json"):
        answer = api.put(
            "organisation", issuer.user("Admin"), content=b"{}", headers={"content-type": content_type}
        )
        assert answer.status_code == 200, content_type


def test_an_unknown_query_parameter_is_refused_and_named(api: Api, issuer: Issuer) -> None:
    checked = 0
    for method, path, described in operations(api):
        is_operators = path in ("organisations", "health/trial", "health/pause")
        token = issuer.app("Operator", tenant=HOME) if is_operators else issuer.user("Admin")
        answer = api.call(method, path, token, params={"limt": "5"})
        assert answer.status_code == 422, (method, path)
        assert answer.json()["detail"].startswith("'limt' is not a query parameter of this operation;")
        for parameter in parameters_of(described):
            if parameter["in"] == "query":
                assert parameter["name"] in answer.json()["detail"], (method, path)
        checked += 1
    assert checked > 40


def test_a_role_is_asked_for_before_the_query_is_looked_at(api: Api, issuer: Issuer) -> None:
    answer = api.get("audit", issuer.user("Agent"), params={"limt": "5"})
    assert (answer.status_code, "limt" in answer.text) == (403, False)


def refusals(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    said = [json.loads(record.message) for record in caplog.records if record.name == "postledger"]
    return [event for event in said if event["event"] == "request_refused"]


def test_a_refusal_is_told_in_the_log_with_who_why_and_where(
    api: Api, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "postledger"):
        answer = api.get("timelines/contact/C-1", issuer.app("Operator", tenant=HOME))
        api.get("audit", issuer.user("Agent"))
        api.get("records/contact/C-1", issuer.user("Agent", exp=1))
        api.get("records/contact/C-1", issuer.user("Admin"))
    app, person, nobody = refusals(caplog)
    assert (app["status"], app["tenant"], app["by"]) == (403, HOME, f"app:{CLIENT}")
    assert (app["route"], app["correlation_id"]) == (
        "/timelines/{kind}/{id}",
        answer.json()["correlation_id"],
    )
    assert (person["by"], person["reason"]) == (OID, "This needs the role Admin; the token has Agent.")
    assert (nobody["status"], nobody["by"], nobody["reason"]) == (
        401,
        "",
        "The token has expired. Get a new one.",
    )


def test_callers_without_a_token_cannot_fill_the_log(
    api: Api, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "postledger"):
        for _ in range(3 * MOST):
            assert api.get("audit").status_code == 401
        for _ in range(2 * MOST):
            api.get("audit", issuer.user("Agent"))
    told = [refusal["by"] for refusal in refusals(caplog)]
    assert (told.count(""), told.count(OID)) == (MOST, 2 * MOST)


def test_an_unknown_query_parameter_is_not_told_without_a_token(api: Api) -> None:
    assert api.get("records", params={"limt": "5"}).status_code == 401


@pytest.mark.parametrize("path", ["preview", "mailboxes/ann@contoso.example/test", "connect/verify"])
def test_a_body_of_null_is_an_absent_one(api: Api, issuer: Issuer, path: str) -> None:
    """Generated clients send `null` where a body may be left out."""
    token = issuer.user("Admin")
    json = {"content-type": "application/json"}
    absent, null = api.post(path, token), api.post(path, token, content=b"null", headers=json)
    said = [{**answer.json(), "correlation_id": ""} for answer in (absent, null)]
    assert (null.status_code, said[1]) == (absent.status_code, said[0])
    assert null.status_code != 422
