"""What storage is asked about a mail: told from its head, from what is known by then, and from the policies.

Pure, in the order in which the questions come up: whom the mail names and which codes it quotes; the domains of
those whom no contact answers for; its thread; the cards of every record that a link may lead to.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Final

from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.connections.organisations import Organisation, in_domains
from shared.domain.mail import codes, conversations, subjects
from shared.domain.mail.addresses import domain_of, mailbox_keys
from shared.domain.mail.bounces import failed_recipients
from shared.domain.mail.codes import Found
from shared.domain.mail.messages import MessageHead
from shared.domain.mail.public_domains import is_shared, registrable
from shared.domain.mail.senders import list_addresses
from shared.domain.matching.ancestry import lenders
from shared.domain.matching.candidates import Candidates, KnownAddress
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.rules import LENT
from shared.domain.records.records import Record, RecordRef

# Each address costs one or two reads: a circular to thousands would take minutes, and is nobody's correspondence.
MOST_RECIPIENTS: Final = 500
# From or Reply-To name whom a mail is from; a stranger may write any number of addresses into the latter.
MOST_REPLY_TO: Final = 20
# Of the contacts of a record whose code is quoted: their domains speak for others there.
MOST_CONTACTS: Final = 20


@dataclass(frozen=True, slots=True)
class QuestionPolicy:
    """What organisation, mailbox and deployment say about look-ups."""

    organisation: Organisation
    mailbox: Mailbox
    match: MatchPolicy
    code_keys: tuple[bytes, ...]

    def is_own(self, address: str) -> bool:
        """Whether an address is the organisation's without asking storage."""
        own = in_domains(domain_of(address), self.organisation.own_domains)
        return own or self.mailbox.is_own(address)

    def codes_in(self, text: str) -> Found:
        """The reference codes in a subject or a body: genuine ones, and how many are forged."""
        return codes.find(text, self.code_keys, self.organisation.tenant_id, *self.organisation.code_prefixes)


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked about one mail before capture decides on it.

    `people` are everyone on it, and whom a bounce says in its headers that a mail did not reach; `own` are those
    of them that are the organisation's without asking. `addresses` are the others, as many as are looked up:
    contacts, records that an agent has taught, and colleagues may stand under them. `program` is a sender of the
    organisation's own who may be no agent, but a web form that wrote for the outsiders in Reply-To, the `inquirers`;
    '' = none. `lists` passed the mail on: their domains say nothing of its people. With `by_domain` even the domain
    of a client's contact is asked, since it may lead to an open record. `codes` are the genuine ones of the subject;
    each was issued for records.
    """

    people: frozenset[str]
    own: frozenset[str]
    addresses: frozenset[str]
    lists: frozenset[str]
    by_domain: bool
    codes: Found
    program: str = ""
    inquirers: frozenset[str] = frozenset()

    @property
    def looked_up(self) -> frozenset[str]:
        """Every address that storage is asked about."""
        return self.addresses | {self.program} if self.program else self.addresses


@dataclass(frozen=True, slots=True)
class ThreadQuestions:
    """What finds the mails that one mail goes on with.

    `parents` are the Message-IDs that it answers, nearest first. `conversation` is the GUID of its conversation,
    '' = none; where the parents lead nowhere and it `goes_on` with something, mails of that conversation are asked
    for that were received `until` then, so not its own answers. `subjects` are the spellings of its subject that are
    compared with summaries of open records; none = it is not.
    """

    parents: tuple[str, ...]
    conversation: str
    goes_on: bool
    until: datetime
    subjects: tuple[str, ...]


def questions(head: MessageHead, policy: QuestionPolicy) -> Questions:
    """What is asked about a mail's people and codes: at most the first 500 recipients from outside."""
    roles, failed = head.roles, failed_recipients(head.headers)
    people = failed.union(address for _, address in roles)
    own = frozenset(address for address in people if policy.is_own(address))
    outside = [(role, address) for role, address in roles if address not in own]
    inquirers = _inquirers(head, own)
    # What a form sends to an intake mailbox is told apart by its text where it names nobody in Reply-To.
    may_be_form = policy.mailbox.kind == INTAKE and head.sender.address in own
    is_program = (bool(inquirers) or may_be_form) and not policy.mailbox.is_own(head.sender.address)
    return Questions(
        people=people,
        own=own,
        addresses=frozenset((*_looked_up(outside), *sorted(failed - own)[:MOST_RECIPIENTS])),
        lists=list_addresses(head.headers),
        by_domain=policy.match.by_domain,
        codes=policy.codes_in(head.subject),
        program=head.sender.address if is_program else "",
        inquirers=inquirers if is_program else frozenset(),
    )


def _inquirers(head: MessageHead, own: frozenset[str]) -> frozenset[str]:
    """The outsiders in Reply-To of a mail that comes from within and goes to nobody else outside.

    So write web forms, booking engines and scanners. What a ticket system sends out goes to the client as well.
    """
    if head.sender.address not in own:
        return frozenset()
    answered = [person.address for person in head.reply_to[:MOST_REPLY_TO] if person.address not in own]
    inquirers = frozenset(filter(None, answered))
    recipients = {person.address for person in (*head.to, *head.cc) if person.address}
    return inquirers if mailbox_keys(recipients - own) <= mailbox_keys(inquirers) else frozenset()


def domains_to_ask(asked: Questions, known: Mapping[str, KnownAddress]) -> frozenset[str]:
    """Whole domains of a mail's own people: another mail of the batch may have had the same domain read.

    Not where a contact with a client answers already, and none that many organisations share.
    """
    outsiders = asked.addresses - asked.lists
    unanswered = (address for address in outsiders if _is_unanswered(known[address], asked))
    return frozenset(filter(_names_company, map(domain_of, unanswered)))


def _names_company(domain: str) -> bool:
    return bool(registrable(domain)) and not is_shared(domain)


def codes_in_body(head: MessageHead, text: str, policy: QuestionPolicy) -> Found:
    """A body is asked only where the subject says nothing; a forward's body is somebody else's thread."""
    return Found() if subjects.kind(head.subject) == "forward" else policy.codes_in(text)


def contacts_of_codes(
    head: MessageHead, candidates: Candidates, records: Iterable[Record]
) -> frozenset[RecordRef]:
    """Contacts that are read to tell whose records a mail's codes were issued for.

    Those that the records list, unless the records have their domains already, as deals do; and those of the mail's
    writers where a property is among the records: a contact lists its properties, or a property its contacts.
    """
    found: set[RecordRef] = set()
    for record in records:
        if not record.is_deal:
            found.update(RecordRef("contact", contact) for contact in record.contacts[:MOST_CONTACTS])
        if record.ref.kind == "property":
            cards = chain.from_iterable(map(candidates.contacts, candidates.writers(head)))
            found.update(contact.ref for contact in cards)
    return frozenset(found)


def thread_questions(head: MessageHead, policy: MatchPolicy) -> ThreadQuestions:
    """What is asked about a mail's thread, when its turn has come: the mail before it may be its parent."""
    return ThreadQuestions(
        parents=head.answers,
        conversation=conversations.guid_of(head.conversation_index),
        goes_on=conversations.goes_on(head),
        until=conversations.latest(head),
        subjects=subjects.spellings(head.subject) if policy.by_subject else (),
    )


def lent_records(candidates: Candidates) -> frozenset[RecordRef]:
    """The records of the mails that this one goes on with: their cards say whether they still exist."""
    bounced = (candidates.bounced,) if candidates.bounced else ()
    of_codes = (hit.mail for hit in candidates.codes if hit.mail)
    mails = (*lenders(candidates.thread), *bounced, *candidates.conversation, *of_codes)
    return frozenset[RecordRef]().union(*(mail.links for mail in mails))


def related_records(candidates: Candidates) -> frozenset[RecordRef]:
    """The clients of known people, and the records that agents have taught: people lead on to them."""
    clients = {RecordRef("client", card.client) for card in candidates.cards.values() if card.client}
    return frozenset(clients.union(*candidates.taught.values()))


def contacts_to_ask(
    head: MessageHead, candidates: Candidates, policy: MatchPolicy
) -> Mapping[str, RecordRef]:
    """Contacts by id whose open records are suggested, as nothing better reaches one of the mailbox's kind."""
    contacts = {ref.id: ref for ref in _known_records(candidates) if ref.kind == "contact"}
    if policy.matched_to is None or not contacts:
        return {}
    return {} if policy.matched_to in _kinds_lent(head, candidates, policy) else contacts


def _looked_up(outside: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Senders, whose number is bounded, and the first addresses of Reply-To and of the recipients."""
    yield from (address for role, address in outside if role == "from")
    yield from islice((address for role, address in outside if role == "reply-to"), MOST_REPLY_TO)
    recipients = (address for role, address in outside if role not in ("from", "reply-to"))
    yield from islice(recipients, MOST_RECIPIENTS)


def _is_unanswered(known: KnownAddress, asked: Questions) -> bool:
    if known.is_staff:
        return False
    return asked.by_domain or not any(card.client for card in known.cards)


def _known_records(candidates: Candidates) -> Iterator[RecordRef]:
    for refs in candidates.addresses.values():
        yield from refs


def _kinds_lent(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> Iterable[str]:
    for rule in LENT:
        yield from (link.ref.kind for link in rule(head, candidates, policy))
