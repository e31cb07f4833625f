"""What readers are told of a mail's entries, and who is told where one rests on a Bcc."""

from dataclasses import replace
from typing import Any

from shared.domain.events.events import What
from shared.domain.filing.announcing import entry_changes, inbox_changes, witnesses
from shared.domain.filing.copies import Copy
from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.filing.shown import NOTHING, Shown
from shared.domain.mail.addresses import Person
from shared.domain.mail.messages import Direction
from shared.domain.matching.evidence import Evidence
from tests.builders import (
    a_copy,
    a_decision,
    a_document,
    a_link,
    a_mailbox,
    a_ref,
    a_stored_message,
    a_triaged_message,
)

C1, C2 = a_ref("contact/C-1"), a_ref("contact/C-2")
X, Y = Person("X", "x@fabrikam.example"), Person("Y", "y@fabrikam.example")
SENT = a_copy(mailbox_id="sent", bcc=(X, Y))
RECEIVED, TO_Y = a_copy(mailbox_id="received"), a_copy(mailbox_id="y", bcc=(Y,))


def by_bcc(person: Person = X) -> StoredMessage:
    link = replace(a_link("contact/C-1"), evidence=Evidence("bcc", person.address))
    return a_stored_message(decision=replace(a_decision(), links=(link,)))


def told(before: Shown, after: StoredMessage, *copies: Copy) -> list[tuple[What, str, Any]]:
    changes = [announced.change for announced in entry_changes(before, after, copies)]
    return [(change.what, str(change.ref), change.only_for) for change in changes]


def test_an_entry_is_added_changed_or_removed() -> None:
    before = Shown.of(frozenset({C1}), frozenset({C1}), "")
    after = a_stored_message(decision=a_decision("contact/C-2"), unlinked=frozenset({a_ref("project/P-1")}))
    assert told(before, after) == [
        (What.ENTRY_REMOVED, "contact/C-1", None),
        (What.ENTRY_ADDED, "contact/C-2", None),
        (What.ENTRY_REMOVED, "project/P-1", None),
    ]
    assert told(after.shown.and_maybe(after.refs, after.lent, ""), after)[0][0] is What.ENTRY_CHANGED


def test_who_sees_the_bcc_is_told_of_what_rests_on_it() -> None:
    assert told(NOTHING, by_bcc(X), SENT, RECEIVED, TO_Y) == [
        (What.ENTRY_ADDED, "contact/C-1", frozenset({"sent"}))
    ]
    assert told(NOTHING, by_bcc(Y), SENT, RECEIVED, TO_Y)[0][2] == {"sent", "y"}


def test_of_an_entry_that_rested_on_a_bcc_who_sees_them_all_is_told_that_it_is_gone() -> None:
    before = replace(by_bcc(), state=DONE).shown
    assert told(before, a_triaged_message(), SENT, RECEIVED, TO_Y) == [
        (What.ENTRY_REMOVED, "contact/C-1", frozenset({"sent"}))
    ]


def test_an_entry_that_everybody_knew_goes_for_everybody() -> None:
    before = Shown.of(frozenset({C1}), frozenset({C1}), "")
    assert told(before, a_triaged_message(), SENT) == [(What.ENTRY_REMOVED, "contact/C-1", None)]
    assert told(before, by_bcc(), SENT)[0] == (What.ENTRY_CHANGED, "contact/C-1", None)


def test_copies_of_one_mailbox_show_together_what_they_show() -> None:
    link = by_bcc().decision.links[0]
    halves = (a_copy(mailbox_id="m", bcc=(X,)), a_copy(mailbox_id="m", bcc=(Y,)))
    assert witnesses(None, halves) == witnesses(link, halves) == {"m"}
    assert witnesses(link, (RECEIVED,)) == frozenset()
    assert witnesses(None, (RECEIVED,)) is None


def test_of_my_inbox_those_are_told_who_hold_a_copy() -> None:
    first, second = (
        a_mailbox(mailbox_id=name, agent=f"{name}@contoso.example", matched_to=matched_to)
        for name, matched_to in (("first", "project"), ("second", None))
    )
    # On a contact, and on no project.
    mail = a_stored_message()
    changes = [
        announced.change for announced in inbox_changes(mail, a_document(), (first, second), is_first=False)
    ]
    assert [(change.what, change.ref, change.only_for) for change in changes] == [
        (What.INBOX_ADDED, None, {"first"}),
        (What.INBOX_REMOVED, None, {"second"}),
    ]
    assert list(inbox_changes(mail, a_document(), (second,), is_first=True)) == []
    sent = a_stored_message(direction=Direction.OUT)
    assert list(inbox_changes(sent, a_document(), (first, second), is_first=False)) == []
