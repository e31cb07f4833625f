"""Cursors that nobody gave: of another organisation, of another list, cut, changed and made up.

None of them opens another partition, and none is a failure of ours. The lists are those that the API describes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from dev.azurite import start_azurite
from shared.adapters.storage.connection import DIRECT
from shared.domain.campaigns.campaigns import Recipient
from shared.domain.events.events import Change, Event, What
from shared.domain.filing.entries import encode_cursor, inverted
from shared.domain.privacy.audit import AuditRow
from tests.builders import (
    AGENT,
    HOME,
    NOW,
    TENANT,
    a_campaign,
    a_copy,
    a_document,
    a_failure,
    a_mailbox,
    a_notice,
    a_record,
    a_ref,
    a_stored_message,
    a_triaged_message,
    an_entry,
    an_inbox_item,
    an_organisation,
    an_outbox_mail,
)
from tests.contract.conftest import AzureStorage, provision
from tests.fakes import FakePorts
from tests.security import served
from tests.security.house import operations
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import OID, OTHER, Issuer
from tests.unit.api.wiring import Api, Served

THREAD: Final = "a" * 32
SECRET: Final = "Othersecret"
PATHS: Final = {
    "get_timeline": "timelines/contact/C-1",
    "get_thread": f"messages/{0:032x}/thread",
    "list_campaign_recipients": f"campaigns/{0:032x}/recipients",
    "rematch_record": "records/contact/C-1/rematch",
    "preview_mailbox": f"mailboxes/{AGENT}/preview",
}
# Questions under which a list is another one to its cursors.
QUERIES: Final = {
    "get_timeline": ["", "order=oldest&", "q=viewing&", "since=2020-01-01&until=2030-01-01&"],
    "list_records": ["", "kind=contact&", "q=c&", "origin=postledger&since=2020-01-01&"],
    "get_events": ["", "limit=200&"],
}
# Lists of which these organisations have one page only.
SHORT: Final = {"preview_mailbox", "rematch", "rematch_record", "get_events"}
KEYS: Final = (
    *(
        "",
        " ",
        "\n",
        "\n\n",
        "a\nb",
        "a|b",
        "|",
        "/",
        "a/b",
        "contact/",
        "contact/'",
        "client/C-1",
        "}",
        "{",
        "~",
    ),
    *("~v1.", "'", "''", "' or PartitionKey ge '", OTHER, f"{OTHER}|contact", f"{OTHER}|contact\nC-1"),
    *(
        f"{TENANT}|~\n'",
        "\x00",
        "\x7f",
        "\u2028",
        "é",
        "😀",
        "\ufdd0",
        "0",
        "-1",
        "9" * 400,
        "098227558060000",
    ),
    *("000000000000000-", "2026-03-02", "2026-03-02|inbox", "9999-12-31T23:59:59.999999+00:00|x"),
    *("0001-01-01T00:00:00+14:00|x", "../..", "%27"),
)
RAW: Final = (
    *("A", "AA", "AAA", "----", "_", "'", "%00", "é", "a b", "A" * 1_024, "A" * 5_000),
    *("0-", "ffffffffff", "1a-QQ"),
)


@dataclass(frozen=True)
class Lists:
    """The lists of the API over two organisations that have the same things."""

    api: Api
    issuer: Issuer

    def ask(self, tenant: str, name: str, method: str, path: str) -> Any:
        if name == "list_organisations":
            token, headers = self.issuer.app("Operator", tenant=HOME), {"Postledger-Organisation": tenant}
        else:
            token, headers = self.issuer.user("Agent", "Admin", "Service", tenant=tenant), {}
        return self.api.call(method, path, token, headers=headers)

    def all(self) -> Iterator[tuple[str, str, str]]:
        """(operation, method, path up to the cursor's value) of every list under each question."""
        document = served.document()
        for name, method, template, operation in operations(document):
            named = {parameter["name"] for parameter in served.parameters_of(operation)}
            for word in ("cursor", "after"):
                if word in named:
                    path = PATHS.get(name, template)
                    assert "{" not in path, f"say in this test what stands for the parameters of {template}"
                    for query in QUERIES.get(name, [""]):
                        limit = "" if "limit" in query else "limit=1&"
                        yield name, method, f"{path}?{query}{limit}{word}="

    def genuine(self, tenant: str) -> dict[str, str]:
        """The cursor of each list's first page."""
        found = {}
        for name, method, path in self.all():
            answer = self.ask(tenant, name, method, path)
            assert answer.status_code in (200, 202), (path, answer.text)
            found[path] = answer.json().get("cursor") or ""
            assert found[path] or name in SHORT, path
        return found


def fill(storage: Any, tenant: str) -> None:
    """Three of everything, named after the organisation."""
    word = SECRET if tenant == OTHER else "Own"
    storage.organisations.put(an_organisation(tenant_id=tenant, name=word))
    for number in range(3):
        at, key = NOW - timedelta(minutes=number), f"{number:032x}"
        address = AGENT if number == 0 else f"{word.lower()}{number}@contoso.example"
        mailbox = {"tenant_id": tenant, "mailbox_id": key, "address": address, "agent": AGENT}
        storage.mailboxes.save(a_mailbox(**mailbox))
        record = a_record(f"contact/C-{number + 1}", name=word, origin="postledger", opened_at=at)
        storage.records.put_many(tenant, [replace(record, addresses=(f"c{number}@fabrikam.example",))])
        storage.timeline.put(tenant, [an_entry(message_key=key, at=at, subject=f"Viewing {word}")])
        stored = a_stored_message(key=key, at=at, thread=THREAD)
        storage.messages.create(
            tenant, stored, replace(a_document(), subject=word), a_copy(mailbox_id=f"{0:032x}")
        )
        campaign = a_campaign(tenant_id=tenant, id=key, name=word, created_at=at, recipients=3)
        storage.campaigns.add(campaign)
        people = [Recipient(place, f"C-{place}", word, f"c{place}@fabrikam.example") for place in range(3)]
        storage.campaigns.put_recipients(campaign, people)
        wait(storage, tenant, at, f"{number + 10:032x}", word)
        storage.audit.append(tenant, AuditRow(key, at, word, "get_timeline", ("contact/C-1",)))
        storage.exceptions.record(a_failure(tenant_id=tenant, id=key, at=at, error=word))
        sent = {"id": f"{inverted(at)}-{key}", "key_hash": key, "created_at": at, "subject": word}
        storage.outbox.add(an_outbox_mail(tenant_id=tenant, **sent))
        storage.notices.add(tenant, a_notice(agent=OID, message_key=key, at=at, subject=word))
        change = Change(What.ENTRY_ADDED, key, entry_id=f"1-{key}", ref=a_ref("contact/C-1"))
        storage.events.append(tenant, [Event(key, at - timedelta(hours=1), change)])


def wait(storage: Any, tenant: str, at: datetime, key: str, word: str) -> None:
    """A mail in My Inbox."""
    waiting = a_triaged_message(key=key, at=at)
    document = replace(a_document(), subject=word)
    storage.messages.create(tenant, waiting, document, a_copy(mailbox_id=f"{0:032x}"))
    item = {"at": at, "message_key": key, "agent": AGENT, "mailbox_id": f"{0:032x}", "subject": word}
    storage.inbox.put(tenant, [an_inbox_item(**item)])


@pytest.fixture(scope="module")
def keys() -> Issuer:
    return Issuer()


def over(storage: FakePorts, issuer: Issuer) -> Lists:
    for address in ("own1", "own2", SECRET.lower() + "1", SECRET.lower() + "2"):
        storage.mail.add_mailbox(f"{address}@contoso.example")
    storage.mail.add_mailbox(AGENT)
    for tenant in (TENANT, OTHER):
        fill(storage, tenant)
    return Lists(Api(Direct(Served(storage, issuer)), storage, issuer), issuer)


@pytest.fixture(scope="module")
def lists(keys: Issuer) -> Lists:
    return over(FakePorts(), keys)


@pytest.fixture(scope="module")
def stored(keys: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lists]:
    """The same over the real adapters: a filter of Azure's is a text that a cursor is part of."""
    with start_azurite(tmp_path_factory.mktemp("azurite") / "azurite.log") as azurite:
        provision(azurite.connection_string)
        ports = FakePorts()
        real = AzureStorage(azurite.connection_string, DIRECT)
        for name, store in vars(real).items():
            if hasattr(ports, name):
                setattr(ports, name, store)
        yield over(ports, keys)


def altered(cursor: str) -> Iterator[str]:
    """Cut and changed in several places."""
    for length in {1, len(cursor) // 2, len(cursor) - 1} - {0}:
        yield cursor[:length]
    yield cursor + cursor
    yield cursor.swapcase()
    yield cursor[:-1] + ("A" if cursor[-1:] != "A" else "B")
    yield cursor[::-1]


def check(lists: Lists, name: str, method: str, path: str, cursor: str) -> int:
    answer = lists.ask(TENANT, name, method, path + cursor)
    said = (path, cursor, answer.status_code, answer.text)
    assert answer.status_code in (200, 202, 410, 422), said
    if name != "list_organisations":
        assert SECRET not in answer.text, said
    return int(answer.status_code)


PARTS: Final = 3


@pytest.mark.parametrize("part", range(PARTS))
def test_a_cursor_that_this_list_did_not_give_opens_nothing_and_breaks_nothing(
    lists: Lists, part: int
) -> None:
    own, others = lists.genuine(TENANT), lists.genuine(OTHER)
    forged = {*own.values(), *others.values(), *map(encode_cursor, KEYS), *RAW}
    statuses: Counter[int] = Counter()
    for name, method, path in list(lists.all())[part::PARTS]:
        for cursor in sorted({*forged, *altered(own[path] or "QQ")}):
            statuses[check(lists, name, method, path, cursor)] += 1
    assert statuses[422] > 100, "most of them are refused"
    assert statuses.total() > 400


@pytest.mark.stack
@pytest.mark.timeout(3_600)
def test_no_cursor_leaves_the_own_partition_of_the_real_tables(stored: Lists) -> None:
    others = stored.genuine(OTHER)
    for name, method, path in stored.all():
        for cursor in (others[path], *map(encode_cursor, KEYS)):
            check(stored, name, method, path, cursor)
