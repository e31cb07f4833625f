"""Why is this mail (not) here: every way a mail can go is explained; people and subjects stay unsaid."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from shared.domain.capture.screening import RULES_VERSION
from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import (
    AccessDenied,
    Forbidden,
    InvalidInput,
    NotFound,
    PermanentError,
    Rejected,
    Unknown,
)
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.services.filing.explain import Explanation
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record
from tests.fakes import FakePorts
from tests.fakes.mail import FakeMail, FakeOpenMailbox
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@adatum.example"
ADMIN_CALLER = Caller(TENANT, frozenset({ADMIN}), oid="admin", address="admin@contoso.example")
ID = "first@fabrikam.example"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def explain(world: World, message_id: str = ID, caller: Caller = ADMIN_CALLER) -> Explanation:
    return world.explain(caller, message_id)


@pytest.mark.parametrize("message_id", [ID, f"<{ID}>", f"  <{ID}> "])
def test_a_filed_mail_is_explained_with_its_links(world: World, message_id: str) -> None:
    world.notify(world.deliver())
    found = explain(world, message_id)
    assert (found.outcome, found.reason) == ("filed", "contact_address")
    assert [str(one.ref) for one in found.links] == ["contact/C-1"]
    [copy] = found.sightings
    assert (copy.mailbox, copy.folder, copy.outcome, copy.final) == (AGENT, "inbox", "filed", True)
    assert copy.rules_version == RULES_VERSION
    assert len(found.steps) == 3
    assert "contact/C-1" in found.steps[-1]
    assert CONTACT in found.steps[-1], "its evidence: the mail is filed"


def test_a_skipped_mail_says_why_and_names_nobody(world: World) -> None:
    world.notify(world.deliver(sender=STRANGER, subject="Secret"))
    found = explain(world)
    assert (found.outcome, found.reason, found.links) == ("skipped", "unknown_people", ())
    assert "no record has one of their addresses" in found.steps[0]
    assert "Secret" not in repr(found)
    assert STRANGER not in repr(found)


def test_a_mail_in_triage_names_nobody_either(world: World) -> None:
    mailbox = world.connect(SECOND, capture="everything")
    world.notify(world.deliver(SECOND, sender=STRANGER, to=(SECOND,), subject="Secret"), mailbox=mailbox)
    found = explain(world)
    assert (found.outcome, found.reason, found.links) == ("triage", "no_match", ())
    assert "My Inbox" in " ".join(found.steps)
    assert STRANGER not in repr(found)
    assert "Secret" not in repr(found)


def test_what_is_not_final_says_so(world: World) -> None:
    world.notify(world.deliver(folder="junkemail"))
    found = explain(world)
    assert (found.outcome, found.reason) == ("skipped", "folder:junkemail")
    assert found.sightings[0].final is False
    assert "not final" in found.steps[0]


def test_a_mail_on_its_way_is_pending(world: World) -> None:
    world.deliver()
    world.walk()
    found = explain(world)
    assert (found.outcome, found.reason) == ("pending", "known_address")
    assert "about to be fetched" in found.steps[0]


def test_a_mail_whose_rows_are_being_written_is_pending(world: World) -> None:
    world.notify(world.deliver())
    for row in world.storage.messages.rows.values():
        if row.message:
            row.message = replace(row.message, state="pending")
    assert explain(world).outcome == "pending"


ERROR = Rejected("Microsoft Graph refuses the request (400, ErrorX).", "ErrorX")


class Unreadable(FakeOpenMailbox):
    """Headers can be had, bodies cannot."""

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, FetchedMessage | PermanentError]:
        return dict.fromkeys(FakeOpenMailbox.messages(self, items), ERROR)


@pytest.mark.parametrize("walked", [True, False])
def test_a_mail_that_cannot_be_fetched_has_failed_and_names_the_exception(walked: bool) -> None:
    world = World(FakePorts(mail=FakeMail(opened=Unreadable)))
    world.records(a_record())
    item = world.deliver()
    if walked:
        world.walk()
        world.work()
    else:
        world.notify(item)
    assert world.outcome(item) == ("failed", "ErrorX")
    found = explain(world)
    assert (found.outcome, found.reason) == ("failed", "ErrorX")
    [failure] = world.storage.exceptions.all
    assert failure.item == item
    assert f"Exception {failure.id}" in found.steps[-1]
    assert "then replay" in found.steps[-1]


def test_a_mail_of_which_not_even_headers_can_be_had_names_the_exception(world: World) -> None:
    item = world.deliver()
    world.walk()
    world.mail.failing[item] = ERROR
    world.work()
    found = explain(world)
    assert found.outcome == "pending"
    assert f"Exception {world.storage.exceptions.all[0].id}" in found.steps[-1]


def test_a_mail_that_cannot_be_filed_does_not_take_its_batch_along(world: World) -> None:
    bad = world.deliver(message_id="bad@fabrikam.example")
    good = world.deliver(message_id="good@fabrikam.example")
    messages = world.storage.messages
    create, create_together = messages.create, messages.create_together

    def check(message_id: str) -> None:
        if message_id.startswith("bad"):
            raise Rejected("The row is too large.", "PropertyValueTooLarge")

    def refuse(tenant_id, message, document, copy):  # type: ignore[no-untyped-def]
        check(message.message_id)
        return create(tenant_id, message, document, copy)

    def refuse_together(tenant_id, mails):  # type: ignore[no-untyped-def]
        for mail in mails:
            check(mail.message.message_id)
        return create_together(tenant_id, mails)

    messages.create = refuse  # type: ignore[method-assign]
    messages.create_together = refuse_together  # type: ignore[method-assign]
    world.notify(bad, good)
    assert world.outcome(good)[0] == "filed"
    assert world.outcome(bad) == ("failed", "PropertyValueTooLarge")
    [failure] = world.storage.exceptions.all
    assert IngestMessages.from_json(failure.command).items == (bad,)


def test_all_mailboxes_that_saw_it_are_told(world: World) -> None:
    other = world.connect(SECOND, never_log=("fabrikam.example",))
    world.notify(world.deliver())
    world.notify(world.deliver(SECOND), mailbox=other)
    found = explain(world)
    assert (found.outcome, found.reason) == ("filed", "contact_address")
    assert {(one.mailbox, one.outcome, one.reason) for one in found.sightings} == {
        (AGENT, "filed", "contact_address"),
        (SECOND, "skipped", "never_log"),
    }


def test_other_mails_under_a_reused_id_are_told_as_well(world: World) -> None:
    world.records(a_record("contact/C-2", addresses=("li@fabrikam.example",)))
    world.notify(world.deliver())
    world.notify(world.deliver(sender="li@fabrikam.example", subject="Another", sent_at=NOW))
    found = explain(world)
    assert {str(one.ref) for one in found.links} == {"contact/C-1", "contact/C-2"}
    assert len(found.sightings) == 2


def test_a_mail_that_only_others_answer_is_unknown(world: World) -> None:
    world.notify(world.deliver(sender=STRANGER, message_id="reply@adatum.example", in_reply_to=(ID,)))
    found = explain(world)
    assert (found.outcome, found.sightings, found.links) == ("unknown", (), ())
    assert "Another mail answers it" in found.steps[0]


def test_of_what_nothing_is_known_there_is_nothing_to_say(world: World) -> None:
    world.notify(world.deliver())
    with pytest.raises(Unknown, match="Nothing is known"):
        explain(world, "nobody@nowhere.example")


@pytest.mark.parametrize("message_id", ["", "<>", "   "])
def test_what_is_no_message_id_is_refused(world: World, message_id: str) -> None:
    with pytest.raises(InvalidInput, match="Message-ID"):
        explain(world, message_id)


def test_only_an_admin_may_ask(world: World) -> None:
    with pytest.raises(Forbidden):
        explain(world, caller=replace(ADMIN_CALLER, roles=frozenset({AGENT_ROLE})))


def test_who_was_in_bcc_stays_unsaid(world: World) -> None:
    """The sent copy shows the Bcc: neither its address nor the mailbox that it brought the mail to is told."""
    world.records(a_record(), a_record("contact/C-9", addresses=("hidden@adatum.example",)))
    other = world.connect(SECOND)
    sent = {"sender": AGENT, "to": (CONTACT,), "bcc": ("hidden@adatum.example", SECOND)}
    world.notify(world.deliver(folder="sentitems", **sent))
    world.notify(world.deliver(SECOND, sender=AGENT, to=(CONTACT,)), mailbox=other)
    found = explain(world)
    assert [one.mailbox for one in found.sightings] == [AGENT]
    assert "hidden@" not in repr(found)
    assert SECOND not in repr(found)


def test_nothing_of_another_organisation_is_told(world: World) -> None:
    world.notify(world.deliver())
    stranger = replace(ADMIN_CALLER, tenant_id="99999999-2222-4333-8444-555555555555")
    with pytest.raises(Unknown):
        explain(world, caller=stranger)


def test_a_mailbox_that_is_refused_as_a_whole_is_no_matter_of_one_mail(world: World) -> None:
    item = world.deliver()
    world.mail.failing[item] = AccessDenied("no", "ErrorAccessDenied")
    with pytest.raises(AccessDenied):
        world.notify(item)
    world.mail.failing[item] = NotFound("gone", "ErrorItemNotFound")
    world.notify(item)
    assert world.storage.exceptions.all == []


def test_a_mail_that_another_mailbox_has_put_on_the_right_record_is_not_said_to_be_listed(
    world: World,
) -> None:
    """The first look found no opportunity, the second one did: it is in nobody's My Inbox by now."""
    world.rewrite(matched_to="opportunity")
    second = world.connect(SECOND, matched_to="opportunity", matching_type="domain")
    world.notify(world.deliver(to=(AGENT, SECOND)))
    assert "My Inbox as well" in " ".join(explain(world).steps)
    world.records(a_record("opportunity/O-1", contacts=("C-1",), contact_domains=("fabrikam.example",)))
    world.notify(world.deliver(SECOND, to=(AGENT, SECOND)), mailbox=second)
    world.work()
    assert not list(world.storage.inbox.of(TENANT, AGENT))
    assert "My Inbox" not in " ".join(explain(world).steps)


@pytest.mark.parametrize("capture", ["known", "everything"])
def test_sent_mail_that_goes_with_no_record_is_never_said_to_wait(world: World, capture: str) -> None:
    world.rewrite(capture=capture)
    world.notify(world.deliver(folder="sentitems", sender=AGENT, to=(STRANGER,)))
    found = explain(world)
    assert (found.outcome, found.reason) == ("skipped", "unknown_people")
    assert "My Inbox" not in " ".join(found.steps)
    assert world.storage.messages.rows == {}
