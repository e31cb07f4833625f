"""By what Graph's copies of sent mail are found: a header of their MIME once the tenant has shown it, else our tag."""

import time
from typing import Any

import pytest

from dev.simulator.serve import Simulator
from shared.domain.mail.items import ItemRef
from shared.domain.sending.marks import TAG_HEADER
from shared.ports.sending import OpenOutbox, OutgoingCopy
from tests.contract.test_sender import GraphServer, drafted, mime, sent_copy, simulator

pytestmark = pytest.mark.stack
__all__ = ["simulator"]
PATCH = "PATCH /users/{id}/messages/{id}"


def tagged(number: int) -> tuple[bytes, str]:
    """A mail that names its tag in its header."""
    tag = f"09822755818{number:04d}-{number}"
    return f"{TAG_HEADER}: {tag}\r\n".encode() + mime(number), tag


class Tenant(GraphServer):
    """Graph with other ids and another Message-ID for sent copies: the tag alone leads to them."""

    def __init__(self, simulator: Simulator, **habits: Any) -> None:
        super().__init__(simulator, **habits)
        self.outbox: OpenOutbox = self.sender.open(self.mailbox)

    def draft(self, number: int) -> ItemRef:
        raw, tag = tagged(number)
        return drafted(self.outbox, raw, tag)

    def sent(self, number: int) -> OutgoingCopy:
        """The copy of a mail that has left."""
        self.outbox.send_draft(self.draft(number))
        return sent_copy(self.outbox, tagged(number)[1], number)

    def shows(self, copy: OutgoingCopy) -> None:
        """The copy is read, as whoever files it reads it."""
        self.mail.open(self.mailbox).heads([copy.item])

    def marks(self) -> int:
        """The requests that wrote a tag since the last time that somebody asked."""
        calls = self.control.stats()["graph"]["calls"]
        self.control.clear_stats()
        return sum(row["count"] for row in calls if row["endpoint"] == PATCH)


@pytest.fixture
def tenant(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    made = Tenant(simulator)
    made.control.clear_stats()
    return made


def test_a_draft_is_marked_until_a_sent_copy_has_shown_its_header(tenant: Tenant) -> None:
    copy = tenant.sent(50)
    assert tenant.marks() == 1
    tenant.shows(copy)
    copy = tenant.sent(51)
    assert (tenant.marks(), copy.is_marked, copy.sender) == (0, True, tenant.mailbox.address)


def test_a_sent_copy_that_bears_the_header_alone_is_read_with_it(tenant: Tenant) -> None:
    tenant.shows(tenant.sent(52))
    copy = tenant.sent(53)
    head: Any = tenant.mail.open(tenant.mailbox).heads([copy.item])[copy.item]
    assert (head.tag, dict(head.headers)[TAG_HEADER.lower()]) == ("", tagged(53)[1])


def test_a_mail_that_does_not_name_its_tag_is_marked_all_the_same(tenant: Tenant) -> None:
    tenant.shows(tenant.sent(54))
    tenant.marks()
    drafted(tenant.outbox, mime(55), tagged(55)[1])
    assert tenant.marks() == 1
    [copy] = tenant.outbox.copies(tagged(55)[1], "")
    assert copy.is_marked


def test_where_headers_are_no_properties_each_draft_is_marked(tenant: Tenant) -> None:
    tenant.control.put_habits(headers_are_properties=False)
    for number in (56, 57):
        tenant.shows(tenant.sent(number))
    assert tenant.marks() == 2


def test_a_draft_shows_nothing_of_what_is_sent(tenant: Tenant) -> None:
    tenant.mail.open(tenant.mailbox).heads([tenant.draft(58)])
    tenant.draft(59)
    assert tenant.marks() == 2


def test_a_header_that_sent_mail_has_lost_is_not_relied_on_again(tenant: Tenant) -> None:
    """The copy is found by its Message-ID, which is kept here, and the next draft is marked."""
    tenant.shows(tenant.sent(60))
    tenant.marks()
    tenant.control.put_habits(headers_are_properties=False, keeps_message_id=True)
    tenant.outbox.send_draft(tenant.draft(61))
    while (
        not (found := tenant.outbox.copies(tagged(61)[1], "viewing-61@contoso.example")) or found[0].is_draft
    ):
        time.sleep(0.02)
    assert (tenant.marks(), found[0].is_marked) == (0, False)
    tenant.draft(62)
    assert tenant.marks() == 1
