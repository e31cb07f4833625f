"""All storage is searched for a person and for an organisation, before and after each was taken away.

A whole organisation lives on Azurite here; every column, key, blob and queue message is read as it is, and unpacked.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dev.azurite import start_azurite
from shared.adapters.storage.connection import DIRECT
from shared.adapters.storage.encoding import escaped, hashed
from shared.adapters.storage.stores.codes import AzureCodes
from shared.adapters.storage.stores.pending import AzurePending
from shared.domain import names
from shared.domain.campaigns.campaigns import Recipient
from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.capture.late_contacts import Announcement
from shared.domain.connections.accounts import MailAccount, Server
from shared.domain.connections.mailboxes import INTAKE
from shared.domain.filing.entries import inverted
from shared.domain.intake.acknowledgements import Acknowledgement
from shared.domain.intake.settings import Intake
from shared.domain.mail.addresses import Person
from shared.domain.mail.templates import MailTemplate
from shared.domain.privacy.audit import AuditRow
from shared.domain.privacy.callers import OPERATOR, Caller
from shared.domain.privacy.erasure import PLACEHOLDER, deleted_organisation, suppression
from shared.domain.records.records import RecordRef
from shared.domain.sending import marks, transitions
from shared.services.capture.scopes import hasher_of
from tests.builders import (
    AGENT,
    HASH_KEY,
    NOW,
    TENANT,
    a_campaign,
    a_failure,
    a_record,
    a_subscription,
    an_attachment,
    an_outbox_mail,
    an_upload,
)
from tests.contract.conftest import AzureStorage, provision
from tests.fakes import FakeCommandQueue, FakeLeases, Faults
from tests.fakes.mail import FakeMail
from tests.fakes.marking import FakeMarker
from tests.fakes.notifications import FakeSubscriptionSource
from tests.fakes.sending import FakeSender
from tests.unit.services.world import World

pytestmark = pytest.mark.stack

BO = Person("Bo Vestergaard", "bo.vestergaard@tailspin.example")
LI = "li@fabrikam.example"
PASSWORD = "Vermilion-otter-9041"
SPLIT = BO.address.replace("@", "@<wbr>")
SECOND = "second@contoso.example"
SERVICE = "service@contoso.example"
ALWAYS = NOW + timedelta(days=3_650)
THIRD = "third@contoso.example"
OTHER = "0f0e0d0c-0b0a-4908-8706-050403020100"
HASHER = hasher_of(HASH_KEY, TENANT)
OPERATOR_APP = Caller(TENANT, frozenset({OPERATOR}), client_id="operator", app_only=True)
# Random enough that it stays large when it is compressed: such a document has a blob of its own.
NOISE = " ".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(3_000))


class CountedPending(AzurePending):
    """Says, as its fake does, whether anything waits."""

    @property
    def count(self) -> int:
        return len(list(self.stale(ALWAYS)))


class WholeStorage(AzureStorage):
    """Azurite, with the queue in memory so that the world can be worked off; all that was ever put is kept."""

    def __init__(self, connection_string: str) -> None:
        super().__init__(connection_string, DIRECT)
        self.faults = Faults()
        self.codes = AzureCodes(self.connection)
        self.leases = FakeLeases()
        self.queue = FakeCommandQueue()
        self.mail = self.directory = FakeMail()
        self.pending = CountedPending(self.connection)
        self.subscription_source = FakeSubscriptionSource()
        self.sender = FakeSender()
        self.marker = FakeMarker()


@pytest.fixture(scope="module")
def own_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Nothing else may be in it."""
    log: Path = tmp_path_factory.mktemp("azurite") / "azurite.log"
    with start_azurite(log) as azurite:
        provision(azurite.connection_string)
        yield azurite.connection_string


def a_world(connection_string: str) -> World:
    """Mail of the person in every role, mail that quotes the address, small and large, and all that hangs on it."""
    storage: Any = WholeStorage(connection_string)
    world = World(storage)
    second = world.connect(SECOND, capture="everything", unmatched="new")
    third = world.connect(THIRD, capture="everything")
    for tenant in (TENANT, OTHER):
        storage.records.put_many(tenant, [a_record("client/T", domains=(), name="Tailspin")])
    world.records(
        a_record(addresses=(BO.address,), name=BO.name, client="T"),
        a_record("contact/C-2", addresses=(LI,), details=f"partner of {BO.name} <{BO.address}>"),
    )
    quoted = f"{BO.name} <{BO.address}> wrote:\n> Hello"
    link = f'<a href="mailto:{quote(BO.address)}">{BO.name}</a> &lt;{BO.address.replace("@", "&#64;")}&gt;'
    link += SPLIT
    named_after = an_attachment(source_id="B", name=f"offer_{BO.address}.pdf")
    quoting_files = {"attachments": (named_after,), "contents": {"B": b"offer"}}
    files = {"attachments": (an_attachment(source_id="A"),), "contents": {"A": BO.address.encode()}}
    world.notify(
        world.deliver(sender=BO, subject=f"From {BO.name}", message_id="1@tailspin.example", **files),
        world.deliver(sender=AGENT, to=(BO,), subject="To", message_id="2@contoso.example", text=NOISE),
        world.deliver(sender=LI, to=(AGENT,), bcc=(BO,), subject="Bcc", message_id="3@fabrikam.example"),
        world.deliver(sender=LI, reply_to=(BO,), subject="Reply-To", message_id="4@fabrikam.example"),
        world.deliver(
            sender=LI,
            subject="Quotes",
            message_id="5@fabrikam.example",
            text=f"Hi\n\n{quoted}",
            html=link,
            **quoting_files,
        ),
        world.deliver(
            sender=LI, subject="Large", message_id="6@fabrikam.example", text=f"{NOISE}\n{quoted}", html=link
        ),
    )
    world.notify(
        world.deliver(
            SECOND, sender="sam@adatum.example", to=(SECOND,), message_id="7@adatum.example", text=quoted
        ),
        world.deliver(
            SECOND, sender="pat@adatum.example", to=(SECOND,), cc=(BO,), message_id="8@adatum.example"
        ),
        mailbox=second,
    )
    triaged = {"sender": "sam@adatum.example", "to": (THIRD,), "text": quoted}
    world.notify(world.deliver(THIRD, message_id="9@adatum.example", **triaged), mailbox=third)
    world.work()
    _answered(world)
    _enquired(world)
    organisation = storage.organisations.get(TENANT)
    storage.organisations.put(organisation.changed(_fields(never_log=[BO.address])))
    storage.index.teach(TENANT, BO.address, [RecordRef("client", "T")])
    storage.exceptions.record(a_failure(error=f"nobody behind {BO.address}"))
    storage.late_contacts.announce(TENANT, Announcement("a", NOW, HASHER.addresses([BO.address])))
    storage.subscriptions.put(TENANT, a_subscription())
    campaign = storage.campaigns.add(a_campaign(template=MailTemplate("Spring", "<p>{{ name }}</p>")))
    row = Recipient(0, "C-1", BO.name, BO.address, {"name": BO.name, "address": BO.address})
    storage.campaigns.put_recipients(campaign, [row])
    storage.silences.put(TENANT, Silence(HASHER.addresses([BO.address])[0], Reason.UNSUBSCRIBED))
    storage.codes.note_forged(TENANT, HASHER("address", BO.address), "0f" * 16, 2)
    storage.signatures.put(TENANT, "ann", f"<p>Ann, {BO.address}</p>")
    account = MailAccount(TENANT, "0d" * 16, BO.address, Server("mail.contoso.example", 993), saved_at=NOW)
    storage.credentials.put(account, PASSWORD)
    upload = storage.uploads.save(an_upload(name=f"offer_{BO.address}.pdf", size=4)).after(0, 4)
    storage.uploads.put_piece(upload, 0, b"%PDF")
    storage.uploads.complete(upload)
    storage.uploads.save(upload)
    storage.audit.append(TENANT, AuditRow("1", NOW, "oid", "get_timeline", ("contact/C-1",)))
    return world


def _answered(world: World) -> None:
    """A mail that was sent to the person from the CRM, and the answer, of which its sender is told."""
    mail_id = f"{inverted(NOW)}-{'0b' * 16}"
    message_id = marks.message_id_of(mail_id, "contoso.example")
    mail = an_outbox_mail(
        id=mail_id, mailbox_id=world.mailbox.mailbox_id, to=(BO,), message_id=message_id, tag=mail_id
    )
    storage: Any = world.storage
    added = storage.outbox.add(transitions.asked_for(mail))
    storage.outbox.save(transitions.taken(NOW)(transitions.sending(NOW)(added)))
    sent = {"sender": AGENT, "to": (BO,), "subject": mail.subject, "message_id": message_id, "tag": mail_id}
    world.notify(world.deliver(folder="sentitems", **sent))
    world.notify(
        world.deliver(
            sender=BO, subject="Answer", message_id="10@tailspin.example", in_reply_to=(message_id,)
        )
    )
    world.work()


def _enquired(world: World) -> None:
    """A mail of the person to an intake mailbox: a case with values for the CRM, acknowledged; the next ones wait."""
    intake = Intake().changed(
        _fields(
            fields={"name": "{subject} of {from_name}", "details": "{from_address}: {text}"},
            data={"who": "{from_name}"},
            cases_an_hour=1,
        )
    )
    desk = world.connect(SERVICE, kind=INTAKE, unmatched="new", agent=AGENT, intake=intake, mark_read=True)
    storage: Any = world.storage
    template = {
        "language": "en",
        "subject": "We have it: {subject}",
        "text": f"Dear {{from_name}}, {BO.address}",
    }
    storage.acknowledgements.save(
        TENANT, desk.mailbox_id, Acknowledgement().changed(_fields(templates=[template]))
    )
    for number in (11, 12):
        mail = {"sender": BO, "to": (SERVICE,), "message_id": f"{number}@tailspin.example", "text": BO.name}
        world.notify(world.deliver(SERVICE, subject=f"Boiler {number}", **mail), mailbox=desk)
    world.work()


def _fields(**given: Any) -> Any:
    from shared.domain.connections.fields import Fields

    return Fields(given)


def everything(storage: Any) -> Iterator[tuple[str, str]]:
    """(place, text) of every key, column, blob and queue message, as it is and unpacked."""
    connection = storage.connection
    for table in names.TABLES:
        for row in connection.table(table).list_entities():
            packed = [value for name, value in sorted(row.items()) if isinstance(value, bytes)]
            for value in (*row.values(), *packed, b"".join(packed)[1:]):
                yield from ((table, text) for text in readable(value))
    for container in names.CONTAINERS:
        client = connection.container(container)
        for name in client.list_blob_names():
            yield container, name
            content = client.download_blob(name).readall()
            yield from ((container, text) for text in readable(content))
    for queue in (*names.QUEUES,):
        for message in connection.queue(queue).peek_messages(32):
            yield queue, str(message.content)
    for command, _ in storage.queue.sent:
        yield command.queue, command.to_json()


def readable(value: object) -> Iterator[str]:
    if not isinstance(value, bytes):
        yield str(value)
        return
    yield value.decode("latin-1")
    for start in (value, value[1:]):
        try:
            text = zlib.decompressobj().decompress(start).decode("utf-8", "replace")
        except zlib.error:
            continue
        yield text
        yield json.dumps(text)


def spellings(text: str) -> set[str]:
    """A text as it may stand somewhere: plain, percent-encoded, as a key, as an entity, hashed, and in base64."""
    shifted = (base64.b64encode(b"x" * n + text.encode()).decode() for n in range(3))
    # Its ends depend on what stands beside it; of a short text too little is left to look for.
    inside = {one[4:-4] for one in shifted if len(one) > 16}
    urls = {one.replace("+", "-").replace("/", "_") for one in inside}
    plain = {text, quote(text, safe=""), escaped(text), text.replace("@", "=40"), text.replace("@", "&#64;")}
    return {one.casefold() for one in (*plain, hashed(text))} | inside | urls


def places_of(storage: Any, *texts: str) -> dict[str, int]:
    """Where something stands in any spelling, and in how many values."""
    wanted = {one for text in texts for one in spellings(text)}
    found: dict[str, int] = {}
    for place, text in everything(storage):
        if any(one in text or one in text.casefold() for one in wanted):
            found[place] = found.get(place, 0) + 1
    return found


def test_nothing_is_left_of_a_person_and_then_of_the_organisation(own_azurite: str) -> None:
    world = a_world(own_azurite)
    storage: Any = world.storage
    ledger = HASHER("address", BO.address)

    assert set(places_of(storage, BO.address)) >= {
        names.ORGANISATIONS,
        names.RECORDS,
        names.RECORD_INDEX,
        names.MESSAGES,
        names.TIMELINE,
        names.INBOX,
        names.NOTICES,
        names.OUTBOX,
        names.EXCEPTIONS,
        names.CAMPAIGNS,
        names.BODIES,
        names.ATTACHMENTS,
        names.SIGNATURES,
        names.CREDENTIALS,
        names.UPLOADS,
        names.ACKNOWLEDGEMENTS,
    }
    assert any(SERVICE in text for place, text in everything(storage) if place == names.RECORDS)
    assert set(places_of(storage, SPLIT)) == {names.MESSAGES, names.BODIES}
    assert set(places_of(storage, BO.name)) >= {names.RECORDS, names.MESSAGES, names.BODIES, names.TIMELINE}
    assert set(places_of(storage, ledger)) == {
        names.SIGHTINGS,
        names.LATE_CONTACTS_STATES,
        names.CODES,
        names.UNSUBSCRIBED,
        names.ACKNOWLEDGEMENTS,
    }

    # A password is sealed, and stands nowhere else.
    assert places_of(storage, PASSWORD) == {}

    # The feed of changes has ids alone.
    assert names.EVENTS not in places_of(storage, BO.address, BO.name, ledger, LI, "Quotes")
    told = places_of(storage, TENANT)[names.EVENTS]

    asked = world.ask_erasure(TENANT, BO.address, "admin")
    world.work()
    world.now += timedelta(hours=1)
    world.sweep_decisions()
    world.work()

    assert storage.erasures.get(TENANT, asked.id).state == "done"
    assert places_of(storage, BO.address) == {}
    assert places_of(storage, SPLIT) == {}
    assert places_of(storage, TENANT)[names.EVENTS] > told, "what was taken away is told"
    assert places_of(storage, BO.name) == {}
    # Its own mail's tombstone says by a keyed hash who sent it, so that the mail does not come back.
    assert set(places_of(storage, ledger)) == {names.MESSAGES}
    suppressed = suppression(HASHER, BO.address)
    assert set(places_of(storage, suppressed)) == {names.ORGANISATIONS, names.ERASURES}
    assert {one.subject for one in world_timeline(world, "contact/C-2")} == {"Quotes", "Large"}
    assert storage.messages.document(TENANT, HASHER.message_id("6@fabrikam.example")).text.startswith(NOISE)

    campaign = storage.campaigns.get(TENANT, a_campaign().id)
    [row] = storage.campaigns.recipients(campaign, limit=9, after=-1)
    assert (row.contact, row.address) == ("C-1", PLACEHOLDER), "its number counts on, and nobody is named"

    named = (TENANT, "contoso.example", "Contoso", "fabrikam.example", "adatum.example", "Quotes")
    assert len(places_of(storage, TENANT)) >= 11
    before = places_of(storage, OTHER)
    world.ask_deletion(OPERATOR_APP, TENANT)
    world.work()

    assert places_of(storage, *named) == {}
    assert places_of(storage, suppressed, ledger) == {}
    assert set(places_of(storage, deleted_organisation(HASH_KEY, TENANT))) == {names.ERASURES}
    assert places_of(storage, OTHER) == before, "another organisation keeps what it has"


def world_timeline(world: World, ref: str) -> Any:
    from tests.contract.test_erasures import EVERY

    storage: Any = world.storage
    return storage.timeline.page(TENANT, RecordRef.parse(ref), EVERY, limit=50, after="")[0]
