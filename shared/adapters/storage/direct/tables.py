"""One table over HTTP."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from shared.adapters.storage.calls import Operation, Row
from shared.adapters.storage.direct.batches import CONTENT_TYPE, batch_body, etags_of
from shared.adapters.storage.direct.entities import row_of
from shared.adapters.storage.direct.exchange import Answer, Request, Sends, Service
from shared.adapters.storage.direct.paths import entity_path
from shared.adapters.storage.direct.writes import ODATA, write_of

_NEXT: Final = ("NextPartitionKey", "NextRowKey")

Query = tuple[tuple[str, str], ...]


class DirectTable:
    """Implements `calls.TableCalls`."""

    def __init__(self, sender: Sends, name: str) -> None:
        self._sender = sender
        self._name = name

    def get(self, partition: str, key: str, select: Sequence[str]) -> Row:
        answer = self._read(entity_path(self._name, partition, key), _selected(select))
        return row_of(json.loads(answer.body), answer.headers.get("ETag", ""))

    def rows(self, condition: str, select: Sequence[str], page: int) -> Iterator[Row]:
        query: Query = (("$filter", condition), ("$top", str(page)), *_selected(select))
        token: Query | None = ()
        while token is not None:
            answer = self._read(f"/{self._name}()", query + token)
            yield from map(row_of, json.loads(answer.body)["value"])
            token = _continuation(answer)

    def submit(self, operation: Operation) -> str:
        write = write_of(self._name, operation)
        answer = self._sender.send(
            Request(
                Service.TABLE,
                self._name,
                write.method,
                write.path,
                headers=write.headers,
                body=write.body,
                repeatable=write.repeatable,
            )
        )
        return "" if operation.verb == "delete" else answer.headers.get("ETag", "")

    def transact(self, operations: Sequence[Operation]) -> list[str]:
        writes = [write_of(self._name, operation) for operation in operations]
        answer = self._sender.send(
            Request(
                Service.TABLE,
                self._name,
                "POST",
                "/$batch",
                headers={**ODATA, "Content-Type": CONTENT_TYPE},
                body=batch_body(self._sender.address(Service.TABLE), writes),
                repeatable=False,
            )
        )
        return etags_of(self._name, answer, len(operations))

    def _read(self, path: str, query: Query) -> Answer:
        return self._sender.send(Request(Service.TABLE, self._name, "GET", path, query, ODATA))


def _selected(select: Sequence[str]) -> Query:
    return (("$select", ",".join(select)),) if select else ()


def _continuation(answer: Answer) -> Query | None:
    """What asks for the next page: a page may be empty and yet not the last."""
    found = [(name, answer.headers.get(f"x-ms-continuation-{name}", "")) for name in _NEXT]
    given = tuple((name, value) for name, value in found if value)
    return given or None
