"""What Graph's refusals come to."""

from datetime import UTC, datetime

import pytest

from shared.adapters.graph.errors import AlreadyExists, Broken, NotTaken, ServerError, retry_after, translate
from shared.domain.errors import (
    AccessDenied,
    CursorExpired,
    MailboxUnavailable,
    NotFound,
    PermanentError,
    PostledgerError,
    Rejected,
    Throttled,
    TransientError,
    Unavailable,
)

TABLE = [
    (400, "ErrorInvalidIdMalformed", Rejected),
    (400, "BadRequest", NotTaken),
    (501, "NotImplemented", NotTaken),
    (400, "syncStateNotFound", CursorExpired),
    (401, "InvalidAuthenticationToken", AccessDenied),
    (403, "ErrorAccessDenied", AccessDenied),
    (403, "ErrorMailboxNotEnabledForRESTAPI", MailboxUnavailable),
    (403, "MailboxNotEnabledForRESTAPI", MailboxUnavailable),
    (404, "mailboxNotEnabledForRestApi", MailboxUnavailable),
    (404, "ErrorItemNotFound", NotFound),
    (404, "ResourceNotFound", NotFound),
    (404, "Request_ResourceNotFound", NotFound),
    (405, "ErrorInvalidRequest", NotFound),
    (408, "RequestTimeout", Unavailable),
    (409, "ObjectIdentifierInUse", AlreadyExists),
    (410, "SyncStateNotFound", CursorExpired),
    (410, "", CursorExpired),
    (410, "resyncRequired", CursorExpired),
    (400, "InvalidSyncStateData", CursorExpired),
    (412, "ErrorIrresolvableConflict", Unavailable),
    (413, "ErrorMessageSizeExceeded", Rejected),
    (429, "ApplicationThrottled", Throttled),
    (500, "InternalServerError", Broken),
    (502, "", Unavailable),
    (503, "serviceNotAvailable", Unavailable),
    (504, "UnknownError", ServerError),
    (507, "ErrorQuotaExceeded", Rejected),
    (509, "BandwidthLimitExceeded", Throttled),
]


@pytest.mark.parametrize(("status", "code", "expected"), TABLE)
def test_each_refusal_has_its_error(status: int, code: str, expected: type[PostledgerError]) -> None:
    found = translate(status, {}, {"error": {"code": code, "message": "m"}})
    assert type(found) is expected
    if isinstance(found, PermanentError):
        assert found.code == (code or str(status))


def test_the_innermost_code_is_the_one_reported() -> None:
    inner = {"code": "ErrorItemNotFound", "innererror": {"date": "2026-03-02T08:00:00"}}
    body = {"error": {"code": "generalException", "innerError": inner}}
    found = translate(404, {}, body)
    assert isinstance(found, NotFound)
    assert found.code == "ErrorItemNotFound"


def test_a_number_inside_the_envelope_is_no_code() -> None:
    body = {"error": {"code": "TooManyRequests", "innerError": {"code": "429", "status": "429"}}}
    assert "TooManyRequests" in str(translate(429, {}, body))


def test_a_code_is_found_however_deep_it_stands() -> None:
    body = {"error": {"code": "BadRequest", "innererror": {"code": "resyncChangesApplyDifferences"}}}
    assert type(translate(400, {}, body)) is NotTaken
    body = {"error": {"code": "SYNCSTATENOTFOUND", "innererror": {"code": "somethingElse"}}}
    assert type(translate(400, {}, body)) is CursorExpired


def test_what_graph_says_does_not_get_into_our_message() -> None:
    body = {"error": {"code": "ErrorInvalidUser", "message": "The user 'agent@contoso.example' is invalid."}}
    assert "contoso" not in str(translate(404, {}, body))


@pytest.mark.parametrize("body", [None, [], "text", {"error": "text"}, {"error": {"code": None}}])
def test_an_answer_without_an_envelope_is_told_by_its_status(body: object) -> None:
    found = translate(403, {}, body)
    assert isinstance(found, AccessDenied)
    assert found.code == "403"


def test_a_503_that_names_a_time_is_throttling() -> None:
    found = translate(503, {"Retry-After": "30"}, None)
    assert isinstance(found, Throttled)
    assert found.retry_after == 30


def test_an_endpoint_that_did_not_answer_the_handshake_may_answer_later() -> None:
    message = "Subscription validation request timed out."
    found = translate(400, {}, {"error": {"code": "InvalidRequest", "message": message}})
    assert isinstance(found, TransientError)


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10", 10.0),
        ("2.128", 2.128),
        (" 3 ", 3.0),
        ("-5", 0.0),
        ("Mon, 02 Mar 2026 09:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 09:00:30", 30.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_with_fractions_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def refused(status: int, reason: str) -> PostledgerError:
    """A refused subscription: what the mailbox's server said stands in the message."""
    message = f"Operation: Create; Exception: [{reason}]"
    return translate(status, {}, {"error": {"code": "ExtensionError", "message": message}})


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Status Code: Forbidden; Reason: Access is denied. Check credentials and try again.", AccessDenied),
        ("Status Code: Unauthorized; Reason: ", AccessDenied),
        ("Status Code: NotFound; Reason: Resource not found", NotFound),
        (
            "Status Code: NotFound; Reason: REST API is not yet supported for this mailbox. This error can "
            "occur for sandbox (test) accounts or for accounts that are on a dedicated mail server.",
            MailboxUnavailable,
        ),
        ("Status Code: NotFound; Reason: Mailbox info is stale.", Unavailable),
        ("Status Code: ServiceUnavailable; Reason: ", Unavailable),
        ("Status Code: TooManyRequests; Reason: ", Throttled),
    ],
)
def test_what_the_mailboxs_server_says_of_a_subscription_counts(
    reason: str, expected: type[PostledgerError]
) -> None:
    for status in (400, 403, 404):
        assert type(refused(status, reason)) is expected


def test_an_extension_s_error_without_a_status_is_what_its_own_says() -> None:
    body = {"error": {"code": "ExtensionError", "message": "Subscription expiration can only be 10080 ..."}}
    assert isinstance(translate(400, {}, body), Rejected)
