"""Which thread a mail is in, which stored mail it answers, and its place in time behind that one.

The id of a thread is a keyed hash, and no message's key: it gives no mail away that a reader may not see.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.filing.entries import entry_id, message_key_of
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.identity import Hasher
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit

_PLACE: Final = timedelta(milliseconds=1)


def placed(
    message: StoredMessage, head: MessageHead, candidates: Candidates, hasher: Hasher
) -> StoredMessage:
    """The message with the id of its thread, the entry id of the stored mail that it answers, and its place in time.

    The thread is that of the nearest stored mail that this one goes on with. Without one it is named after the
    oldest Message-ID in the mail's headers (RFC 5322, 3.6.4: References begin with the first mail of a thread), so
    that mails which arrive in any order come to the same id.
    """
    answered = _answered(head, candidates)
    answered_at = answered.at if answered else None
    bounced_at = candidates.bounced.at if candidates.bounced else None
    led = next((hit.thread for hit in _goes_on_with(message, candidates) if hit.thread), "")
    oldest = next(_named(head), head.message_id)
    return replace(
        message,
        at=_at(head, answered_at or bounced_at),
        thread=led or hasher("thread", oldest or message.key),
        answered=entry_id(answered_at, answered.key) if answered and answered_at else "",
    )


def answering_one_of(message: StoredMessage, entry_ids: Mapping[str, str]) -> StoredMessage:
    """The message under the entry id of the mail that it answers, where that mail's key has one here."""
    return replace(message, answered=entry_ids.get(message_key_of(message.answered), message.answered))


def _named(head: MessageHead) -> Iterator[str]:
    """The ids of the mails that it answers, oldest first; more of them than are looked up."""
    ids = (*head.references, *head.in_reply_to) if head.answers else ()
    return (named for named in ids if named != head.message_id)


def _answered(head: MessageHead, candidates: Candidates) -> ThreadHit | None:
    """The stored mail that this one answers directly; of several with its Message-ID a filed one."""
    nearest = head.answers[:1]
    hits = [hit for hit in candidates.thread if (hit.evidence,) == nearest]
    return next((hit for hit in hits if hit.is_filed), hits[0] if hits else None)


def _at(head: MessageHead, spoken_of: datetime | None) -> datetime:
    """When a mail was received, behind the mails of that second which it answers, and the one that it reports on.

    Graph tells times to the second, and an automatic answer is as fast. So the milliseconds count the mails that a mail
    names above itself, which is known in whatever order mails come; some answers name the nearest of them alone.
    """
    received = head.received_at
    # Nothing answers ahead of the next second.
    last = received.replace(microsecond=999_000)
    at = received + _PLACE * len(set(_named(head)))
    if spoken_of is not None and received <= spoken_of <= last:
        at = max(at, spoken_of + _PLACE)
    return max(received, min(at, last))


def _goes_on_with(message: StoredMessage, candidates: Candidates) -> Iterator[ThreadHit]:
    yield from candidates.thread
    # A conversation index alone proves little: only where the mail was filed by it.
    if any(link.rule == "conversation" for link in message.decision.links):
        yield from (hit for hit in candidates.conversation if hit.is_filed)
