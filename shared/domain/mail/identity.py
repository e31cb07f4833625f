"""Which mail is which: one key per mail, whoever received it, and when a shared Message-ID lies."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.foreign_text import guarded
from shared.domain.mail import subjects
from shared.domain.mail.addresses import domain_of, mailbox_key
from shared.domain.mail.messages import MessageHead
from shared.domain.mail.public_domains import registrable

# Relays may restamp a Date header by minutes; two different mails that reuse an id differ by more.
SAME_SENT = timedelta(minutes=10)
# More mails than these under one Message-ID come of broken software; the rest are exceptions for a person.
MAX_VARIANTS = 8


@dataclass(frozen=True, slots=True)
class Hasher:
    """Keyed hashes of one organisation (HMAC-SHA256, 128 bits kept): equal texts can be joined, not read.

    The key never changes, since message keys are made with it.
    """

    key: bytes

    @classmethod
    def of(cls, secret: bytes, tenant_id: str) -> "Hasher":
        """The organisation's own key, derived from the deployment's secret."""
        return cls(hmac.new(secret, b"organisation:" + tenant_id.encode(), hashlib.sha256).digest())

    def __call__(self, kind: str, text: str) -> str:
        # What Exchange cut may end in half a character; hashing must not fail on it.
        data = f"{kind}:{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, data, "sha256").hex()[:32]

    def message_id(self, message_id: str) -> str:
        return self("message-id", message_id)

    def addresses(self, addresses: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted({self("address", mailbox_key(address)) for address in addresses}))

    def domains(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """Of the registrable domains, as records are looked up by; none of a domain without one."""
        found = {registrable(domain_of(address)) for address in addresses} - {""}
        return tuple(sorted(self("domain", domain) for domain in found))


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells two mails with the same Message-ID apart.

    `form` is a keyed hash of whom and what a program of the organisation's own has written for; '' for all else.
    """

    sender: str
    sent_at: datetime
    subject: str
    form: str = ""

    @classmethod
    def of(cls, head: MessageHead) -> "Fingerprint":
        """By its author: one copy may have come through a list that rewrites From and puts a tag in the subject."""
        author = head.author or head.sender
        return cls(author.address, head.sent_at, subjects.normalise(head.subject)[:200])

    def hashed(self, hasher: Hasher) -> "Fingerprint":
        """The same without anything readable: what is kept of a mail that was deleted."""
        sender, subject = hasher("address", self.sender), hasher("subject", self.subject)
        return Fingerprint(sender, self.sent_at, subject, self.form)

    def is_same_mail(self, other: "Fingerprint") -> bool:
        """A further copy is the same mail unless two of sender, sent time and stripped subject differ."""
        if self.form and other.form:
            # A web form sends every enquiry under one name, and often under one Message-ID.
            return self.form == other.form
        differences = (
            self.sender != other.sender,
            abs(self.sent_at - other.sent_at) > SAME_SENT,
            self.subject != other.subject,
        )
        return sum(differences) < 2


@guarded
def message_key(hasher: Hasher, head: MessageHead) -> str:
    """The key of a mail within its organisation: from its Message-ID, or from what it says without one."""
    if head.message_id:
        return hasher.message_id(head.message_id)
    recipients = sorted({person.address for person in (*head.to, *head.cc)})
    sent = head.sent_at.replace(microsecond=0).isoformat()
    subject = subjects.normalise(head.subject)
    return hasher("message", "\x1f".join((head.sender.address, sent, subject, *recipients)))


def variant_key(key: str, number: int) -> str:
    """The key of the n-th other mail that carries the same Message-ID; 0 is the first mail itself."""
    return key if number == 0 else f"{key}v{number}"


def variant_keys(key: str, others: int) -> list[str]:
    """The keys of so many other mails that carry the same Message-ID as the first one."""
    return [variant_key(key, number) for number in range(1, others + 1)]


def family(key: str) -> tuple[str, ...]:
    """The keys of all mails that may share the Message-ID of this one, itself among them."""
    # Keys are hexadecimal: the only `v` is the one before a variant's number.
    first = key.partition("v")[0]
    return tuple(variant_key(first, number) for number in range(MAX_VARIANTS))
