"""What clients say in which their organisation differs: the settings of the client whose mail it is."""

from collections.abc import Iterable
from typing import Final, Literal

from shared.domain.records.records import Record, RecordRef

Flag = Literal["hide_email_chain", "file_thread"]
_CLIENT: Final = "client"


def client_of_record(record: Record) -> RecordRef | None:
    """The client that a record belongs to: a client is its own."""
    if record.ref.kind == _CLIENT:
        return record.ref
    return RecordRef(_CLIENT, record.client) if record.client else None


def agreed(clients: Iterable[Record], flag: Flag) -> bool | None:
    """What those of the clients say who say anything; None where none does, or two contradict each other."""
    said = {getattr(client.overrides, flag) for client in clients} - {None}
    return said.pop() if len(said) == 1 else None
