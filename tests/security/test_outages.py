"""Storage that fails, operation by operation: every route answers 503 or does without, and none breaks."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shared.domain.errors import Conflict, PostledgerError, Throttled, Unavailable
from tests.fakes.faults import operations as storage_operations
from tests.security.house import Attacker, House, a_house, body_of, callers, operations, paths_of
from tests.security.served import document
from tests.unit.api.tokens import Issuer

PARTS = 4
# The whole of it would go, and nothing would be left to be asked for.
LAST = {"delete_organisation"}


@dataclass(frozen=True)
class Request:
    """One request about what is there."""

    method: str
    path: str
    body: object


def requests(house: House) -> Iterator[Request]:
    """One for each operation of the API."""
    for name, method, template, operation in operations(document()):
        if name not in LAST:
            query = "?internet_message_id=filed@house.example" if name == "explain" else ""
            path = paths_of(template, house.places)[0]
            yield Request(method, path + query, body_of(document(), operation))


@pytest.fixture
def ann(issuer: Issuer) -> Attacker:
    return callers(issuer)["Ann, who is an admin"]


def send(house: House, ann: Attacker, request: Request) -> int:
    """The status of an answer that is none of a bug's, and says nothing of what failed."""
    more = {"json": request.body} if request.body is not None else {}
    answer = house.send(ann, request.method, request.path, **more)
    assert answer.status_code < 500 or answer.status_code == 503, (request, answer.text)
    assert answer.status_code != 503 or answer.headers["retry-after"], request
    assert "down" not in answer.text
    return int(answer.status_code)


def asked_for(house: House, ann: Attacker, request: Request) -> set[str]:
    """The operations of storage that a request leads to."""
    faults = house.world.storage.faults
    faults.clear()
    send(house, ann, request)
    return {*faults.reads, *faults.writes}


@pytest.mark.parametrize("part", range(PARTS))
def test_one_operation_of_storage_that_fails_breaks_no_route(
    issuer: Issuer, ann: Attacker, part: int
) -> None:
    learnt, house = a_house(issuer), a_house(issuer)
    named = house.world.storage.faults.named
    failed = 0
    for request in list(requests(house))[part::PARTS]:
        for name in sorted(asked_for(learnt, ann, request)):
            named[name] = Unavailable("down")
            failed += send(house, ann, request) == 503
            del named[name]
        # The next one meets what this one has changed, in both.
        send(house, ann, request)
    assert failed


@pytest.mark.parametrize("error", [Unavailable("down"), Throttled("down", 7.0), Conflict("down")])
def test_without_any_storage_every_route_is_unavailable(
    issuer: Issuer, ann: Attacker, error: PostledgerError
) -> None:
    house = a_house(issuer)
    for name in storage_operations():
        house.world.storage.faults.named[name] = error
    statuses = {send(house, ann, request) for request in requests(house) if request.path != "health"}
    assert statuses == {503}
