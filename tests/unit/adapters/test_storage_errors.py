"""Azure's errors become ours."""

from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.adapters.storage.errors import translated
from shared.domain.errors import Conflict, NotFound, Rejected, Throttled, Unavailable

CASES = [
    (404, "ResourceNotFound", NotFound),
    (404, "EntityNotFound", NotFound),
    (404, "BlobNotFound", NotFound),
    (404, "TableNotFound", Unavailable),
    (404, "QueueNotFound", Unavailable),
    (404, "ContainerNotFound", Unavailable),
    (409, "EntityAlreadyExists", Conflict),
    (409, "LeaseAlreadyPresent", Conflict),
    (409, "TableBeingDeleted", Unavailable),
    (412, "UpdateConditionNotSatisfied", Conflict),
    (400, "InvalidInput", Rejected),
    (413, "RequestBodyTooLarge", Rejected),
    (403, "AuthorizationPermissionMismatch", Unavailable),
    (401, "NoAuthenticationInformation", Unavailable),
    (408, "", Unavailable),
    (429, "", Throttled),
    (500, "OperationTimedOut", Unavailable),
    (502, "", Unavailable),
    (503, "ServerBusy", Throttled),
]


def an_answer(status, code, **headers):
    response = SimpleNamespace(status_code=status, reason="", headers=headers)
    kind = ClientAuthenticationError if status in (401, 403) else HttpResponseError
    error = kind("carries a secret@contoso.example", response=response)
    error.error_code = code
    return error


@pytest.mark.parametrize(("status", "code", "expected"), CASES)
def test_answers(status, code, expected):
    with pytest.raises(expected) as caught, translated("Messages"):
        raise an_answer(status, code)
    assert type(caught.value) is expected
    assert "Messages" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [ServiceRequestError("x"), ServiceResponseError("x"), IncompleteReadError("x"), AzureError("x")]
)
def test_no_answer_is_unavailable(error):
    with pytest.raises(Unavailable, match="no answer"), translated("Messages"):
        raise error


def test_retry_after_is_handed_on():
    with pytest.raises(Throttled) as caught, translated("Messages"):
        raise an_answer(503, "ServerBusy", **{"Retry-After": "7"})
    assert caught.value.retry_after == 7


def test_everything_else_passes():
    with pytest.raises(ValueError, match="a bug"), translated("Messages"):
        raise ValueError("a bug")
    with pytest.raises(Conflict, match="mine"), translated("Messages"):
        raise Conflict("mine")
