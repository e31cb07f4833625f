"""The one translation of Azure's errors into ours. It knows status and error codes, never a request's content.

It imports Azure's package at the first call, like `connection`, so that a start of the app does not pay for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shared.domain.errors import Conflict, NotFound, PostledgerError, Rejected, Throttled, Unavailable

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

# A missing table, queue or container is a missing deployment step, never a missing thing.
_UNPROVISIONED: Final = frozenset(
    ["TableNotFound", "QueueNotFound", "ContainerNotFound", "TableBeingDeleted", "ContainerBeingDeleted"]
)
# ServerBusy is 503: what Azure answers above an account's or a partition's targets.
_TOO_BUSY: Final = (429, 503)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Run storage calls; `what` names the place (a table, a container), not the thing.

    Raises NotFound (404), Conflict (409, 412), Throttled (429, 503), Rejected (400 and other 4xx) and
    Unavailable for everything else: 5xx, time-outs, lost connections, missing tables and refused
    credentials, which are this deployment's own fault and no mail's.
    """
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        raise _from_answer(what, error) from error
    except AzureError as error:
        raise Unavailable(f"{what}: no answer ({type(error).__name__})") from error


def _from_answer(what: str, error: "HttpResponseError") -> PostledgerError:
    headers = getattr(error.response, "headers", None) or {}
    retry_after = str(headers.get("Retry-After") or "")
    # The tables SDK says which operation of a transaction failed.
    return in_transaction(
        what,
        getattr(error, "index", None),
        status=error.status_code or 0,
        code=code_of(error),
        retry_after=retry_after,
    )


def failure(what: str, status: int, code: str, retry_after: str = "") -> PostledgerError:
    """The error behind an answer; status 0 where there was none. `retry_after` is the header's text."""
    message = f"{what}: {status or 'no answer'} {code}".strip()
    if code in _UNPROVISIONED:
        return Unavailable(f"{message}; was the storage account provisioned?")
    if status in _TOO_BUSY:
        return Throttled(message, seconds(retry_after))
    return _lasting(status, message, code) or Unavailable(message)


def _lasting(status: int, message: str, code: str) -> PostledgerError | None:
    if status == 404:
        return NotFound(message, code)
    # 409: it exists already, or another process leases it; 412: its ETag has changed.
    if status in (409, 412):
        return Conflict(message)
    return Rejected(message, code) if _is_refused(status) else None


def _is_refused(status: int) -> bool:
    """Whether the request itself is wrong. 401 and 403 are this deployment's fault, 408 passes."""
    return 400 <= status < 500 and status not in (401, 403, 408)


def code_of(error: "HttpResponseError") -> str:
    """The service's own error code, such as EntityAlreadyExists; empty if it sent none."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def in_transaction(
    what: str, operation: int | None, *, status: int, code: str, retry_after: str = ""
) -> PostledgerError:
    """The same for an operation of a transaction, counted from 0; None where the service does not say which."""
    place = what if operation is None else f"{what}, operation {operation}"
    error = failure(place, status, code, retry_after)
    error.operation = operation
    return error


def seconds(retry_after: str) -> float | None:
    """What a header `Retry-After` asks for; None where it names a date or nothing."""
    return float(retry_after) if retry_after.isdecimal() else None
