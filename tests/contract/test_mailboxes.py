"""What every `ports.Mailboxes` and `ports.Organisations` must do."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from shared.domain.connections.mailbox_state import (
    MailboxState,
    blocked,
    failing,
    next_polled,
    paused,
    removing,
    resumed,
    walked,
)
from shared.domain.errors import Conflict
from tests.builders import NOW, a_mailbox, an_organisation, mailbox_with, rewrite

FULL = {
    "matched_to": "opportunity",
    "never_log": ("secret@contoso.example", "hr.example"),
    "aliases": ("alias+one@contoso.example",),
    "user_id": "oid-1",
    "state": "connected",
    "last_error": "Needs consent.",
    "last_sync_at": NOW,
    "next_poll_at": NOW + timedelta(minutes=10, microseconds=123),
    "untested": True,
    "address_offered": "new.name@contoso.example",
}


class TestMailboxes:
    def test_a_mailbox_comes_back_as_it_was_put(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant, **FULL))
        assert mailbox.etag
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id) == mailbox
        assert storage.mailboxes.get(tenant, mailbox.address) == mailbox

    def test_a_new_mailbox_comes_back_with_nothing_known_of_it(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant, connected_at=None))
        assert storage.mailboxes.get(tenant, mailbox.address) == mailbox

    def test_what_is_not_there_is_none(self, storage, tenant):
        assert storage.mailboxes.get(tenant, "nobody@contoso.example") is None
        assert storage.mailboxes.by_id(tenant, "ffff") is None

    def test_a_mailbox_is_created_once(self, storage, tenant):
        storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        with pytest.raises(Conflict):
            storage.mailboxes.save(a_mailbox(tenant_id=tenant))

    def test_two_mailboxes_cannot_have_one_address(self, storage, tenant):
        storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        with pytest.raises(Conflict):
            storage.mailboxes.save(a_mailbox(tenant_id=tenant, mailbox_id="ab" * 16))
        assert storage.mailboxes.by_id(tenant, "ab" * 16) is None

    def test_a_stale_version_is_refused(self, storage, tenant):
        first = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        second = storage.mailboxes.save(replace(first, capture="everything"))
        with pytest.raises(Conflict):
            storage.mailboxes.save(replace(first, enabled=False))
        assert storage.mailboxes.by_id(tenant, first.mailbox_id) == second

    def test_a_changed_address_leads_to_the_same_mailbox_and_the_old_one_nowhere(self, storage, tenant):
        first = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        moved = storage.mailboxes.save(replace(first, address="new.name@contoso.example"))
        assert storage.mailboxes.get(tenant, "new.name@contoso.example") == moved
        assert storage.mailboxes.get(tenant, first.address) is None

    def test_a_change_is_of_state_and_leaves_settings(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant, **FULL))
        change = storage.mailboxes.change(mailbox, failing("Entra ID refuses."))
        assert (change.before, change.has_renamed) == (mailbox, True)
        assert change.after == storage.mailboxes.by_id(tenant, mailbox.mailbox_id)
        expected = mailbox_with(mailbox, state="failing", last_error="Entra ID refuses.")
        assert replace(change.after, etag="") == replace(expected, etag="")

    def test_every_field_of_the_state_comes_back_as_it_was_changed(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        state = MailboxState("ok", "e", NOW, NOW, NOW, NOW, NOW, "{}", True, "new.name@contoso.example")
        storage.mailboxes.change(mailbox, lambda _: state)
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id).state == state

    def test_a_change_is_applied_to_the_row_as_it_is_now(self, storage, tenant):
        read = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        storage.mailboxes.save(mailbox_with(read, capture="everything", paused_at=NOW))
        change = storage.mailboxes.change(read, paused(NOW + timedelta(hours=1)))
        assert (change.after.capture, change.after.state.paused_at) == ("everything", NOW)
        change = storage.mailboxes.change(read, failing("Entra ID refuses."))
        stored = storage.mailboxes.by_id(tenant, read.mailbox_id)
        assert stored == change.after
        assert (stored.capture, stored.state.name, stored.state.paused_at) == ("everything", "failing", NOW)

    def test_a_change_spoils_the_version_that_was_read_before(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        change = storage.mailboxes.change(mailbox, blocked(NOW))
        with pytest.raises(Conflict):
            storage.mailboxes.save(mailbox)
        assert storage.mailboxes.save(replace(change.after, capture="everything"))

    def test_a_change_that_changes_nothing_leaves_the_version(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        change = storage.mailboxes.change(mailbox, resumed)
        assert (change.before, change.after, change.has_renamed) == (mailbox, mailbox, False)
        assert storage.mailboxes.save(replace(mailbox, capture="everything"))

    def test_a_mailbox_that_is_removed_stays_so_until_it_is_saved_anew(self, storage, tenant):
        read = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        removed = storage.mailboxes.change(read, removing).after
        assert storage.mailboxes.change(read, walked(NOW)).after == removed
        assert storage.mailboxes.save(mailbox_with(removed, state="new")).state.name == "new"

    def test_a_change_does_not_bring_back_a_mailbox_that_is_gone(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        storage.mailboxes.delete(tenant, mailbox.address)
        assert storage.mailboxes.change(mailbox, walked(NOW)) is None
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id) is None

    def test_a_change_gives_up_when_others_keep_changing_the_row(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))

        def interrupted(state):
            rewrite(storage.mailboxes, mailbox, reconciled=str(next(numbers)))
            return replace(state, name="failing")

        numbers = count()
        with pytest.raises(Conflict):
            storage.mailboxes.change(mailbox, interrupted)
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id).state.name == "new"

    def test_deleting_frees_the_address(self, storage, tenant):
        first = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        storage.mailboxes.delete(tenant, first.address)
        storage.mailboxes.delete(tenant, first.address)
        assert storage.mailboxes.get(tenant, first.address) is None
        assert storage.mailboxes.save(a_mailbox(tenant_id=tenant, mailbox_id="cd" * 16))

    def test_the_mailboxes_of_an_organisation_come_by_address(self, storage, tenant):
        for number, name in enumerate(("zoe", "adam", "mia")):
            address = f"{name}@contoso.example"
            ident = "01f"[number] * 32
            storage.mailboxes.save(a_mailbox(tenant_id=tenant, mailbox_id=ident, address=address))
        addresses = [one.address for one in storage.mailboxes.of(tenant)]
        assert addresses == ["adam@contoso.example", "mia@contoso.example", "zoe@contoso.example"]

    def test_due_are_the_enabled_ones_whose_time_has_come(self, storage, tenant):
        cases = {
            "never": {},
            "now": {"next_poll_at": NOW},
            "later": {"next_poll_at": NOW + timedelta(seconds=1)},
            "off": {"enabled": False},
            "removed": {"state": "removing"},
        }
        for number, (name, changes) in enumerate(cases.items()):
            storage.mailboxes.save(
                a_mailbox(
                    tenant_id=tenant,
                    mailbox_id=str(number) * 32,
                    address=f"{name}@contoso.example",
                    **changes,
                )
            )
        due = {one.address for one in storage.mailboxes.due(NOW) if one.tenant_id == tenant}
        assert due == {"never@contoso.example", "now@contoso.example"}

    def test_a_changed_poll_time_counts_for_due(self, storage, tenant):
        mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
        storage.mailboxes.change(mailbox, next_polled(NOW + timedelta(minutes=1)))
        assert [one for one in storage.mailboxes.due(NOW) if one.tenant_id == tenant] == []


class TestOrganisations:
    def test_an_organisation_comes_back_as_it_was_put(self, storage, tenant):
        organisation = an_organisation(
            tenant_id=tenant,
            from_rules={"kinds": {"case": "desk@contoso.example"}},
            retention_days=30,
            connection="verified",
        )
        before = storage.organisations.put(an_organisation(tenant_id=tenant, name="Before"))
        written = storage.organisations.put(replace(organisation, etag=before.etag))
        assert written.etag
        assert storage.organisations.get(tenant) == organisation
        assert storage.organisations.get(tenant).etag == written.etag
        assert organisation in list(storage.organisations.all())

    def test_a_stale_version_is_refused(self, storage, tenant):
        first = storage.organisations.put(an_organisation(tenant_id=tenant))
        second = storage.organisations.put(replace(first, own_domains=("letting.example",)))
        for stale in (replace(first, name="Mine"), an_organisation(tenant_id=tenant)):
            with pytest.raises(Conflict):
                storage.organisations.put(stale)
        assert storage.organisations.get(tenant) == second

    def test_one_that_was_never_put_is_none(self, storage, tenant):
        assert storage.organisations.get(tenant) is None
