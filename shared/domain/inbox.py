"""My Inbox: which mail waits for which agent, and why."""

from collections.abc import Iterable

from shared.domain import subjects
from shared.domain.filing import InboxItem, StoredMessage
from shared.domain.mailboxes import Mailbox
from shared.domain.matching import MatchPolicy, listing
from shared.domain.message_ids import answered
from shared.domain.messages import Direction, Document


def reason_to_wait(stored: StoredMessage, mailbox: Mailbox) -> str:
    """Why a mail is in My Inbox of the agent whose mailbox holds a copy; '' = it is not.

    It follows from what all looks at the mail have come to, so it does not matter which came first. Sent mail
    never is, and no mail on which a person has decided.
    """
    if stored.direction is not Direction.IN or stored.decided is not None or stored.is_deleted:
        return ""
    if not stored.is_filed:
        return stored.decision.reason
    policy = MatchPolicy(matching=mailbox.matching, matched_to=mailbox.matched_to)
    return listing(stored.decision.links, policy)


def arranged(
    stored: StoredMessage, document: Document, holders: Iterable[Mailbox]
) -> tuple[list[InboxItem], list[InboxItem]]:
    """The rows of a mail in My Inbox: those that are to stand, one per agent, and those that must not."""
    standing: dict[str, InboxItem] = {}
    others: dict[str, InboxItem] = {}
    for mailbox in sorted(holders, key=lambda one: one.mailbox_id):
        reason = reason_to_wait(stored, mailbox)
        rows = standing if reason else others
        rows.setdefault(mailbox.agent, _item(stored, document, mailbox, reason))
    gone = [item for agent, item in others.items() if agent not in standing]
    return list(standing.values()), gone


def may_list(mailbox: Mailbox) -> bool:
    """Whether filed mail of this mailbox may be in My Inbox too."""
    return mailbox.matched_to is not None or not mailbox.matching


def thread_of(document: Document) -> tuple[str, ...]:
    """The Message-IDs by which a mail and others of its thread find each other; a forward opens one anew."""
    own = (document.message_id,) if document.message_id else ()
    if subjects.kind(document.subject) == "forward":
        return own
    return (*own, *answered(document.in_reply_to, document.references))


def _item(stored: StoredMessage, document: Document, mailbox: Mailbox, reason: str) -> InboxItem:
    return InboxItem(
        agent=mailbox.agent,
        at=stored.at,
        message_key=stored.key,
        mailbox_id=mailbox.mailbox_id,
        subject=document.subject,
        sender=document.sender,
        preview=document.preview,
        reason=reason,
        suggestions=stored.decision.suggestions,
        has_attachments=any(not one.inline for one in document.attachments),
        thread=thread_of(document),
        conversation=stored.conversation,
    )
