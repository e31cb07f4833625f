"""What a report of non-delivery says of each address: a dead one is kept out of campaigns, a refusal of ours is not.

A report is an unsigned claim. Whoever asks here has found that it names the Message-ID of a mail that left.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.mail.addresses import mailbox_key, mailbox_keys
from shared.domain.mail.bounces import Bounce

# RFC 3463: X.1.7 and X.1.8 speak of the sender's address.
_DEAD: Final = re.compile(r"5\.(?:1\.(?!7$|8$)\d{1,3}|2\.1)")
_OF_US: Final = re.compile(r"5\.7\.\d{1,3}|5\.1\.[78]")
_WORDS_OF_US: Final = re.compile(
    r"\b(?:block(?:ed|list|ing)?|black ?list|reputation|spf|dkim|dmarc|spam|rbl|dnsbl|banned|policy|denied by)\b",
    re.IGNORECASE,
)


class Meaning(StrEnum):
    """Of whom a report speaks."""

    DEAD = "dead"
    OF_US = "of_us"
    PASSING = "passing"
    UNCLEAR = "unclear"
    FORWARDED = "forwarded"


_SENTENCES: Final = {
    Meaning.DEAD: "The mail did not reach {address}: there is no such mailbox. Ask for another address.",
    Meaning.OF_US: (
        "The mail did not reach {address}: the server refuses mail from your domain, not this person. An admin checks "
        "block lists and the domain's SPF, DKIM and DMARC."
    ),
    Meaning.PASSING: "The mail did not reach {address}: the server was not ready for too long. Try again later.",
    Meaning.UNCLEAR: "The mail did not reach {address}.",
    Meaning.FORWARDED: (
        "The mail did not reach {address}, to whom nobody wrote: a recipient has it forwarded there. The recipient's "
        "own mailbox may have it."
    ),
}


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An address that was not reached. `silenced`: campaigns leave it out from now on."""

    address: str
    status: str
    meaning: Meaning

    @property
    def silenced(self) -> bool:
        return self.meaning is Meaning.DEAD

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.meaning].format(address=self.address)


def undelivered(bounces: Iterable[Bounce], recipients: Iterable[str]) -> tuple[Undelivered, ...]:
    """What a report says, recipient by recipient; `recipients` are those of the mail that it speaks of."""
    known = mailbox_keys(recipients)
    return tuple(Undelivered(bounce.address, bounce.status, _meaning(bounce, known)) for bounce in bounces)


def _meaning(bounce: Bounce, recipients: frozenset[str]) -> Meaning:
    if mailbox_key(bounce.address) not in recipients:
        return Meaning.FORWARDED
    # Servers that block a sender say so in words, whatever code they give.
    if _OF_US.fullmatch(bounce.status) or _WORDS_OF_US.search(bounce.diagnostic):
        return Meaning.OF_US
    if not bounce.permanent:
        return Meaning.PASSING
    return Meaning.DEAD if _DEAD.fullmatch(bounce.status) else Meaning.UNCLEAR
