"""Two organisations, their people and programs, and words of which each may be read by some of them only."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, product
from typing import Any, Final

from shared.domain.campaigns.campaigns import Recipient
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.privacy.callers import Caller
from shared.ports.directory import DirectoryUser
from tests.builders import (
    AGENT,
    CONTACT,
    HOME,
    NOW,
    TENANT,
    a_campaign,
    a_copy,
    a_document,
    a_failure,
    a_mailbox,
    a_notice,
    a_record,
    a_stored_message,
    an_attachment,
    an_entry,
    an_organisation,
    an_outbox_mail,
    an_upload,
)
from tests.fakes import FakePorts
from tests.fakes.mail import FakeMail
from tests.security.served import name_of
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import CLIENT, OTHER, Issuer
from tests.unit.api.wiring import Api, Served
from tests.unit.services.world import World

Json = dict[str, Any]
_KEYS = count()
BEN: Final = "ben@contoso.example"
CHIEF: Final = "chief@contoso.example"
HIDDEN: Final = "hidden@adatum.example"
STRANGER: Final = "stranger@tailspin.example"
ANN_ID: Final = "0a0a0a0a-0000-4000-8000-00000000000a"
EVE_KEY: Final = "ee" * 16

# In the first organisation: mail on a contact, mail in Ann's My Inbox, mail that nothing but a Bcc of hers files,
# mail that is marked private; a contact's card; what failed; a setting. In the second: mail and a card of the same ids.
FILED: Final = frozenset({"Filedsubject", "Filedbody", "Filedbytes"})
WAITING: Final = frozenset({"Waitingsubject", "Waitingbody", "Waitingbytes"})
BLIND: Final = frozenset({"Blindsubject", "Blindbody"})
PRIVATE: Final = frozenset({"Privatesubject", "Privatebody"})
CARD: Final = frozenset({"Carddetails"})
ADMINS: Final = frozenset({"Failureword", "Neverlogged"})
# The subject of a mail that Ann sends, and that of a notice of hers.
LEAVING: Final = frozenset({"Leavingsubject"})
TOLD: Final = frozenset({"Toldsubject"})
EVES: Final = frozenset({"Evesubject", "Evebody", "Evecard"})
WORDS: Final = FILED | WAITING | BLIND | PRIVATE | CARD | ADMINS | LEAVING | TOLD | EVES

READER: Final = FILED
OWNER: Final = FILED | WAITING | BLIND | LEAVING | TOLD
ADMIN: Final = CARD | ADMINS | LEAVING
NOTHING: Final = frozenset[str]()


@dataclass(frozen=True)
class Attacker:
    """Who calls, and what of the words he or she may read. `address` is a person's own."""

    token: str
    may_read: frozenset[str]
    headers: dict[str, str] = field(default_factory=dict)
    address: str = AGENT


def callers(issuer: Issuer) -> dict[str, Attacker]:
    """Everybody who might call: persons and programs of both organisations, of the deployment, and nobody's."""

    def person(address: str, *roles: str, **claims: Any) -> str:
        return issuer.user(*roles, preferred_username=address, **claims)

    named = {"Postledger-Organisation": TENANT}
    everything = ("Agent", "Admin", "Service", "Operator")
    return {
        "Ann": Attacker(person(AGENT, "Agent", oid=ANN_ID), OWNER),
        "Ann, who is an admin": Attacker(person(AGENT, "Agent", "Admin", oid=ANN_ID), OWNER | ADMIN),
        "Ben": Attacker(person(BEN, "Agent"), READER, address=BEN),
        "Ben, who is an admin": Attacker(person(BEN, "Agent", "Admin"), READER | ADMIN, address=BEN),
        "an admin without a mailbox": Attacker(person(CHIEF, "Admin"), READER | ADMIN, address=CHIEF),
        "somebody with the address that was Ann's": Attacker(person(AGENT, "Agent"), READER),
        "the CRM": Attacker(issuer.app("Service"), READER | CARD),
        "a program with every role": Attacker(issuer.app(*everything), READER | ADMIN),
        "a program that says it is Ann": Attacker(
            issuer.app("Agent", oid=ANN_ID, preferred_username=AGENT), READER
        ),
        "a person without a role": Attacker(person(AGENT, "Reader", oid=ANN_ID), NOTHING),
        "the operator": Attacker(
            issuer.app("Operator", tenant=HOME, azp="0"), frozenset({"Neverlogged"}), named
        ),
        "the vendor": Attacker(issuer.app(*everything[:3], tenant=HOME), READER | CARD, named),
        "a vendor who is not listed": Attacker(
            issuer.app(*everything[:3], tenant=HOME, azp="1"), NOTHING, named
        ),
        "a person of the deployment": Attacker(person(AGENT, *everything, tenant=HOME), NOTHING, named),
        "Eve": Attacker(person("eve@fabrikam.example", *everything, tenant=OTHER), EVES),
        "Eve, who calls herself Ann": Attacker(person(AGENT, *everything, tenant=OTHER, oid=ANN_ID), EVES),
        "Eve, who names the other organisation": Attacker(
            person(AGENT, *everything, tenant=OTHER, oid=ANN_ID), NOTHING, named
        ),
        "Eve's program, which names it": Attacker(issuer.app(*everything, tenant=OTHER), NOTHING, named),
    }


@dataclass(frozen=True)
class House:
    """Both organisations behind one API."""

    api: Api
    world: World
    places: dict[str, list[str]]
    mails: dict[str, str]

    def send(self, attacker: Attacker, method: str, path: str, **more: Any) -> Any:
        headers = {"Idempotency-Key": f"key-{next(_KEYS)}", **attacker.headers}
        return self.api.call(method, path, attacker.token, headers=headers, **more)


class OwnMail(FakeMail):
    """Of another organisation's mailbox Microsoft 365 says that there is none."""

    def box(self, method: str, mailbox: Mailbox) -> Any:
        return super().box(method, mailbox if mailbox.tenant_id == TENANT else replace(mailbox, address=""))

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        return super().user(mailbox if mailbox.tenant_id == TENANT else replace(mailbox, address=""))


def a_house(issuer: Issuer) -> House:
    world = World(FakePorts(OwnMail()))
    storage = world.storage
    world.rewrite(capture="everything", agent_id=ANN_ID)
    world.connect(BEN)
    world.configure(never_log=("neverlogged@adatum.example",), services=(CLIENT,))
    world.records(
        a_record(details="Carddetails"),
        a_record("contact/C-9", addresses=(HIDDEN,)),
        a_record("client/K-1", domains=("fabrikam.example",)),
    )
    _deliver(world)
    storage.exceptions.record(a_failure(error="Failureword"))
    _move_eve_in(world)
    leaving = storage.outbox.add(an_outbox_mail(agent_id=ANN_ID, by=ANN_ID, subject="Leavingsubject"))
    storage.uploads.save(an_upload(by=ANN_ID))
    filed = world.scope(world.mailbox).hasher.message_id(_id("Filed"))
    storage.notices.add(TENANT, a_notice(agent=ANN_ID, message_key=filed, subject="Toldsubject"))
    [told] = storage.notices.of(TENANT, ANN_ID)
    campaign = a_campaign(caller=Caller(TENANT, frozenset({"Agent"}), oid=ANN_ID, address=AGENT))
    storage.campaigns.add(campaign)
    storage.campaigns.put_recipients(campaign, [Recipient(0, "C-1", "Leavingname", CONTACT)])
    asked = world.ask_erasure(TENANT, "gone@fabrikam.example", "admin")
    storage.queue.sent.clear()
    hasher = world.scope(world.mailbox).hasher
    mails = {name: hasher.message_id(_id(name)) for name in ("Filed", "Waiting", "Blind", "Private")}
    places = {
        "ref": ["contact/C-1", "contact/C-9", "client/K-1"],
        "contact": ["C-1", "C-9"],
        "message": [*mails.values(), EVE_KEY],
        "attachment_id": ["0"],
        "campaign": [campaign.id],
        "address": [AGENT, BEN, "eve@fabrikam.example"],
        "exception": [failure.id for failure in storage.exceptions.all],
        "erasure": [asked.id],
        "sent": [leaving.id],
        "upload": [an_upload().id],
        "notice": [told.id],
    }
    return House(Api(Direct(Served(storage, issuer)), storage, issuer), world, places, mails)


def _id(name: str) -> str:
    return f"{name.lower()}@house.example"


def _deliver(world: World) -> None:
    def mail(name: str, **more: Any) -> Any:
        word = name.lower().title()
        file = {
            "attachments": (an_attachment(source_id=name, name="plan.txt", content_type="text/plain"),),
            "contents": {name: f"{word}bytes".encode()},
        }
        body = {"html": f"<p>{word}body</p>", "text": f"{word}body", "subject": f"{word}subject"}
        return world.deliver(message_id=_id(name), **body, **file, **more)

    world.notify(
        mail("Filed"),
        mail("Waiting", sender=STRANGER),
        mail("Blind", folder="sentitems", sender=AGENT, to=(STRANGER,), bcc=(HIDDEN,)),
        mail("Private", sensitivity=2),
    )
    world.work()


def _move_eve_in(world: World) -> None:
    """The second organisation, with a record and a mail of the same names."""
    storage = world.storage
    storage.organisations.put(an_organisation(tenant_id=OTHER, name="Fabrikam", own_domains=()))
    eve = "eve@fabrikam.example"
    storage.mailboxes.save(a_mailbox(tenant_id=OTHER, mailbox_id="ee" * 16, address=eve))
    storage.records.put_many(OTHER, [a_record(details="Evecard")])
    storage.timeline.put(OTHER, [an_entry(message_key=EVE_KEY, subject="Evesubject", at=NOW)])
    document = replace(a_document(), subject="Evesubject", text="Evebody", html="")
    storage.messages.create(OTHER, a_stored_message(key=EVE_KEY), document, a_copy())


# What stands for the parameters of a path, by how the path begins; else by the parameter's name.
KINDS: Final = {
    "timelines/{kind}/{id}": {"{kind}/{id}": "ref"},
    "records/{kind}/{id}": {"{kind}/{id}": "ref"},
    "records/contact/{id}": {"{id}": "contact"},
    "messages/{id}": {"{id}": "message"},
    "inbox/{id}": {"{id}": "message"},
    "exceptions/{id}": {"{id}": "exception"},
    "erase/{id}": {"{id}": "erasure"},
    "outbox/{id}": {"{id}": "sent"},
    "uploads/{id}": {"{id}": "upload"},
    "notices/{id}": {"{id}": "notice"},
    "campaigns/{id}": {"{id}": "campaign"},
}


def paths_of(template: str, places: dict[str, list[str]]) -> list[str]:
    """Each path that a template stands for. Raises LookupError for a parameter of which nothing is known here."""
    begins = next((start for start in KINDS if template.startswith(start)), "")
    kinds = {**KINDS.get(begins, {}), "{attachment_id}": "attachment_id", "{address}": "address"}
    used = [(name, kind) for name, kind in kinds.items() if name in template]
    found = []
    for values in product(*(places[kind] for _, kind in used)):
        path = template
        for (name, _), value in zip(used, values, strict=True):
            path = path.replace(name, value)
        if "{" in path:
            raise LookupError(f"say in tests/security/house.py what stands for the parameters of {template}")
        found.append(path)
    return found


def operations(document: Json) -> Iterator[tuple[str, str, str, Json]]:
    """(name, method, template, description) of all that is served."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield name_of(operation), method.upper(), path.removeprefix("/"), operation


def body_of(document: Json, operation: Json) -> object:
    """The body that the description shows as an example; None where there is no body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = (
        content["schema"].get("$ref", content["schema"].get("items", {}).get("$ref", "")).rpartition("/")[2]
    )
    example = content.get("example") or document["components"]["schemas"][name]["examples"][0]
    return [example] if content["schema"].get("type") == "array" and isinstance(example, dict) else example
