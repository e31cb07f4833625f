"""What only the real adapters can show: what each method costs, what they write, and races at Azure."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from dev.processes import wait_for
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.layout import TABLE_LAYOUT
from shared.adapters.storage.leases import AzureLeases
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores import timeline
from shared.adapters.storage.stores.inbox import AzureInbox
from shared.adapters.storage.stores.organisations import AzureOrganisations
from shared.adapters.storage.stores.records import AzureRecords
from shared.adapters.storage.table import Table
from shared.adapters.storage.version import STORE
from shared.domain import names
from shared.domain.campaigns.campaigns import Recipient
from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.capture.late_contacts import Announcement
from shared.domain.capture.pending import EVERYTHING, PendingRow
from shared.domain.commands.agenda import Run
from shared.domain.connections.accounts import MailAccount, Server
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.connections.mailbox_state import failing, resumed, walked
from shared.domain.errors import Rejected, Unavailable
from shared.domain.intake.acknowledgements import Counter
from shared.domain.mail.identity import variant_key
from shared.domain.privacy.audit import AuditRow
from shared.domain.privacy.erasure import Deletion, Erasure
from shared.domain.sending.outbox import CampaignPlace
from shared.services.filing.change_message import ChangeMessage
from tests.builders import (
    CONTACT,
    KEY,
    MAILBOX_ID,
    NOW,
    a_campaign,
    a_copy,
    a_dependent,
    a_document,
    a_failure,
    a_folder_state,
    a_mailbox,
    a_notice,
    a_pending_mail,
    a_record,
    a_ref,
    a_sighting,
    a_stored_message,
    a_subscription,
    a_triaged_message,
    an_entry,
    an_inbox_item,
    an_item,
    an_organisation,
    an_outbox_mail,
    an_upload,
)
from tests.composed import use_cases_over
from tests.contract.test_connections import a_connection
from tests.contract.test_events import an_event
from tests.contract.test_messages import create, noise
from tests.contract.test_timeline import ALL
from tests.fakes import Killed

pytestmark = pytest.mark.stack


def finish(azure, tenant, message):
    change = use_cases_over(azure).part(ChangeMessage)
    change(tenant, message.key, lambda row: row.finished(message), known=message)


class TestCosts:
    def test_a_filed_mail(self, azure, tenant, cost):
        azure.records.put_many(tenant, [a_record()])
        assert cost(azure.index.addresses, tenant, [CONTACT]) == 1
        assert cost(azure.records.get_many, tenant, [a_ref()]) == 1
        in_thread = a_stored_message(thread=KEY, answered=an_entry(message_key="0").id)
        assert cost(create, azure, tenant, in_thread) == 1
        answer = an_entry(thread=KEY, answered=in_thread.answered)
        assert cost(azure.timeline.put, tenant, [answer]) == 1
        assert cost(azure.inbox.put, tenant, [an_inbox_item()]) == 1
        assert cost(azure.sightings.put, a_mailbox(tenant_id=tenant), [a_sighting()]) == 1
        message = azure.messages.get(tenant, KEY)
        assert cost(finish, azure, tenant, message) == 1

    def test_answers(self, azure, tenant, cost, monkeypatch):
        opening = [an_entry(message_key=f"{number}f" * 16) for number in range(4)]
        answers = [
            an_entry(message_key=f"{number}{place}", answered=mail.id)
            for place, mail in enumerate(opening)
            for number in range(3)
        ]
        azure.timeline.put(tenant, [*opening, *answers])
        ids = [mail.id for mail in opening]
        found = azure.timeline.answers(tenant, a_ref(), ids)
        assert found[ids[2]] == {"02", "12", "22"}
        assert cost(azure.timeline.answers, tenant, a_ref(), ids) == 1
        # More answers than a query reads: the mails behind are read one by one, and each is whole.
        monkeypatch.setattr(timeline, "_ANSWERS", 4)
        assert azure.timeline.answers(tenant, a_ref(), ids) == found
        assert cost(azure.timeline.answers, tenant, a_ref(), ids) == 4
        assert cost(azure.timeline.remove, tenant, [a_ref()], answers[0].id, ids[0]) == 3

    def test_a_thread(self, azure, tenant, cost):
        create(azure, tenant, a_stored_message(thread=KEY))
        assert cost(azure.messages.of_thread, tenant, KEY, limit=50, after="") == 4
        assert cost(azure.messages.with_documents, tenant, [KEY]) == 1

    def test_messages(self, azure, tenant, cost):
        assert cost(azure.messages.wait_for, tenant, KEY, a_dependent(1)) == 1
        assert cost(azure.messages.wait_for, tenant, KEY, a_dependent(2)) == 3
        assert cost(create, azure, tenant) == 3
        message = azure.messages.get(tenant, KEY)
        assert cost(create, azure, tenant) == 2
        assert cost(azure.messages.wait_for, tenant, KEY, a_dependent(3)) == 3
        hit = azure.messages.get(tenant, KEY).as_thread_hit("id")
        assert cost(azure.messages.depend_on, tenant, hit, a_dependent(4)) == 1
        assert cost(azure.messages.depend_on, tenant, hit, a_dependent(5)) == 3
        assert cost(azure.messages.dependents, tenant, KEY) == 1
        assert cost(azure.messages.get, tenant, KEY) == 1
        assert cost(azure.messages.document, tenant, KEY) == 1
        assert cost(azure.messages.copies, tenant, KEY) == 1
        assert cost(azure.messages.add_copy, tenant, KEY, a_copy(item=an_item("2"))) == 1
        assert cost(azure.messages.find, tenant, {KEY: "a", "ff" * 16: "b"}) == 2
        message = azure.messages.get(tenant, KEY)
        message = azure.messages.save(tenant, replace(message, variants=1))
        assert cost(azure.messages.find, tenant, {KEY: "a"}) == 2
        azure.messages.save(tenant, message)
        assert cost(finish, azure, tenant, message) == 3
        large = a_document(html=noise(200_000))
        assert cost(create, azure, tenant, a_stored_message(key="bb" * 16), large) == 2
        assert cost(azure.messages.document, tenant, "bb" * 16) == 2

    def test_mailboxes(self, azure, tenant, cost):
        assert cost(azure.mailboxes.save, a_mailbox(tenant_id=tenant)) == 1
        mailbox = azure.mailboxes.by_id(tenant, MAILBOX_ID)
        assert cost(azure.mailboxes.by_id, tenant, MAILBOX_ID) == 1
        assert cost(azure.mailboxes.get, tenant, mailbox.address) == 2
        assert cost(azure.mailboxes.change, mailbox, walked(NOW)) == 1
        assert (
            cost(azure.mailboxes.change, mailbox, failing("Read before that: refused, read, written.")) == 3
        )
        assert cost(azure.mailboxes.change, mailbox, resumed) == 0
        mailbox = azure.mailboxes.by_id(tenant, MAILBOX_ID)
        assert cost(azure.mailboxes.save, replace(mailbox, enabled=False)) == 2
        assert cost(azure.mailboxes.of, tenant) == 1
        assert cost(azure.mailboxes.due, NOW) == 1
        assert cost(azure.mailboxes.delete, tenant, mailbox.address) == 2

    def test_walks(self, azure, tenant, cost):
        mailbox = a_mailbox(tenant_id=tenant)
        assert cost(azure.organisations.put, an_organisation(tenant_id=tenant)) == 1
        habits = [Learnt(habit, holds=True, at=NOW) for habit in Habit]
        assert cost(azure.habits.put, tenant, habits) == cost(azure.habits.of, tenant) == 1
        assert cost(azure.organisations.get, tenant) == 1
        assert cost(azure.subscriptions.put, tenant, a_subscription()) == 1
        assert cost(azure.subscriptions.get, tenant, MAILBOX_ID) == 1
        assert cost(azure.folder_states.put, mailbox, a_folder_state()) == 1
        assert cost(azure.folder_states.get, mailbox, "inbox-folder") == 1
        assert cost(azure.folder_states.all, mailbox) == 1
        assert cost(azure.sightings.between, mailbox, NOW, NOW) == 1
        assert cost(azure.exceptions.record, a_failure(tenant_id=tenant)) == 1
        many = [a_sighting(item=an_item(str(number))) for number in range(150)]
        assert cost(azure.sightings.put, mailbox, many) == 3

    def test_a_lease_is_one_request_to_take_and_one_to_give_back(self, azure, tenant, cost):
        def held():
            azure.leases.take(tenant, MAILBOX_ID).release()

        assert cost(held) == 4, "the first one makes the blob"
        assert cost(held) == 2

    def test_a_mailbox_that_another_process_holds_costs_one_request(self, azure, tenant, cost):
        held = AzureLeases(azure.connection).take(tenant, MAILBOX_ID)
        assert cost(azure.leases.take, tenant, MAILBOX_ID) == 1
        assert azure.leases.take(tenant, MAILBOX_ID) is None
        held.release()
        azure.leases.take(tenant, MAILBOX_ID).release()

    def test_a_mailbox_that_this_process_holds_costs_none(self, azure, tenant, cost):
        held = azure.leases.take(tenant, MAILBOX_ID)
        assert cost(azure.leases.take, tenant, MAILBOX_ID) == 0
        held.release()

    def test_of_many_workers_that_come_at_once_one_holds_the_mailbox(self, azure, tenant):
        with ThreadPoolExecutor(12) as workers:
            leases = list(workers.map(lambda _: azure.leases.take(tenant, MAILBOX_ID), range(24)))
        held = [lease for lease in leases if lease is not None]
        assert len(held) == 1
        held[0].release()

    def test_a_worklist_costs_a_request_for_each_step_of_twenty_mails(self, azure, tenant, cost):
        place, pending = (tenant, MAILBOX_ID), azure.pending
        rows = [a_pending_mail(f"{number:03}") for number in range(100)]
        assert cost(pending.put, *place, rows) == 1
        assert cost(pending.due, *place, EVERYTHING, NOW, limit=20) == 1
        begun: list[PendingRow] = []

        def begin() -> None:
            begun.extend(pending.begin(*place, pending.due(*place, EVERYTHING, NOW, limit=20)))

        assert cost(begin) == 1 + 1
        assert len(begun) == 20
        assert cost(pending.end, *place, begun[:15], begun[15:]) == 1

    def test_records(self, azure, tenant, cost):
        assert cost(azure.records.put_many, tenant, [a_record()]) == 3
        assert cost(azure.records.put_many, tenant, [a_record(name="New")]) == 2
        assert cost(azure.records.put_many, tenant, [a_record(addresses=())]) == 4
        assert cost(azure.records.delete, tenant, a_ref()) == 3
        assert cost(azure.records.page, tenant, "contact", text="", limit=10, after="") == 1
        many = [a_record(f"contact/{n}", addresses=(f"p{n}@x.example",)) for n in range(100)]
        assert cost(azure.records.put_many, tenant, many) <= 1 + 16 + 1
        assert cost(azure.records.put_many, tenant, many) == 1, "what says nothing new is not written"

    def test_a_bulk_load_fills_its_transactions(self, azure, tenant, cost):
        many = [a_record(f"contact/{n}", addresses=(f"p{n}@x.example",)) for n in range(1_000)]
        assert cost(azure.records.put_many, tenant, many) <= 10 + 16 + 10
        assert cost(azure.records.put_many, tenant, many) == 10

    def test_a_page_of_a_timeline_is_one_query(self, azure, tenant, cost):
        azure.timeline.put(tenant, [an_entry(message_key=f"{number:02}") for number in range(60)])
        assert cost(azure.timeline.page, tenant, a_ref(), ALL, limit=50, after="") == 1


class TestRows:
    def test_every_table_holds_the_columns_that_its_layout_names(self, azure, tenant):
        mailbox = azure.mailboxes.save(a_mailbox(tenant_id=tenant))
        azure.organisations.put(an_organisation(tenant_id=tenant))
        azure.folder_states.put(mailbox, a_folder_state())
        azure.subscriptions.put(tenant, a_subscription())
        azure.records.put_many(tenant, [a_record()])
        create(azure, tenant)
        create(azure, tenant, a_triaged_message(key="cc" * 16), a_document(html=noise(200_000)))
        azure.sightings.put(mailbox, [a_sighting()])
        azure.pending.put(tenant, MAILBOX_ID, [a_pending_mail()])
        azure.timeline.put(tenant, [an_entry()])
        azure.inbox.put(tenant, [an_inbox_item()])
        azure.exceptions.record(a_failure(tenant_id=tenant))
        azure.exceptions.note_replayed(a_failure(tenant_id=tenant), NOW)
        azure.late_contacts.announce(tenant, Announcement("1", NOW, ("0f" * 16,)))
        azure.late_contacts.note_asked(tenant, NOW)
        azure.audit.append(tenant, AuditRow("1", NOW, "ann", "link"))
        azure.erasures.put(tenant, Erasure("aa" * 16, NOW, "ann", address=CONTACT, names=(), touched_at=NOW))
        azure.erasures.note_deletion(Deletion(tenant, NOW, done_at=NOW))
        azure.connections.put(a_connection(tenant))
        azure.habits.put(tenant, [Learnt(Habit.LISTS_IN_ORDER, holds=True, at=NOW)])
        azure.runs.end(replace(azure.runs.claim(Run(tenant, NOW, NOW, "1")), finished=NOW))
        azure.codes.claim(tenant, 1, [a_ref()], KEY)
        azure.codes.note_forged(tenant, "0f" * 16, KEY, 1)
        azure.events.append(tenant, [an_event(only_for=frozenset((MAILBOX_ID,)))])
        azure.messages.note_name(tenant, "ee" * 16, KEY, ())
        place = CampaignPlace("ca" * 16, 0, "https://postledger.example/u")
        azure.outbox.add(an_outbox_mail(tenant_id=tenant, key_hash="0f" * 16, campaign=place))
        azure.notices.add(tenant, a_notice())
        azure.uploads.save(an_upload(tenant_id=tenant))
        azure.signatures.put(tenant, "ann", "<p>Ann</p>")
        campaign = azure.campaigns.add(a_campaign(tenant_id=tenant))
        azure.campaigns.put_recipients(campaign, [Recipient(0, "C-0", "Bo", CONTACT)])
        azure.silences.put(tenant, Silence("ab" * 16, Reason.UNSUBSCRIBED, campaign.id))
        azure.acknowledgements.count(tenant, [Counter("pair", 1, timedelta(hours=1))], "a", NOW)
        azure.credentials.put(
            MailAccount(tenant, MAILBOX_ID, "ann", Server("mail.contoso.example", 993)), "x"
        )
        for table, layout in TABLE_LAYOUT.items():
            columns, partitions = set(), set()
            for row in azure.connection.table(table).list_entities():
                is_mark = row["PartitionKey"] == STORE
                if is_mark or tenant in (row["PartitionKey"][: len(tenant)], row["RowKey"]):
                    partitions.add(row["PartitionKey"])
                    columns |= set(row) - {"PartitionKey", "RowKey"}
            assert partitions, table
            assert columns == set(layout.columns), table
        assert set(TABLE_LAYOUT) == set(names.TABLES)

    def test_a_large_document_that_lost_the_race_is_removed(self, azure, tenant):
        create(azure, tenant, document=a_document(html=noise(200_000)))
        create(azure, tenant, document=a_document(html=noise(210_000)))
        blobs = azure.connection.container(names.BODIES).list_blobs(name_starts_with=f"{tenant}/")
        assert len(list(blobs)) == 1

    def test_a_row_that_azure_would_refuse_does_not_leave(self, azure, tenant):
        azure.requests.clear()
        mailbox = a_mailbox(tenant_id=tenant)
        with pytest.raises(Rejected, match="last_error"):
            azure.mailboxes.change(mailbox, failing("x" * 40_000))
        with pytest.raises(Rejected, match="RowKey"):
            azure.mailboxes.by_id(tenant, "x" * 600) or azure.mailboxes.change(
                a_mailbox(tenant_id=tenant, mailbox_id="x" * 600), walked(NOW)
            )
        assert all(one.startswith("GET") for one in azure.requests)

    def test_variants_are_kept_apart_from_copies(self, azure, tenant):
        create(azure, tenant)
        create(azure, tenant, a_stored_message(key=variant_key(KEY, 1)))
        rows = azure.connection.table(names.MESSAGES).query_entities(f"PartitionKey eq '{tenant}|0'")
        assert len(list(rows)) == 4


class TestCrashes:
    """A worker that is killed between any two requests, and the run that repeats what it did."""

    @staticmethod
    def killed_after(azure, number, call, *args):
        """Whether the n-th write of the call was reached; the worker dies with its answer."""
        writes = []

        def kill(method, status):
            if method != "GET":
                writes.append(status)
                if len(writes) == number:
                    raise Killed

        listeners = azure.connection.listeners
        listeners.append(kill)
        try:
            call(*args)
        except Killed:
            return True
        finally:
            listeners.remove(kill)
        return False

    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    def test_a_changed_record_is_found_at_every_moment_and_right_in_the_end(self, azure, tenant, number):
        old, new = (
            a_record(addresses=("a@x.example", "b@x.example")),
            a_record(addresses=("b@x.example", "c@x.example")),
        )
        azure.records.put_many(tenant, [old])
        killed = self.killed_after(azure, number, azure.records.put_many, tenant, [new])
        assert killed == (number <= 3)
        found = azure.index.addresses(tenant, [*old.addresses, *new.addresses])
        stored = azure.records.get(tenant, a_ref())
        assert all(found[one].records for one in stored.addresses)
        azure.records.put_many(tenant, [new])
        found = azure.index.addresses(tenant, [*old.addresses, *new.addresses])
        assert {one for one, known in found.items() if known.records} == set(new.addresses)

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_deleted_record_leaves_no_index_behind(self, azure, tenant, number):
        azure.records.put_many(tenant, [a_record(addresses=("a@x.example", "b@x.example"))])
        self.killed_after(azure, number, azure.records.delete, tenant, a_ref())
        azure.records.delete(tenant, a_ref())
        found = azure.index.addresses(tenant, ["a@x.example", "b@x.example"])
        assert not any(known.records for known in found.values())

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_large_message_is_whole_or_not_there(self, azure, tenant, number):
        document = a_document(html=noise(200_000))
        call = (azure.messages.create, tenant, a_stored_message(), document, a_copy())
        assert self.killed_after(azure, number, *call)
        assert azure.messages.document(tenant, KEY) == (document if number == 2 else None)
        again = azure.messages.create(tenant, a_stored_message(), document, a_copy())
        assert again.created == (number == 1)
        assert azure.messages.document(tenant, KEY) == document
        assert azure.messages.copies(tenant, KEY) == [a_copy()]


def renewals(others: set[threading.Thread]) -> set[threading.Thread]:
    """The threads that renew a lease, but for these."""
    return {thread for thread in threading.enumerate() if thread.name == "lease"} - others


class TestRaces:
    def test_two_writers_of_a_record_leave_its_index_right(self, azure, tenant):
        """One takes an address off, the other puts it back, many times at once."""
        writers = [AzureRecords(azure.connection, azure.index) for _ in range(2)]
        versions = [a_record(addresses=("a@x.example",)), a_record(addresses=("b@x.example",))]
        for _ in range(6):
            threads = [
                threading.Thread(target=writer.put_many, args=(tenant, [version]))
                for writer, version in zip(writers, versions, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            stored = azure.records.get(tenant, a_ref())
            found = azure.index.addresses(tenant, ["a@x.example", "b@x.example"])
            assert {address for address, known in found.items() if known.records} == set(stored.addresses)

    def test_an_index_row_that_was_written_again_is_not_dropped(self, azure, tenant):
        """A load that is slow to clean up must not take away what a later one has put back."""
        key = (a_record().card, f"address:{CONTACT}")
        azure.index.add(tenant, [key])
        seen = azure.index.seen(tenant, [key])
        azure.index.add(tenant, [key])
        azure.index.drop(tenant, seen)
        assert azure.index.addresses(tenant, [CONTACT])[CONTACT].records == {a_ref()}
        azure.index.drop(tenant, azure.index.seen(tenant, [key]))
        assert azure.index.addresses(tenant, [CONTACT])[CONTACT].records == frozenset()

    def test_a_missing_table_is_no_missing_row(self, azure, tenant):
        with pytest.raises(Unavailable, match="provisioned"):
            Table(azure.connection, "Nowhere").get(tenant, "row")

    def test_nobody_listening_is_unavailable(self, tenant):
        settings = StorageSettings(
            "DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm90aGluZw==;"
            "TableEndpoint=http://127.0.0.1:1/none;BlobEndpoint=http://127.0.0.1:1/none;"
        )
        connection = Connection(settings, retries=0)
        with pytest.raises(Unavailable):
            AzureOrganisations(connection).get(tenant)
        with pytest.raises(Unavailable):
            AzureInbox(connection).put(tenant, [an_inbox_item()])
        with pytest.raises(Unavailable):
            AzureLeases(connection).take(tenant, MAILBOX_ID)

    def test_a_held_lease_is_renewed(self, azure, tenant):
        started = renewals(set())
        leases = AzureLeases(azure.connection, renew_every=0.05)
        lease = leases.take(tenant, MAILBOX_ID)
        azure.requests.clear()
        wait_for(lambda: azure.requests.count("PUT 200") >= 3 or None, "it is not renewed")
        lease.release()
        wait_for(lambda: not renewals(started) or None, "it is renewed for ever")
