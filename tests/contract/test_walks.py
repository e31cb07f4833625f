"""What every `ports.FolderStates`, `ports.Subscriptions`, `ports.Sightings` and `ports.Leases` must do."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.domain.capture.backfills import Backfill
from shared.domain.capture.windows import Window
from shared.domain.errors import Conflict
from shared.domain.mail.items import ItemRef
from tests.builders import MAILBOX_ID, NOW, a_folder_state, a_mailbox, a_sighting, a_subscription, an_item


class TestFolderStates:
    def test_a_state_comes_back_as_it_was_put(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        state = storage.folder_states.put(
            mailbox, a_folder_state(folder_id="A/B+c==", cursor="x" * 30_000, unlisted_at=NOW)
        )
        assert state.etag
        assert storage.folder_states.all(mailbox) == [state]
        assert storage.folder_states.get(mailbox, "A/B+c==") == state
        assert storage.folder_states.get(mailbox, "other") is None

    def test_the_cursor_is_written_under_its_etag(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        first = storage.folder_states.put(mailbox, a_folder_state())
        second = storage.folder_states.put(mailbox, replace(first, cursor="next"))
        for stale in (replace(first, cursor="mine"), a_folder_state(cursor="mine")):
            with pytest.raises(Conflict):
                storage.folder_states.put(mailbox, stale)
        assert storage.folder_states.all(mailbox) == [second]

    def test_forgetting_is_for_one_mailbox(self, storage, tenant):
        mailbox, other = a_mailbox(tenant_id=tenant), a_mailbox(tenant_id=tenant, mailbox_id="ef" * 16)
        for one in (mailbox, other):
            for number in range(3):
                storage.folder_states.put(one, a_folder_state(folder_id=f"folder-{number}"))
        storage.folder_states.forget(mailbox)
        storage.folder_states.forget(mailbox)
        assert storage.folder_states.all(mailbox) == []
        assert storage.folder_states.get(mailbox, "folder-1") is None
        assert len(storage.folder_states.all(other)) == 3


class TestBackfills:
    def test_a_backfill_comes_back_as_it_was_put(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        assert storage.backfills.get(mailbox) is None
        fresh = storage.backfills.put(mailbox, Backfill.starting(NOW - timedelta(days=9), NOW, None))
        assert storage.backfills.get(mailbox) == fresh
        planned = fresh.planned(("A/B+c==", "d"), 70)
        rest = Window(NOW - timedelta(days=3), NOW, "cursor")
        second = storage.backfills.put(mailbox, planned.advanced("d", rest, 50))
        assert storage.backfills.get(mailbox) == second
        ended = storage.backfills.put(mailbox, second.ended("done", NOW))
        assert storage.backfills.get(mailbox) == ended

    def test_a_stale_version_is_refused(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        first = Backfill.starting(NOW - timedelta(days=9), NOW, None)
        stored = storage.backfills.put(mailbox, first)
        storage.backfills.put(mailbox, stored.stepped(NOW))
        for stale in (first, stored):
            with pytest.raises(Conflict):
                storage.backfills.put(mailbox, stale)

    def test_it_is_no_folder(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        state = storage.folder_states.put(mailbox, a_folder_state(resync=Window.of(NOW, NOW), begins=NOW))
        storage.backfills.put(mailbox, Backfill.starting(NOW - timedelta(days=9), NOW, None))
        assert storage.folder_states.all(mailbox) == [state]


class TestSubscriptions:
    def test_a_subscription_comes_back_as_it_was_put(self, storage, tenant):
        first = storage.subscriptions.put(tenant, a_subscription(subscription_id="", expires_at=None))
        assert storage.subscriptions.get(tenant, MAILBOX_ID) == first
        second = storage.subscriptions.put(tenant, replace(first, subscription_id="s", expires_at=NOW))
        assert storage.subscriptions.get(tenant, MAILBOX_ID) == second

    def test_a_stale_version_is_refused(self, storage, tenant):
        storage.subscriptions.put(tenant, a_subscription())
        with pytest.raises(Conflict):
            storage.subscriptions.put(tenant, a_subscription())

    def test_those_of_an_organisation_are_listed(self, storage, tenant):
        for ident in ("0a" * 16, "0b" * 16):
            storage.subscriptions.put(tenant, a_subscription(mailbox_id=ident))
        storage.subscriptions.put(str(uuid4()), a_subscription())
        assert {one.mailbox_id for one in storage.subscriptions.of(tenant)} == {"0a" * 16, "0b" * 16}

    def test_ending_are_those_before_a_moment_and_those_without_an_end(self, storage, tenant):
        ends = {
            "before": NOW - timedelta(seconds=1),
            "at": NOW,
            "later": NOW + timedelta(days=1),
            "none": None,
        }
        rows = {
            name: storage.subscriptions.put(tenant, a_subscription(mailbox_id=name, expires_at=moment))
            for name, moment in ends.items()
        }
        found = [row for owner, row in storage.subscriptions.ending(NOW) if owner == tenant]
        assert sorted(found, key=lambda one: one.mailbox_id) == [rows["before"], rows["none"]]

    def test_deleting_twice_is_no_error(self, storage, tenant):
        storage.subscriptions.put(tenant, a_subscription())
        storage.subscriptions.delete(tenant, MAILBOX_ID)
        storage.subscriptions.delete(tenant, MAILBOX_ID)
        assert storage.subscriptions.get(tenant, MAILBOX_ID) is None


class TestSightings:
    def test_a_sighting_comes_back_as_it_was_put(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        sighting = a_sighting(
            reference_hashes=("a" * 32,), address_hashes=("b" * 32, "c" * 32), domain_hashes=("d" * 32,)
        )
        storage.sightings.put(mailbox, [sighting])
        found = storage.sightings.between(mailbox, sighting.received_at, sighting.received_at)
        assert found == {sighting.item: sighting}

    def test_the_interval_is_closed_and_exact(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        times = {str(step): NOW + timedelta(microseconds=step * 400) for step in range(-3, 4)}
        storage.sightings.put(
            mailbox, [a_sighting(item=an_item(name), received_at=at) for name, at in times.items()]
        )
        found = storage.sightings.between(mailbox, times["-1"], times["1"])
        assert {item.item_id for item in found} == {"-1", "0", "1"}

    def test_an_id_is_another_mail_in_another_folder_unless_it_holds_in_the_whole_mailbox(
        self, storage, tenant
    ):
        mailbox = a_mailbox(tenant_id=tenant)
        within = [a_sighting(item=ItemRef(folder, "7"), folder_id=folder) for folder in ("INBOX", "Sent")]
        moved = [a_sighting(item=ItemRef("", "7"), folder_id=folder) for folder in ("inbox", "archive")]
        for sighting in (*within, *moved):
            storage.sightings.put(mailbox, [sighting])
        found = storage.sightings.between(mailbox, NOW - timedelta(hours=1), NOW)
        assert found == {within[0].item: within[0], within[1].item: within[1], moved[1].item: moved[1]}

    def test_putting_again_replaces(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        storage.sightings.put(mailbox, [a_sighting()])
        storage.sightings.put(mailbox, [a_sighting(outcome="queued"), a_sighting(outcome="filed")])
        found = storage.sightings.between(mailbox, NOW - timedelta(days=1), NOW)
        assert [one.outcome for one in found.values()] == ["filed"]

    def test_more_than_a_transaction_takes_is_put_whole(self, storage, tenant):
        mailbox = a_mailbox(tenant_id=tenant)
        many = [
            a_sighting(item=an_item(f"id-{n}"), received_at=NOW + timedelta(seconds=n)) for n in range(230)
        ]
        storage.sightings.put(mailbox, many)
        storage.sightings.put(mailbox, [])
        assert len(storage.sightings.between(mailbox, NOW, NOW + timedelta(days=1))) == 230

    def test_mailboxes_do_not_see_each_other(self, storage, tenant):
        storage.sightings.put(a_mailbox(tenant_id=tenant), [a_sighting()])
        other = a_mailbox(tenant_id=tenant, mailbox_id="ef" * 16)
        assert storage.sightings.between(other, NOW - timedelta(days=1), NOW) == {}


class TestLeases:
    def test_a_mailbox_is_held_once(self, storage, tenant):
        first, second = storage.leases.take(tenant, "one"), storage.leases.take(tenant, "two")
        assert first is not None
        assert second is not None
        assert storage.leases.take(tenant, "one") is None
        second.release()
        assert storage.leases.take(tenant, "one") is None
        first.release()
        storage.leases.take(tenant, "one").release()

    def test_another_tenant_s_mailbox_of_the_same_name_is_another(self, storage, tenant):
        lease = storage.leases.take(tenant, "one")
        other = storage.leases.take(str(uuid4()), "one")
        assert other is not None
        lease.release()
        other.release()
