"""Which thread a mail is in, and which stored mail it answers.

The id of a thread is a keyed hash, and no message's key: it gives no mail away that a reader may not see.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.domain.filing.entries import entry_id, message_key_of
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.identity import Hasher
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit


def placed(
    message: StoredMessage, head: MessageHead, candidates: Candidates, hasher: Hasher
) -> StoredMessage:
    """The message with the id of its thread, and with the entry id of the stored mail that it answers.

    The thread is that of the nearest stored mail that this one goes on with. Without one it is named after the
    oldest Message-ID in the mail's headers (RFC 5322, 3.6.4: References begin with the first mail of a thread), so
    that mails which arrive in any order come to the same id.
    """
    answered = _answered(head, candidates)
    led = next((hit.thread for hit in _goes_on_with(message, candidates) if hit.thread), "")
    oldest = next(_named(head), head.message_id)
    return replace(
        message,
        thread=led or hasher("thread", oldest or message.key),
        answered=answered,
    )


def answering_one_of(message: StoredMessage, entry_ids: Mapping[str, str]) -> StoredMessage:
    """The message under the entry id of the mail that it answers, where that mail's key has one here."""
    return replace(message, answered=entry_ids.get(message_key_of(message.answered), message.answered))


def _named(head: MessageHead) -> Iterator[str]:
    """The ids of the mails that it answers, oldest first; more of them than are looked up."""
    ids = (*head.references, *head.in_reply_to) if head.answers else ()
    return (named for named in ids if named != head.message_id)


def _answered(head: MessageHead, candidates: Candidates) -> str:
    """The entry id of the stored mail that this one answers directly; of several with its Message-ID a filed one."""
    nearest = head.answers[:1]
    hits = [hit for hit in candidates.thread if (hit.evidence,) == nearest]
    answered = next((hit for hit in hits if hit.is_filed), hits[0] if hits else None)
    return entry_id(answered.at, answered.key) if answered and answered.at else ""


def _goes_on_with(message: StoredMessage, candidates: Candidates) -> Iterator[ThreadHit]:
    yield from candidates.thread
    # A conversation index alone proves little: only where the mail was filed by it.
    if any(link.rule == "conversation" for link in message.decision.links):
        yield from (hit for hit in candidates.conversation if hit.is_filed)
