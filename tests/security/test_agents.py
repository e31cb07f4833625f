"""Roles, organisations and agents against every route: who reads or changes what is another one's.

The routes are those that the API describes: a new one is tried with everybody, and fails here while nothing is known
of its parameters.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.builders import AGENT, TENANT
from tests.security import served
from tests.security.house import (
    ANN_ID,
    BEN,
    BLIND,
    WAITING,
    WORDS,
    Attacker,
    House,
    a_house,
    body_of,
    callers,
    operations,
    paths_of,
)
from tests.unit.api.tokens import Issuer

NAMES = tuple(callers(Issuer()))
# Further questions to a route; each may make it look at something else.
QUERIES: dict[str, list[str]] = {
    "get_timeline": ["", "?q=waitingbody", "?agent=agent@contoso.example", "?order=oldest&limit=1"],
    "get_message": ["", "?chain=whole&remote_images=true", "?record=contact/C-9"],
    "get_inbox": ["", f"?mailbox={AGENT}", f"?mailbox={BEN}"],
    "list_records": ["", "?q=hidden@adatum.example", "?origin=postledger&since=2020-01-01", "?kind=contact"],
    "explain": [
        f"?internet_message_id={name}@house.example" for name in ("filed", "waiting", "blind", "private")
    ],
    "list_mailboxes": ["", f"?q={AGENT}"],
    "list_exceptions": ["", "?waiting=true"],
}
# What an admin does to the whole organisation on purpose; each is audited and has tests of its own.
WHOLE = {"delete_organisation", "delete_mailbox", "erase_person", "disconnect", "put_organisation"}
MAY_END = {
    "Ann, who is an admin",
    "Ben, who is an admin",
    "an admin without a mailbox",
    "a program with every role",
    "the operator",
}
# Stands for the caller's own address.
ME = "me"
# Bodies that ask for more than an example does.
BODIES: dict[str, list[dict[str, Any]]] = {
    "link_message": [{"kind": "contact", "id": "C-1"}],
    "unlink_message": [{"kind": "contact", "id": "C-1"}, {"kind": "contact", "id": "C-9"}],
    "link_inbox_item": [{"records": [{"kind": "contact", "id": "C-1"}], "whole_thread": True}],
    "put_mailbox": [{"agent": ME}, {"agent": ME, "kind": "personal", "capture": "everything"}],
    "preview_mailbox": [{"kind": "personal", "agent": ME}, {"agent": ME}, {}],
}


@pytest.fixture
def house(issuer: Issuer) -> House:
    return a_house(issuer)


def requests(house: House, *methods: str, leave_out: frozenset[str] = frozenset()) -> Iterator[Any]:
    """(operation, method, path, body) of everything that can be asked with these methods."""
    document = served.document()
    for name, method, template, operation in operations(document):
        if method not in methods or name in leave_out:
            continue
        bodies = BODIES.get(name, [body_of(document, operation)])
        paths = paths_of(template, house.places)
        for path, query, body in product(paths, QUERIES.get(name, [""]), bodies):
            yield name, method, path + query, body


def leaks(answer: Any, attacker: Attacker) -> set[str]:
    """The words in an answer that this caller may not read."""
    return words_in(answer) - attacker.may_read


def words_in(answer: Any) -> set[str]:
    said = f"{answer.headers} {answer.content.decode('latin-1')}".casefold()
    return {word for word in WORDS if word.casefold() in said}


@pytest.mark.parametrize("name", NAMES)
def test_everybody_reads_the_own_and_nothing_else(house: House, issuer: Issuer, name: str) -> None:
    attacker, seen = callers(issuer)[name], set[str]()
    for operation, method, path, _ in requests(house, "GET"):
        answer = house.send(attacker, method, path)
        assert answer.status_code < 500, (path, answer.text)
        assert not leaks(answer, attacker), (operation, path, answer.text)
        seen |= words_in(answer)
    assert seen == attacker.may_read, "all that this caller may read was asked for"


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("Ann")])
def test_nothing_that_another_caller_does_opens_or_changes_what_is_ann_s(
    house: House, issuer: Issuer, name: str
) -> None:
    attacker, ann = callers(issuer)[name], callers(issuer)["Ann"]
    before = own(house)
    for operation, method, path, body in requests(house, "POST", "PUT", "DELETE", leave_out=frozenset(WHOLE)):
        answer = house.send(attacker, method, path, **with_body(body, attacker))
        assert answer.status_code != 500, (operation, path, answer.text)
        assert not leaks(answer, attacker), (operation, path, answer.text)
    assert own(house) == before
    for _, method, path, _ in requests(house, "GET"):
        assert not leaks(house.send(attacker, method, path), attacker), path
    seen = {word for path in private_paths(house) for word in words_in(house.send(ann, "GET", path))}
    assert seen >= WAITING | BLIND, "Ann reads it as before"


def with_body(body: Any, attacker: Attacker) -> dict[str, Any]:
    if body is None:
        return {}
    is_me = isinstance(body, dict) and body.get("agent") == ME
    return {"json": {**body, "agent": attacker.address} if is_me else body}


def own(house: House) -> Any:
    """What is stored of the mails that are Ann's alone, and who her mailbox's agent is."""
    rows = house.world.storage.messages.rows
    mails = {name: rows.get((TENANT, house.mails[name])) for name in ("Waiting", "Blind")}
    mailbox = house.world.storage.mailboxes.by_id(TENANT, house.world.mailbox.mailbox_id)
    assert all(mails.values())
    notices = house.world.storage.notices.of(TENANT, ANN_ID)
    assert notices
    return repr(mails), mailbox.agent, mailbox.agent_id, notices


def private_paths(house: House) -> list[str]:
    keys = (house.mails["Waiting"], house.mails["Blind"])
    files = [f"messages/{key}/attachments/0" for key in keys]
    return ["inbox", *(f"messages/{key}" for key in keys), *files]


@pytest.mark.parametrize("name", sorted(set(NAMES) - MAY_END))
def test_nobody_but_its_admins_and_the_operator_takes_a_whole_organisation_apart(
    house: House, issuer: Issuer, name: str
) -> None:
    attacker = callers(issuer)[name]
    stored, before = house.world.storage.organisations.rows[TENANT], addresses(house)
    for operation, method, path, body in requests(house, "POST", "PUT", "DELETE"):
        if operation in WHOLE:
            named = f"{path}?confirm={TENANT}" if operation == "delete_organisation" else path
            house.send(attacker, method, named, **with_body(body, attacker))
    assert house.world.storage.organisations.rows[TENANT] == stored
    assert addresses(house) == before


def addresses(house: House) -> set[tuple[str, str]]:
    return {(TENANT, row.address) for row in house.world.storage.mailboxes.of(TENANT)}
