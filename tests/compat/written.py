"""All that a version writes, as fixtures, one JSON value a line: bytes are base64, times ISO 8601, with their types."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_type_hints

from shared.adapters.secrets.sealing import Sealer
from shared.domain import names
from shared.domain.campaigns import unsubscribing
from shared.domain.commands.envelope import Command
from shared.domain.commands.families import COMMANDS
from shared.domain.connections.connections import link_state
from shared.domain.connections.subscriptions import client_state
from shared.domain.filing.entries import encode_cursor, entry_id
from shared.domain.mail.codes import issue
from shared.domain.mail.items import ItemRef
from shared.domain.sending import marks
from tests.builders import CODE_KEYS, HASH_KEY, KEY, MAILBOX_ID, NOW, TENANT
from tests.compat.store import TOKEN, TOKEN_KEYS

FOLDER: Final = Path(__file__).resolve().parent
ROWS: Final = "rows.jsonl"
BLOBS: Final = "blobs.jsonl"
COMMANDS_FILE: Final = "commands.jsonl"
TEXTS: Final = "texts.json"
DESCRIPTION: Final = "openapi.json"
PUBLIC_URL: Final = "https://postledger.example"
WAY_OUT: Final = unsubscribing.WayOut(TENANT, "0a" * 16, "0b" * 16)
NUMBER: Final = 123_456
_ITEM: Final = ItemRef("inbox", "AAk/+==")
_CELLS: Final = {bool: "Edm.Boolean", int: "Edm.Int32", str: "Edm.String", bytes: "Edm.Binary"}


def rows_of(storage: Any) -> Iterator[dict[str, Any]]:
    """Every row: its table, and each column with its type and value."""
    for table in names.TABLES:
        for row in storage.connection.table(table).list_entities():
            yield {"table": table, "columns": {name: _cell(value) for name, value in row.items()}}


def blobs_of(storage: Any) -> Iterator[dict[str, str]]:
    for container in names.CONTAINERS:
        client = storage.connection.container(container)
        for name in client.list_blob_names():
            content = base64.b64encode(client.download_blob(name).readall()).decode()
            yield {"container": container, "name": name, "content": content}


def commands() -> Iterator[str]:
    """One of each kind with every member set, as its queue carries it."""
    for kind in COMMANDS:
        yield _sample(kind).to_json()


def texts() -> dict[str, str]:
    """Seals, links and what else of ours others keep: each is to be read for as long as they may keep it."""
    return {
        "seal": Sealer(TOKEN_KEYS).seal(TOKEN, "row"),
        "seal_of_the_older_key": Sealer(TOKEN_KEYS[1:]).seal(TOKEN, "row"),
        "way_out": unsubscribing.signed(WAY_OUT, HASH_KEY),
        "code": issue(NUMBER, CODE_KEYS, TENANT).text,
        "code_of_the_older_key": issue(NUMBER, CODE_KEYS[1:], TENANT).text,
        "cursor": encode_cursor(entry_id(NOW, KEY)),
        "client_state": client_state(MAILBOX_ID, "s" * 43),
        "link_state": link_state(TENANT, "s" * 43),
        "message_id": marks.message_id_of("0c" * 16, "contoso.example"),
    }


def cell_value(cell: Mapping[str, Any]) -> Any:
    """The value behind a column of a fixture."""
    kind, value = cell["type"], cell["value"]
    if kind == "Edm.Binary":
        return base64.b64decode(value)
    return datetime.fromisoformat(value) if kind == "Edm.DateTime" else value


def read_lines(folder: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def _cell(value: Any) -> dict[str, Any]:
    if isinstance(value, datetime):
        return {
            "type": "Edm.DateTime",
            "value": datetime.fromtimestamp(value.timestamp(), NOW.tzinfo).isoformat(),
        }
    kind = _CELLS[type(value)]
    return {"type": kind, "value": base64.b64encode(value).decode() if kind == "Edm.Binary" else value}


def _sample(kind: type[Command]) -> Command:
    hints = get_type_hints(kind)
    return kind(**{field.name: _value(kind, field.name, hints[field.name]) for field in fields(kind)})


def _value(kind: type[Command], name: str, hint: Any) -> Any:
    if name in kind.times:
        return NOW
    if name == "items":
        return (_ITEM, ItemRef("", "b"))
    samples = {str: name, int: 3, bool: True}
    return samples.get(hint, (name,))
