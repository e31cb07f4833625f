"""What every `ports.Mailboxes` and `ports.Organisations` must do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import Conflict
from tests.builders import NOW, a_mailbox, an_organisation

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
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant, **FULL))
        assert mailbox.etag
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id) == mailbox
        assert storage.mailboxes.get(tenant, mailbox.address) == mailbox

    def test_a_new_mailbox_comes_back_with_nothing_known_of_it(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant, connected_at=None))
        assert storage.mailboxes.get(tenant, mailbox.address) == mailbox

    def test_what_is_not_there_is_none(self, storage, tenant):
        assert storage.mailboxes.get(tenant, "nobody@contoso.example") is None
        assert storage.mailboxes.by_id(tenant, "ffff") is None

    def test_a_mailbox_is_created_once(self, storage, tenant):
        storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        with pytest.raises(Conflict):
            storage.mailboxes.put(a_mailbox(tenant_id=tenant))

    def test_two_mailboxes_cannot_have_one_address(self, storage, tenant):
        storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        with pytest.raises(Conflict):
            storage.mailboxes.put(a_mailbox(tenant_id=tenant, mailbox_id="ab" * 16))
        assert storage.mailboxes.by_id(tenant, "ab" * 16) is None

    def test_a_stale_version_is_refused(self, storage, tenant):
        first = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        second = storage.mailboxes.put(replace(first, capture="everything"))
        with pytest.raises(Conflict):
            storage.mailboxes.put(replace(first, enabled=False))
        assert storage.mailboxes.by_id(tenant, first.mailbox_id) == second

    def test_a_changed_address_leads_to_the_same_mailbox_and_the_old_one_nowhere(self, storage, tenant):
        first = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        moved = storage.mailboxes.put(replace(first, address="new.name@contoso.example"))
        assert storage.mailboxes.get(tenant, "new.name@contoso.example") == moved
        assert storage.mailboxes.get(tenant, first.address) is None

    def test_noting_changes_the_named_fields_and_no_others(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant, **FULL))
        storage.mailboxes.note(mailbox, state="failing", next_poll_at=None, aliases=("b@contoso.example",))
        noted = storage.mailboxes.by_id(tenant, mailbox.mailbox_id)
        expected = replace(mailbox, state="failing", next_poll_at=None, aliases=("b@contoso.example",))
        assert replace(noted, etag="") == replace(expected, etag="")

    def test_noting_spoils_the_version_that_was_read_before(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        storage.mailboxes.note(mailbox, user_id="oid-2")
        with pytest.raises(Conflict):
            storage.mailboxes.put(mailbox)

    def test_noting_a_mailbox_that_is_gone_does_not_bring_it_back(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        storage.mailboxes.delete(tenant, mailbox.address)
        storage.mailboxes.note(mailbox, state="failing")
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id) is None

    def test_a_change_is_applied_to_the_row_as_it_is_now(self, storage, tenant):
        read = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        storage.mailboxes.put(replace(read, capture="everything", last_error="an admin was faster"))
        seen = []
        changed = storage.mailboxes.change(
            read, lambda row: seen.append(row) or replace(row, state="failing")
        )
        assert changed == storage.mailboxes.by_id(tenant, read.mailbox_id)
        assert (changed.capture, changed.last_error, changed.state) == (
            "everything",
            "an admin was faster",
            "failing",
        )
        assert seen[-1].last_error == "an admin was faster"
        assert storage.mailboxes.put(replace(changed, capture="known")).etag != changed.etag

    def test_a_change_that_changes_nothing_leaves_the_version(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        assert storage.mailboxes.change(mailbox, lambda row: row) == mailbox
        assert storage.mailboxes.put(replace(mailbox, capture="everything"))

    def test_a_change_does_not_bring_back_a_mailbox_that_is_gone(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        storage.mailboxes.delete(tenant, mailbox.address)
        assert storage.mailboxes.change(mailbox, lambda row: replace(row, state="ok")) is None
        assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id) is None

    def test_a_change_gives_up_when_others_keep_changing_the_row(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant))

        def interrupted(row):
            storage.mailboxes.note(row, last_sync_at=NOW)
            return replace(row, state="failing")

        with pytest.raises(Conflict):
            storage.mailboxes.change(mailbox, interrupted)

    def test_deleting_frees_the_address(self, storage, tenant):
        first = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        storage.mailboxes.delete(tenant, first.address)
        storage.mailboxes.delete(tenant, first.address)
        assert storage.mailboxes.get(tenant, first.address) is None
        assert storage.mailboxes.put(a_mailbox(tenant_id=tenant, mailbox_id="cd" * 16))

    def test_the_mailboxes_of_an_organisation_come_by_address(self, storage, tenant):
        for number, name in enumerate(("zoe", "adam", "mia")):
            address = f"{name}@contoso.example"
            ident = "01f"[number] * 32
            storage.mailboxes.put(a_mailbox(tenant_id=tenant, mailbox_id=ident, address=address))
        addresses = [one.address for one in storage.mailboxes.of(tenant)]
        assert addresses == ["adam@contoso.example", "mia@contoso.example", "zoe@contoso.example"]

    def test_due_are_the_enabled_ones_whose_time_has_come(self, storage, tenant):
        cases = {
            "never": {},
            "now": {"next_poll_at": NOW},
            "later": {"next_poll_at": NOW + timedelta(seconds=1)},
            "off": {"enabled": False},
        }
        for number, (name, changes) in enumerate(cases.items()):
            storage.mailboxes.put(
                a_mailbox(
                    tenant_id=tenant,
                    mailbox_id=str(number) * 32,
                    address=f"{name}@contoso.example",
                    **changes,
                )
            )
        due = {one.address for one in storage.mailboxes.due(NOW) if one.tenant_id == tenant}
        assert due == {"never@contoso.example", "now@contoso.example"}

    def test_a_noted_poll_time_counts_for_due(self, storage, tenant):
        mailbox = storage.mailboxes.put(a_mailbox(tenant_id=tenant))
        storage.mailboxes.note(mailbox, next_poll_at=NOW + timedelta(minutes=1))
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
