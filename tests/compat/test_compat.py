"""Every version that has fixtures is read by this one, and keeps the hashes that it was written with.

Red, and the version is not released? `python -m tests.compat.make` writes its fixtures anew.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from dev.description import description
from dev.package import version as current_version
from shared.adapters.secrets.sealing import Sealer
from shared.adapters.storage.calls import StoredRow
from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.encoding import CONTENT, unpacked
from shared.adapters.storage.stores.message_rows import DOCUMENT, to_document, to_message
from shared.domain import names
from shared.domain.campaigns import unsubscribing
from shared.domain.commands.families import read_command
from shared.domain.connections.connections import tenant_of
from shared.domain.connections.mailbox_state import MailboxState
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.subscriptions import mailbox_of
from shared.domain.filing.entries import decode_cursor, entry_id
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.codes import find
from shared.domain.records.records import Record
from shared.domain.sending.marks import mail_id_of
from tests.builders import CODE_KEYS, HASH_KEY, KEY, MAILBOX_ID, NOW, TENANT
from tests.compat.description import shrunk
from tests.compat.kinds import COUNTER, SIGNATURE, kind_of, name_of
from tests.compat.released import FOLDER, HASHES, hashes, released, versions
from tests.compat.store import TOKEN, TOKEN_KEYS, filled
from tests.compat.written import (
    BLOBS,
    COMMANDS_FILE,
    DESCRIPTION,
    NUMBER,
    PUBLIC_URL,
    ROWS,
    TEXTS,
    WAY_OUT,
    cell_value,
    read_lines,
    rows_of,
)

VERSIONS = pytest.mark.parametrize("version", versions())
ANEW = "run python -m tests.compat.make while this version is not released"


def stored(line: Mapping[str, Any]) -> StoredRow:
    return StoredRow({name: cell_value(cell) for name, cell in line["columns"].items()}, "etag")


def rows_in(version: str) -> list[tuple[str, StoredRow]]:
    return [(line["table"], stored(line)) for line in read_lines(FOLDER / version, ROWS)]


def read(table: str, row: StoredRow) -> tuple[Any, Any]:
    """A row's content as it lies there, and as this version writes what it has read of it."""
    plain, kind = unpacked(row), kind_of(table, row)
    if kind in (COUNTER, SIGNATURE):
        return plain, plain
    if kind is StoredMessage:
        return plain, to_plain(to_message(row))
    if kind is Record:
        return plain["record"], to_plain(from_plain(Record, plain["record"]))
    if kind is Mailbox:
        return plain, to_plain(from_plain(Mailbox, plain, state=MailboxState()))
    return plain, to_plain(from_plain(kind, plain))


def is_within(old: Any, new: Any) -> bool:
    """Whether every member is still there with its value; objects within objects may have gained some."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and is_within(value, new[name]) for name, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(is_within, old, new))
    return bool(old == new)


def members_of(value: Any, place: str = "") -> dict[str, set[str]]:
    """The types at each place of a JSON value; of lists, those of any item. Null says nothing."""
    found: dict[str, set[str]] = {}
    if isinstance(value, dict):
        for name, item in value.items():
            for inner, types in members_of(item, f"{place}.{name}").items():
                found.setdefault(inner, set()).update(types)
    elif isinstance(value, list):
        for item in value:
            for inner, types in members_of(item, f"{place}[]").items():
                found.setdefault(inner, set()).update(types)
    elif value is not None:
        found[place] = {type(value).__name__}
    return found


def shapes_of(lines: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The types of each column of a table, and of each member of what its rows hold."""
    shapes: dict[str, set[str]] = {}
    for line in lines:
        row = stored(line)
        for name, cell in line["columns"].items():
            shapes.setdefault(f"{line['table']}.{name}", set()).add(cell["type"])
        if CONTENT in row:
            kind = kind_of(line["table"], row)
            members = {} if kind == COUNTER else members_of(unpacked(row))
            for place, types in members.items():
                shapes.setdefault(f"{name_of(kind)}{place}", set()).update(types)
    return shapes


def broken(old: Mapping[str, set[str]], new: Mapping[str, set[str]]) -> list[str]:
    """What is no longer written, or as something else."""
    gone = [f"{place} is gone" for place in old if place not in new]
    retyped = [
        f"{place} was {sorted(types)}, and is {sorted(new[place])}"
        for place, types in old.items()
        if place in new and not types & new[place]
    ]
    return [*gone, *retyped]


def test_every_released_version_has_fixtures() -> None:
    assert set(released()) <= set(versions())
    assert current_version() in versions(), ANEW


def test_fixtures_are_as_they_were_written() -> None:
    assert hashes() == json.loads(HASHES.read_text("utf-8"))


@VERSIONS
def test_no_member_of_a_row_is_lost_or_read_as_something_else(version: str) -> None:
    seen = set()
    for table, row in rows_in(version):
        if CONTENT in row:
            plain, again = read(table, row)
            assert is_within(plain, again), (table, row["RowKey"])
            seen.add(name_of(kind_of(table, row)))
        if row.get(DOCUMENT):
            assert to_document(row[DOCUMENT]).text is not None
    assert len(seen) >= 26


@VERSIONS
def test_large_documents_are_read(version: str) -> None:
    bodies = [line for line in read_lines(FOLDER / version, BLOBS) if line["container"] == names.BODIES]
    assert bodies
    for line in bodies:
        content = cell_value({"type": "Edm.Binary", "value": line["content"]})
        assert len(to_document(content).text) > 100_000


@VERSIONS
def test_commands_are_read_with_every_member(version: str) -> None:
    lines = read_lines(FOLDER / version, COMMANDS_FILE)
    for text in lines:
        plain = json.loads(text)
        again = json.loads(read_command(text).to_json())
        assert is_within(plain, again)
    assert len({json.loads(text)["command"] for text in lines}) == len(lines) >= 21


@VERSIONS
def test_seals_links_codes_and_cursors_are_read(version: str) -> None:
    texts = json.loads((FOLDER / version / TEXTS).read_text("utf-8"))
    assert Sealer(TOKEN_KEYS).open(texts["seal"], "row") == TOKEN
    assert Sealer(TOKEN_KEYS).open(texts["seal_of_the_older_key"], "row") == TOKEN
    assert unsubscribing.read(texts["way_out"], HASH_KEY) == WAY_OUT
    for name in ("code", "code_of_the_older_key"):
        assert [code.number for code in find(f"Re: [{texts[name]}]", CODE_KEYS, TENANT).codes] == [NUMBER]
    assert decode_cursor(texts["cursor"]) == entry_id(NOW, KEY)
    assert mailbox_of(texts["client_state"]) == MAILBOX_ID
    assert tenant_of(texts["link_state"]) == TENANT
    assert mail_id_of(texts["message_id"]) in ("", "0c" * 16)


@VERSIONS
def test_the_api_has_only_grown(version: str) -> None:
    old = json.loads((FOLDER / version / DESCRIPTION).read_text("utf-8"))
    assert list(shrunk(old, description(PUBLIC_URL))) == [], ANEW


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda api: api["paths"].pop("/me"), "/paths//me is gone"),
        (
            lambda api: api["components"]["schemas"]["Problem"]["properties"].pop("detail"),
            "/components/schemas/Problem/properties/detail is gone",
        ),
        (
            lambda api: api["components"]["schemas"]["Problem"]["properties"]["status"].update(type="string"),
            "/components/schemas/Problem/properties/status: type was integer, and is string",
        ),
    ],
)
def test_an_api_that_shrinks_is_found(change: Any, line: str) -> None:
    now = description(PUBLIC_URL)
    planted = copy.deepcopy(now)
    change(planted)
    assert line in list(shrunk(now, planted))
    assert list(shrunk(now, now)) == []


@pytest.mark.stack
def test_what_is_written_today_has_the_shapes_of_every_version(own_azurite: str) -> None:
    shapes = shapes_of(list(rows_of(filled(own_azurite).storage)))
    for version in versions():
        old = shapes_of(read_lines(FOLDER / version, ROWS))
        assert broken(old, shapes) == [], (version, ANEW)


def test_a_retyped_column_and_a_renamed_member_are_found() -> None:
    [line, *_] = [
        line
        for line in read_lines(FOLDER / current_version(), ROWS)
        if line["table"] == names.TIMELINE and CONTENT in line["columns"]
    ]
    old = shapes_of([line])
    retyped = copy.deepcopy(line)
    retyped["columns"]["has_attachments"] = {"type": "Edm.String", "value": "no"}
    assert broken(old, shapes_of([retyped])) == [
        "Timeline.has_attachments was ['Edm.Boolean'], and is ['Edm.String']"
    ]
    renamed = {("Entry.topic" if place == "Entry.subject" else place): old[place] for place in old}
    assert broken(old, renamed) == ["Entry.subject is gone"]


def test_a_renamed_member_is_lost_on_the_way() -> None:
    """Planted: the fixture of a version that had another name for the subject."""
    [(table, row), *_] = [
        pair for pair in rows_in(current_version()) if pair[0] == names.TIMELINE and CONTENT in pair[1]
    ]
    plain, again = read(table, row)
    plain = {**plain, "topic": plain.pop("subject")}
    assert not is_within(plain, again)
