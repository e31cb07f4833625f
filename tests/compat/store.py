"""A store with all that this version writes: the organisation of `test_nothing_left`, and what it lacks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from shared.adapters.secrets.sealing import Sealer
from shared.domain.capture.backfills import Backfill
from shared.domain.capture.pending import EVERYTHING, Flags, Lane, PendingRow
from shared.domain.commands.agenda import Run
from shared.domain.commands.commands import ReconcileMailbox
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.filing.entries import KINDS
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.intake.acknowledgements import Acknowledgement, Counter, Template
from shared.domain.privacy.erasure import Deletion, Erasure
from shared.domain.records.records import RecordRef
from shared.domain.sending.pacing import Pace
from shared.ports.stores.filing import EntryFilter
from shared.ports.stores.sending import OutboxFilter
from tests.builders import (
    HASH_KEY,
    KEY,
    MAILBOX_ID,
    NOW,
    TENANT,
    a_campaign,
    a_dependent,
    a_failure,
    a_notice,
    a_pending_mail,
    an_outbox_mail,
)
from tests.contract.test_credentials import an_account
from tests.contract.test_nothing_left import OTHER, a_world

TOKEN_KEYS: Final = (b"t" * 32, b"u" * 32)
TOKEN: Final = "0.ARefreshToken-of-nobody"
EVERY: Final = EntryFilter(frozenset(KINDS))
_ADDED: Final = "added_later"


def filled(connection_string: str) -> Any:
    """The storage behind a world that has worked, with a row of every kind."""
    world = a_world(connection_string)
    storage: Any = world.storage
    mailbox = world.mailbox
    storage.connections.put(
        MailConnection(
            TENANT,
            "graph-delegated",
            "service_account",
            state="verified",
            token=Sealer(TOKEN_KEYS).seal(TOKEN, "graph-delegated"),
            user_id="oid",
            consented_at=NOW,
        )
    )
    storage.credentials.put(an_account(TENANT), "A password of nobody")
    storage.habits.put(TENANT, [Learnt(habit, holds=True, at=NOW) for habit in Habit])
    storage.backfills.put(mailbox, Backfill(NOW - timedelta(days=30), NOW, NOW, step=2, expected=9))
    storage.erasures.put(TENANT, Erasure("0e" * 16, NOW, "admin", address="gone@tailspin.example"))
    storage.erasures.note_deletion(Deletion.of(HASH_KEY, "0" * 36, NOW))
    run = storage.runs.claim(Run("poll", NOW, NOW, "tick"))
    storage.runs.end(replace(run, finished=NOW))
    storage.exceptions.record(a_failure(command=ReconcileMailbox.of(mailbox, NOW).to_json()))
    template = Template("en", "Re: {subject}", text="We have it.")
    storage.acknowledgements.save(TENANT, MAILBOX_ID, Acknowledgement(True, "en", (template,), version=1))
    storage.acknowledgements.count(TENANT, [Counter("pair", 3, timedelta(days=1))], "key", NOW)
    storage.pending.put(TENANT, "waiting", [a_pending_mail(flags=Flags(silent=True), not_before=NOW)])
    walk = PendingRow.of_command(ReconcileMailbox.of(mailbox, NOW), lane=Lane.HISTORY)
    storage.pending.put(TENANT, "waiting", [walk])
    storage.inbox.note_change(TENANT, PendingChange("1", KEY, NOW, "ann", "link", ("contact/C-1",)))
    storage.late_contacts.note_asked(TENANT, NOW)
    storage.notices.add(OTHER, a_notice())
    storage.codes.claim(TENANT, 77, (), KEY)
    due = storage.outbox.add(an_outbox_mail(id="9" * 15 + "-" + "0c" * 16, tag="due", key_hash="0d" * 16))
    storage.outbox.start(due, Pace().counting(due, NOW))
    storage.messages.wait_for(TENANT, "awaited" + KEY[7:], a_dependent())
    return world


def columns_added(storage: Any, tables: Any) -> set[tuple[str, str, str]]:
    """Give every row a column as a newer version would; the places of the rows."""
    places = set()
    for table in tables:
        client = storage.connection.table(table)
        for row in client.list_entities(select=["PartitionKey", "RowKey"]):
            place = (row["PartitionKey"], row["RowKey"])
            client.update_entity({"PartitionKey": place[0], "RowKey": place[1], _ADDED: "kept"})
            places.add((table, *place))
    return places


def columns_lost(storage: Any, places: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Which rows stand without it. Rows that are gone are no loss."""
    lost = set()
    for table in {place[0] for place in places}:
        for row in storage.connection.table(table).list_entities():
            place = (table, row["PartitionKey"], row["RowKey"])
            if place in places and row.get(_ADDED) != "kept":
                lost.add(place)
    return lost


def written_over(world: Any) -> None:
    """Every store writes over what it holds, as this version does it."""
    storage = world.storage
    mailbox = storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    organisation = storage.organisations.get(TENANT)
    storage.organisations.put(replace(organisation, name="Contoso Ltd"))
    storage.mailboxes.save(replace(mailbox, poll_minutes=7))
    world.rewrite(storage.mailboxes.by_id(TENANT, mailbox.mailbox_id), last_error="")
    _connections_over(storage)
    for state in storage.folder_states.all(mailbox):
        storage.folder_states.put(mailbox, replace(state, cursor="next"))
    backfill = storage.backfills.get(mailbox)
    storage.backfills.put(mailbox, replace(backfill, done=3))
    known, _ = storage.records.page(TENANT, "contact", text="", limit=9, after="")
    storage.records.put_many(
        TENANT, [replace(record, name="Changed", owner="x@contoso.example") for record in known]
    )
    _mail_over(world)
    _sending_over(storage)
    storage.erasures.put(TENANT, replace(storage.erasures.get(TENANT, "0e" * 16), changed=2))
    storage.erasures.note_deletion(replace(Deletion.of(HASH_KEY, "0" * 36, NOW), done_at=NOW))
    [run] = [run for run in storage.runs.all() if run.item == "poll"]
    claimed = storage.runs.claim(replace(run, by="second", finished=None))
    storage.runs.end(replace(claimed, finished=NOW + timedelta(minutes=1)))
    storage.late_contacts.note_asked(TENANT, NOW + timedelta(hours=1))
    acknowledgement = storage.acknowledgements.get(TENANT, MAILBOX_ID)
    storage.acknowledgements.save(TENANT, MAILBOX_ID, replace(acknowledgement, version=2))
    storage.acknowledgements.count(TENANT, [Counter("pair", 3, timedelta(days=1))], "other", NOW)


def _connections_over(storage: Any) -> None:
    connection = storage.connections.get(TENANT, "graph-delegated")
    storage.connections.put(replace(connection, state="lost"))
    account = storage.credentials.get(TENANT, an_account(TENANT).mailbox_id)
    storage.credentials.put(account, "Another password of nobody")
    for subscription in list(storage.subscriptions.of(TENANT)):
        storage.subscriptions.put(TENANT, replace(subscription, expires_at=None))
    storage.habits.put(TENANT, [Learnt(habit, holds=False, at=NOW) for habit in Habit])


def _mail_over(world: Any) -> None:
    storage = world.storage
    messages, _ = storage.messages.scan(TENANT, limit=50, after="")
    for message in messages:
        storage.messages.save(TENANT, replace(message, variants=3))
        for copy in storage.messages.copies(TENANT, message.key):
            storage.messages.add_copy(TENANT, message.key, copy)
    storage.messages.wait_for(TENANT, "awaited" + KEY[7:], a_dependent(2))
    for row in storage.pending.due(TENANT, "waiting", EVERYTHING, NOW + timedelta(days=1), limit=9):
        [begun] = storage.pending.begin(TENANT, "waiting", [row])
        storage.pending.end(TENANT, "waiting", [], [begun.waiting(NOW, 2)])
    for ref in ("contact/C-1", "contact/C-2", "client/T"):
        entries, _ = storage.timeline.page(TENANT, RecordRef.parse(ref), EVERY, limit=50, after="")
        storage.timeline.put(TENANT, entries)
    agents = [box.agent for box in storage.mailboxes.of(TENANT)]
    for agent in agents:
        storage.inbox.put(TENANT, storage.inbox.page(TENANT, agent, limit=50, after="")[0])
        for notice in storage.notices.page(TENANT, agent, limit=9, after="")[0]:
            storage.notices.refresh(TENANT, notice)
    storage.notices.add(OTHER, a_notice(message_key="ab" * 16))


def _sending_over(storage: Any) -> None:
    campaign = storage.campaigns.get(TENANT, a_campaign().id)
    recipients = storage.campaigns.recipients(campaign, limit=9, after=-1)
    storage.campaigns.save(replace(campaign, name="Again"))
    storage.campaigns.put_recipients(campaign, recipients)
    storage.signatures.put(TENANT, "ann", "<p>Ann</p>")
    mails, _ = storage.outbox.page(TENANT, OutboxFilter(), limit=9, after="")
    for mail in mails:
        storage.outbox.save(replace(mail, subject="Changed"))
