"""Previews: what would be captured, decided as capture and matching would, with nothing stored or fetched."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import AccessDenied, InvalidInput, Unknown, WrongState
from shared.domain.privacy.callers import Caller
from shared.services.capture.preview import PreviewPage
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record
from tests.unit.services.world import World

ADMIN = Caller(TENANT, frozenset({"Admin"}), oid="admin", address="admin@contoso.example")
OWNER = Caller(TENANT, frozenset({"Agent"}), oid="owner", address=AGENT)
STRANGER = "stranger@adatum.example"
SINCE = NOW - timedelta(days=30)


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def look(
    world: World,
    caller: Caller = ADMIN,
    address: str = AGENT,
    limit: int = 200,
    cursor: str = "",
    **settings: Any,
) -> PreviewPage:
    preview = world.preview_mailbox
    mailbox = preview.mailbox(caller, address, settings)
    return preview(caller, mailbox, SINCE, limit=limit, cursor=cursor)


def test_what_would_be_kept_is_listed_with_its_rule_and_the_rest_is_counted(world: World) -> None:
    world.deliver(message_id="kept@fabrikam.example", subject="Viewing")
    world.deliver(message_id="other@adatum.example", sender=STRANGER)
    world.deliver(message_id="junk@fabrikam.example", folder="junkemail")
    page = look(world)
    [mail] = page.mails
    assert (mail.capture, mail.outcome, mail.reason) == ("known_address", "filed", "contact_address")
    assert (mail.folder, mail.subject) == ("inbox", "Viewing")
    assert {str(one.ref) for one in mail.links} == {"contact/C-1"}
    assert (page.seen, page.skipped, page.cursor) == (2, {"unknown_people": 1}, None)


def test_nothing_is_stored_and_no_body_is_read(world: World) -> None:
    world.deliver(message_id="kept@fabrikam.example")
    world.deliver(message_id="r@adatum.example", sender=STRANGER, in_reply_to=("missing@adatum.example",))
    before = world.rows()
    look(world)
    assert world.rows() == before
    assert not world.mail.bodies_read
    assert world.storage.queue.sent == []


def test_a_mail_that_answers_a_filed_one_is_seen_as_its_thread(world: World) -> None:
    world.notify(world.deliver(message_id="first@fabrikam.example"))
    world.deliver(
        message_id="second@adatum.example", sender=STRANGER, in_reply_to=("first@fabrikam.example",)
    )
    reasons = {one.reason: one.capture for one in look(world).mails}
    assert reasons["thread"] == "thread"


def test_settings_are_tried_out_without_being_saved(world: World) -> None:
    world.deliver(message_id="other@adatum.example", sender=STRANGER)
    assert [one.outcome for one in look(world, capture="everything").mails] == ["triage"]
    saved = world.storage.mailboxes.get(TENANT, AGENT)
    assert saved is not None
    assert saved.capture == "known"


def test_a_mailbox_that_is_not_saved_can_be_looked_at(world: World) -> None:
    world.mail.add_mailbox("new@contoso.example")
    world.deliver("new@contoso.example", message_id="kept@fabrikam.example")
    page = look(world, address="new@contoso.example", kind="personal")
    assert [one.outcome for one in page.mails] == ["filed"]


def test_what_would_wait_in_my_inbox_is_shown_readable_to_its_own_agent_only(world: World) -> None:
    world.deliver(message_id="other@adatum.example", sender=STRANGER, subject="Private matter")
    [seen_by_admin] = look(world, capture="everything").mails
    assert (seen_by_admin.subject, seen_by_admin.sender) == (None, None)
    [seen_by_owner] = look(world, OWNER, capture="everything").mails
    assert seen_by_owner.subject == "Private matter"


@pytest.mark.parametrize("address", [AGENT, "new@contoso.example"])
def test_an_admin_who_names_itself_as_the_agent_reads_no_more(world: World, address: str) -> None:
    world.mail.add_mailbox("new@contoso.example")
    world.deliver(address, message_id="other@adatum.example", sender=STRANGER, subject="Private matter")
    settings = {"kind": "personal", "capture": "everything", "agent": ADMIN.address}
    [seen] = look(world, ADMIN, address, **settings).mails
    assert (seen.subject, seen.sender, seen.outcome) == (None, None, "triage")


def test_an_admin_reads_what_would_wait_in_the_own_mailbox_before_it_is_saved(world: World) -> None:
    world.mail.add_mailbox("admin@contoso.example", user_id=ADMIN.oid)
    world.deliver("admin@contoso.example", message_id="other@adatum.example", sender=STRANGER, subject="Mine")
    [seen] = look(world, ADMIN, "admin@contoso.example", kind="personal", capture="everything").mails
    assert seen.subject == "Mine"


def test_an_agent_sees_no_other_mailbox(world: World) -> None:
    other = replace(OWNER, oid="other", address="other@contoso.example")
    with pytest.raises(Unknown):
        look(world, other)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_pages_show_every_mail_once(world: World, size: int) -> None:
    world.mail.page_size = size
    for number in range(7):
        world.deliver(
            message_id=f"{number}@fabrikam.example", received_at=NOW - timedelta(minutes=number // 2)
        )
    world.deliver(
        message_id="sent@contoso.example", folder="sentitems", sender=AGENT, to=("buyer@fabrikam.example",)
    )
    found, cursor, pages = [], "", 0
    while True:
        page = look(world, limit=2, cursor=cursor)
        pages += 1
        found += [(one.received_at, one.folder) for one in page.mails]
        if page.cursor is None:
            break
        cursor = page.cursor
    assert len(found) == 8
    assert pages > 1 or size == 50


def test_an_item_that_breaks_its_page_is_counted_and_the_others_are_shown(world: World) -> None:
    world.deliver(message_id="good@fabrikam.example")
    bad = world.deliver(message_id="bad@fabrikam.example")
    world.mail.poison.add(bad)
    page = look(world)
    assert page.seen == 2
    assert len(page.mails) + page.skipped.get("unreadable", 0) == 2


def test_a_mailbox_that_graph_refuses_is_said_to_be_refused(world: World) -> None:
    world.mail.fail("folders", AccessDenied("Access is denied.", "ErrorAccessDenied"))
    with pytest.raises(WrongState, match="does not let this mailbox be read"):
        look(world)


def test_an_address_that_nobody_has_is_said_to_be_nobodys(world: World) -> None:
    with pytest.raises(InvalidInput, match="No user of this tenant has this address"):
        look(world, address="nobody@contoso.example")


def test_it_waits_for_no_holder_of_the_mailbox(world: World) -> None:
    world.deliver()
    world.hold()
    assert len(look(world).mails) == 1


def test_a_made_up_cursor_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        look(world, cursor="bm9uc2Vuc2U")


@pytest.mark.parametrize(
    ("caller", "subject", "links"), [(OWNER, "Viewing", ["contact/C-1"]), (ADMIN, None, [])]
)
def test_a_mail_that_nothing_but_a_bcc_would_file_is_its_agents_own(
    world: World, caller: Caller, subject: str | None, links: list[str]
) -> None:
    world.deliver(folder="sentitems", sender=AGENT, to=(STRANGER,), bcc=(CONTACT,), subject="Viewing")
    [mail] = look(world, caller).mails
    assert (mail.outcome, mail.subject, [str(link.ref) for link in mail.links]) == ("filed", subject, links)
