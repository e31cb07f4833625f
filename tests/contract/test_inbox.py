"""What every `ports.Inbox` and `ports.Audit` must do, and what becomes of two decisions at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import names
from shared.domain.errors import Conflict, Outdated
from shared.domain.filing.filing import DELETED
from shared.domain.filing.person_decisions import LINK, PendingChange
from shared.domain.privacy.audit import AuditRow
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.services.filing.inbox import Wanted
from tests.builders import (
    AGENT,
    KEY,
    NOW,
    a_copy,
    a_document,
    a_link,
    a_mailbox,
    a_record,
    a_ref,
    a_triaged_message,
    an_inbox_item,
    an_item,
    an_organisation,
)
from tests.composed import use_cases_over


def waiting(storage, tenant, agent=AGENT, limit=50, after=""):
    page, following = storage.inbox.page(tenant, agent, limit=limit, after=after)
    return [one.message_key for one in page], following


def a_change(key=KEY, change_id="1", **changes):
    return PendingChange(
        **{"id": change_id, "message_key": key, "at": NOW, "by": "ann", "what": LINK, **changes}
    )


class TestInbox:
    def test_an_item_comes_back_as_it_was_put(self, storage, tenant):
        item = an_inbox_item(
            suggestions=(a_link(),),
            thread=("a@x.example",),
            conversation="c",
            is_filed=True,
            subject="Ümläut",
        )
        for _ in range(2):
            storage.inbox.put(tenant, [item])
        assert storage.inbox.page(tenant, AGENT, limit=5, after="") == ([item], "")

    def test_those_that_wait_for_one_reason_come_newest_first_and_so_many_at_most(self, storage, tenant):
        items = [
            an_inbox_item(
                message_key=f"{number:032d}",
                at=NOW + timedelta(minutes=number),
                reason="too_many" if number % 2 else "no_match",
            )
            for number in range(6)
        ]
        storage.inbox.put(tenant, [*items, an_inbox_item(agent="ben@contoso.example", reason="too_many")])
        found = storage.inbox.of_reason(tenant, AGENT, "too_many", most=9)
        assert found == [items[5], items[3], items[1]]
        assert storage.inbox.of_reason(tenant, AGENT, "too_many", most=2) == [items[5], items[3]]
        assert storage.inbox.of_reason(tenant, AGENT, "old_mail", most=9) == []

    def test_with_whom_a_mail_waits_can_be_asked(self, storage, tenant):
        mine, bens = an_inbox_item(), an_inbox_item(agent="ben@contoso.example", reason="ambiguous")
        storage.inbox.put(tenant, [mine, bens, an_inbox_item(agent="cy@contoso.example")])
        agents = ["ben@contoso.example", "nobody@contoso.example", AGENT]
        assert storage.inbox.waiting(tenant, agents, mine.id) == [bens, mine]
        assert storage.inbox.waiting(tenant, agents, "other") == []

    def test_pages_come_newest_first_without_gap_or_overlap(self, storage, tenant):
        for number, key in enumerate("gecabdf"):
            storage.inbox.put(tenant, [an_inbox_item(message_key=key, at=NOW - timedelta(hours=number))])
        seen, after = [], ""
        while True:
            page, after = waiting(storage, tenant, limit=3, after=after)
            seen.append("".join(page))
            if not after:
                break
        assert seen == ["gec", "abd", "f"]

    def test_one_mail_is_taken_from_several_agents_any_number_of_times(self, storage, tenant):
        for agent in (AGENT, "second@contoso.example", "third@contoso.example"):
            storage.inbox.put(tenant, [an_inbox_item(agent=agent)])
        storage.inbox.put(tenant, [an_inbox_item(message_key="b")])
        for _ in range(2):
            storage.inbox.remove(tenant, [AGENT, "second@contoso.example"], an_inbox_item().id)
        assert waiting(storage, tenant) == (["b"], "")
        assert waiting(storage, tenant, "second@contoso.example") == ([], "")
        assert waiting(storage, tenant, "third@contoso.example") == ([KEY], "")

    def test_changes_are_kept_until_they_are_removed(self, storage, tenant):
        changes = [
            a_change(),
            a_change(change_id="2", refs=("contact/C-1",)),
            a_change(f"{KEY}v1"),
            a_change("e" * 32),
        ]
        for change in changes:
            storage.inbox.note_change(tenant, change)
        assert storage.inbox.pending_changes(tenant, KEY) == changes[:2]
        assert storage.inbox.pending_changes(tenant, f"{KEY}v1") == [changes[2]]
        assert set(storage.inbox.pending_changes(tenant)) == set(changes)
        for _ in range(2):
            storage.inbox.forget_changes(tenant, changes[1:])
        assert storage.inbox.pending_changes(tenant) == [changes[0]]
        assert waiting(storage, tenant) == ([], "")


class TestAudit:
    def test_a_row_that_is_told_again_stays_as_it_is(self, storage, tenant):
        row = AuditRow("1", NOW, "ann", "link", (f"message/{KEY}", "contact/C-1"))
        storage.audit.append(tenant, row)
        storage.audit.append(tenant, replace(row, by="somebody else"))
        storage.audit.append(tenant, replace(row, id="2", what="undo"))
        assert audited(storage, tenant) == [("ann", "link"), ("ann", "undo")]


def audited(storage, tenant):
    """By whom and what; no port reads the audit yet, so the rows are looked at where they lie."""
    if hasattr(storage, "connection"):
        found = storage.connection.table(names.AUDIT).list_entities()
        return sorted((row["by"], row["what"]) for row in found if row["PartitionKey"] == tenant)
    return sorted((row.by, row.what) for row in storage.audit.of(tenant))


class TestBurying:
    def test_nothing_but_the_row_is_left(self, storage, tenant):
        document = a_document(html="".join(chr(65 + number % 57) for number in range(300_000)))
        message = storage.messages.create(tenant, a_triaged_message(), document, a_copy()).message
        storage.messages.add_copy(tenant, KEY, a_copy(item=an_item("other")))
        tombstone = replace(message, state=DELETED, message_id="", participants=frozenset())
        storage.messages.bury(tenant, tombstone)
        stored = storage.messages.get(tenant, KEY)
        assert replace(stored, etag="") == replace(tombstone, etag="")
        assert storage.messages.document(tenant, KEY) is None
        assert storage.messages.copies(tenant, KEY) == []
        assert not storage.messages.create(tenant, a_triaged_message(), a_document(), a_copy()).created

    def test_an_outdated_one_is_refused(self, storage, tenant):
        message = storage.messages.create(tenant, a_triaged_message(), a_document(), a_copy()).message
        storage.messages.save(tenant, replace(message, variants=1))
        with pytest.raises(Conflict):
            storage.messages.bury(tenant, replace(message, state=DELETED))

    def test_many_messages_are_read_at_once(self, storage, tenant):
        message = storage.messages.create(tenant, a_triaged_message(), a_document(), a_copy()).message
        assert storage.messages.get_many(tenant, [KEY, "f" * 32]) == {KEY: message}


@pytest.mark.parametrize("run", range(5))
def test_of_agents_who_decide_at_once_one_wins_and_all_others_are_told(storage, tenant, run):
    """Eight agents whose mailboxes hold a copy, each with a record of the own choice."""
    numbers = range(8)
    storage.organisations.put(an_organisation(tenant_id=tenant))
    storage.messages.create(tenant, a_triaged_message(), a_document(), a_copy())
    for number in numbers:
        mailbox = f"{number:032x}"
        address = f"agent{number}@contoso.example"
        storage.mailboxes.save(a_mailbox(tenant_id=tenant, mailbox_id=mailbox, address=address))
        storage.messages.add_copy(tenant, KEY, a_copy(mailbox_id=mailbox))
    storage.records.put_many(tenant, [a_record(f"project/P-{number}") for number in numbers])
    decide = use_cases_over(storage).decide

    def attempt(number):
        caller = Caller(
            tenant, frozenset({AGENT_ROLE}), oid=f"oid-{number}", address=f"agent{number}@contoso.example"
        )
        try:
            decide(caller, KEY, Wanted(LINK, refs=(a_ref(f"project/P-{number}"),)))
        except Outdated as error:
            assert "Somebody else was faster" in str(error)
            return None
        return number

    with ThreadPoolExecutor(len(numbers)) as pool:
        winners = [one for one in pool.map(attempt, numbers) if one is not None]
    stored = storage.messages.get(tenant, KEY)
    assert [f"oid-{one}" for one in winners] == [stored.decided.by]
    assert [str(one.ref) for one in stored.decision.links] == [f"project/P-{winners[0]}"]
    assert [one.by for one in storage.inbox.pending_changes(tenant)] == [stored.decided.by]
