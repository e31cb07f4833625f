"""A request to a storage service and its answer, as bytes and headers. Nothing here is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

JSON: Final = "application/json"


class Service(StrEnum):
    """The three services of an account; each has an address of its own."""

    TABLE = "table"
    QUEUE = "queue"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is percent-encoded and begins below the account; `query` is not encoded yet.

    `what` names the place in errors: a table, a queue, a container. A request that is not `repeatable` is not
    sent again once its answer was lost: it may have been carried out.
    """

    service: Service
    what: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a connection and for an answer, and how often to try again."""

    connect: float
    read: float
    retries: int


class Sends(Protocol):
    """What tables, queues and leases need: the answer to a request, or the domain's error."""

    def address(self, service: Service) -> str:
        """Where a service is: scheme, host and, at Azurite, the account as a path."""
        ...

    def send(self, request: Request, patience: Patience | None = None) -> Answer: ...
