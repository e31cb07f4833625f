"""Sends requests: dates and authorizes them, tries again where that helps, and turns refusals into our errors.

A lost answer is asked for again only where the request is repeatable: all but inserts and transactions are. A write
under an ETag may then meet its own write and raise Conflict. Its caller reads and compares, as with any other Conflict.
"""

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from shared.adapters.storage.direct.account import Account
from shared.adapters.storage.direct.exchange import Answer, Patience, Request, Service
from shared.adapters.storage.direct.wire import NoAnswerError, Parcel
from shared.adapters.storage.errors import failure, seconds
from shared.domain.errors import Unavailable
from shared.telemetry.user_agent import user_agent

# The first version in which tables take tokens of Entra ID; blobs and queues know it too.
VERSION: Final = "2020-12-06"
# Azure's packages retry the same ones. After a 500, an insert may so meet its own row and raise Conflict.
PASSING: Final = frozenset([408, 429, 500, 502, 503, 504])
# A longer wait is the queue's business, not a worker's. Seconds.
LONGEST_WAIT: Final = 5.0
_BACKOFF: Final = 0.4
_CODE: Final = re.compile(rb'"code"\s*:\s*"(\w+)"|<Code>(\w+)</Code>')

Listener = Callable[[str, int], None]


class Authority(Protocol):
    """Says who asks."""

    def authorization(self, request: Request, path: str, headers: Mapping[str, str]) -> str:
        """The header `Authorization`. `path` is the whole one, as it is sent."""
        ...

    def renewed(self) -> bool:
        """Whether a request that was refused with 401 is worth sending once more."""
        ...


class Exchanges(Protocol):
    """Implemented by `wire.Wire`."""

    def exchange(self, origin: str, parcel: Parcel, patience: Patience) -> Answer: ...


class Sender:
    """Implements `exchange.Sends`. Listeners hear method and status of every answer. Threads may share it."""

    def __init__(
        self,
        account: Account,
        authority: Authority,
        wire: Exchanges,
        *,
        patience: Patience,
        listeners: Sequence[Listener] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account = account
        self._authority = authority
        self._wire = wire
        self._patience = patience
        self._listeners = listeners
        self._sleep = sleep

    def address(self, service: Service) -> str:
        return self._account.address(service)

    def send(self, request: Request, patience: Patience | None = None) -> Answer:
        """Raises the domain's errors for a refusal, and Unavailable without an answer."""
        answer = self._persistently(request, patience or self._patience)
        # Storage never redirects. Something between that does has not carried out the request.
        if answer.status >= 300:
            code, retry_after = code_of(answer), answer.headers.get("Retry-After", "")
            raise failure(request.what, answer.status, code, retry_after)
        return answer

    def _persistently(self, request: Request, patience: Patience) -> Answer:
        for number in range(patience.retries):
            wait = delay(number)
            try:
                answer = self._once(request, patience)
            except NoAnswerError as error:
                if error.was_sent and not request.repeatable:
                    raise _unanswered(request, error) from error
            else:
                wait = seconds(answer.headers.get("Retry-After", "")) or wait
                if answer.status not in PASSING or wait > LONGEST_WAIT:
                    return answer
            self._sleep(wait)
        try:
            return self._once(request, patience)
        except NoAnswerError as error:
            raise _unanswered(request, error) from error

    def _once(self, request: Request, patience: Patience) -> Answer:
        answer = self._exchange(request, patience)
        if answer.status == 401 and self._authority.renewed():
            return self._exchange(request, patience)
        return answer

    def _exchange(self, request: Request, patience: Patience) -> Answer:
        place = urlsplit(self._account.address(request.service))
        path = place.path + request.path
        headers = {
            "x-ms-date": formatdate(usegmt=True),
            "x-ms-version": VERSION,
            "User-Agent": user_agent(),
            **request.headers,
        }
        headers["Authorization"] = self._authority.authorization(request, path, headers)
        parcel = Parcel(request.method, path + _query(request), headers, request.body)
        answer = self._wire.exchange(f"{place.scheme}://{place.netloc}", parcel, patience)
        for hear in self._listeners:
            hear(request.method, answer.status)
        return answer


def delay(number: int) -> float:
    """Seconds before try number + 2: the first repeats at once, for a connection that had gone stale."""
    if number == 0:
        return 0.0
    return min(_BACKOFF * 2.0**number, LONGEST_WAIT) * random.uniform(0.75, 1.0)


def code_of(answer: Answer) -> str:
    """The service's own error code, from its header or its JSON or XML; '' where it sent none."""
    code = answer.headers.get("x-ms-error-code", "")
    found = None if code else _CODE.search(answer.body)
    return (found[1] or found[2]).decode() if found else code


def _query(request: Request) -> str:
    if not request.query:
        return ""
    return "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in request.query)


def _unanswered(request: Request, error: NoAnswerError) -> Unavailable:
    return Unavailable(f"{request.what}: no answer ({error})")
