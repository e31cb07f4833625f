"""Ports as they are, of which each write by this process drops what is remembered of the rows that it changes."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from shared.services.remembering.memories import Memories

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.ports.record import Ports

# By port and method, as `ports.Ports` and the protocols name them; what drops takes the method's own arguments.
DROPPED_BY: Final[Mapping[str, Mapping[str, Callable[..., None]]]] = {
    "organisations": {"put": Memories.forget_organisation},
    "folder_states": {"put": Memories.forget_folders, "forget": Memories.forget_folders},
    "records": {
        "put_many": Memories.forget_records,
        "write": Memories.forget_records,
        "delete": Memories.forget_record,
    },
    "index": {
        "teach": Memories.forget_address,
        "unteach": Memories.forget_address,
        "put_staff": Memories.forget_staff,
        "drop_staff": Memories.forget_staff,
    },
}


def heard(ports: Ports, memories: Memories) -> Ports:
    """The same ports; of those that are remembered, writes are heard."""
    record: Any = _Ports(ports, memories)
    same: Ports = record
    return same


class _Ports:
    # No port is touched before it is asked for: the record makes each when it is first needed.
    def __init__(self, ports: Ports, memories: Memories) -> None:
        self._ports = ports
        self._memories = memories

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._ports, name)
        writes = DROPPED_BY.get(name)
        return _Port(port, writes, self._memories) if writes else port


class _Port:
    def __init__(self, port: object, writes: Mapping[str, Callable[..., None]], memories: Memories) -> None:
        self._port = port
        self._writes = writes
        self._memories = memories

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        drop = self._writes.get(name)
        if drop is None:
            return method

        @wraps(method)
        def written(*arguments: Any) -> Any:
            try:
                return method(*arguments)
            finally:
                # Whatever its answer: a write that seems to have failed may have been carried out.
                drop(self._memories, *arguments)

        return written
