"""Graph's refusals as errors of this service: the one place that knows Graph's status and error codes.

Messages never carry what Graph said: its sentences may name addresses.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from shared.domain.errors import (
    AccessDenied,
    CursorExpired,
    MailboxUnavailable,
    NotFound,
    PostledgerError,
    Rejected,
    Throttled,
    TransientError,
    Unavailable,
)


class ServerError(Unavailable):
    """500 or 504: Graph broke over this request, or had too much to do for it; a smaller one may pass."""


class Broken(ServerError):
    """500: Graph broke over this request, or over an item that it is about."""


class NotTaken(Rejected):
    """400 or 501: Graph does not take the request as it was put, perhaps because of a part that is optional."""


class AlreadyExists(Rejected):
    """409: the same thing exists under another id."""


_THROTTLING: Final = (429, 509)
# 412: somebody changed the item since it was read, or Exchange did; it is read again.
_TRY_LATER: Final = (408, 412, *_THROTTLING)
_NOT_IMPLEMENTED: Final = 501
_QUOTA_EXCEEDED: Final = 507

# Codes are compared in lower case: documentation and wire differ in it.
_SYNC_STATE: Final = frozenset(
    ("syncstatenotfound", "syncstateinvalid", "resyncrequired", "invalidsyncstatedata")
)
_NO_MAILBOX: Final = frozenset(
    ("mailboxnotenabledforrestapi", "errormailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi")
)
# The id was wrong, whatever else was asked for.
_MALFORMED_ID: Final = "errorinvalididmalformed"
# What the mailbox's own server says of a subscription stands in the message of an ExtensionError.
_EXTENSION: Final = "extensionerror"
_INNER_STATUS: Final = re.compile(r"status code:\s*(\w+)", re.IGNORECASE)
_STATUSES: Final = {status.name.replace("_", "").casefold(): status.value for status in HTTPStatus}
_NO_REST: Final = "rest api is not yet supported for this mailbox"
_STALE: Final = "mailbox info is stale"
# Graph calls our endpoint while it creates a subscription; that it did not answer in time may pass.
_HANDSHAKE: Final = "subscription validation request"


def translate(status: int, headers: Mapping[str, str], body: object) -> PostledgerError:
    """The error that an answer other than 2xx stands for, whether it came alone or inside a $batch."""
    codes, message = _envelope(body)
    # The innermost code says most; some envelopes repeat the status as a code.
    code = next((code for code in reversed(codes) if not code.isdigit()), str(status))
    known = {code.casefold() for code in codes}
    said = message.casefold()
    if _EXTENSION in known:
        status = _inner_status(said) or status
    passing = _passing(status, code, said, retry_after(headers.get("Retry-After")))
    if passing is not None:
        return passing
    if status == 410 or known & _SYNC_STATE:
        return CursorExpired("Microsoft Graph no longer knows this sync state.", code)
    if known & _NO_MAILBOX or _NO_REST in said:
        return MailboxUnavailable(
            "There is no mailbox in Exchange Online behind this address: it may be unlicensed, "
            "on-premises or deleted. Check the user's licence.",
            code,
        )
    return _refusal(status, code)


def _inner_status(said: str) -> int | None:
    """`[Status Code: Forbidden; Reason: ...]`, as a number."""
    found = _INNER_STATUS.search(said)
    return _STATUSES.get(found[1]) if found else None


def _passing(status: int, code: str, said: str, wait: float | None) -> TransientError | None:
    """The error where trying again helps, as the words or the status say."""
    if _STALE in said:
        return Unavailable("Microsoft Graph is still looking for the mailbox's server.")
    if status == 400 and _HANDSHAKE in said:
        return Unavailable("Microsoft Graph got no answer from the notification URL.")
    return _transient(status, code, wait) if _passes(status) else None


def _passes(status: int) -> bool:
    # A full mailbox answers 507 until somebody makes room in it, so trying again does not help.
    return status in _TRY_LATER or (status >= 500 and status not in (_NOT_IMPLEMENTED, _QUOTA_EXCEEDED))


def _transient(status: int, code: str, wait: float | None) -> TransientError:
    if status in _THROTTLING or (status == 503 and wait is not None):
        return Throttled(f"Microsoft Graph asks to slow down ({code}).", wait)
    if status in (500, 504):
        kind = Broken if status == 500 else ServerError
        return kind(f"Microsoft Graph failed to answer the request ({status}).", wait)
    return Unavailable(f"Microsoft Graph is unavailable ({status}, {code}).", wait)


def _refusal(status: int, code: str) -> PostledgerError:
    if status == 401:
        return AccessDenied("Microsoft Graph does not accept this application's token.", code)
    if status == 403:
        return AccessDenied(
            "Microsoft Graph denies access: the application has no consent, or the mailbox is outside the "
            "scope granted to it. Grant it and allow up to two hours for the change to work.",
            code,
        )
    if status in (404, 405):  # 405: it exists but has no such content, as `$value` of a linked file
        return NotFound("Microsoft Graph has no such thing: it was moved, deleted or never there.", code)
    if status == 409:
        return AlreadyExists("Microsoft Graph has the same thing already.", code)
    is_about_the_request = status in (400, _NOT_IMPLEMENTED) and code.casefold() != _MALFORMED_ID
    kind = NotTaken if is_about_the_request else Rejected
    return kind(f"Microsoft Graph refuses the request ({status}, {code}).", code)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait by a Retry-After header: a number, even a fraction, or an HTTP date (RFC 9110 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until(value, now or datetime.now(UTC))
    return max(seconds, 0.0) if seconds < float("inf") else None


def _until(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def _envelope(body: object) -> tuple[list[str], str]:
    """Every code in the error envelope, outermost first, and the outer message."""
    error = body.get("error") if isinstance(body, dict) else None
    message = str(error.get("message") or "") if isinstance(error, dict) else ""
    codes: list[str] = []
    while isinstance(error, dict):
        code = error.get("code")
        if isinstance(code, str) and code:
            codes.append(code)
        error = error.get("innerError") or error.get("innererror")
    return codes, message
