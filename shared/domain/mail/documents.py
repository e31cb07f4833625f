"""What is kept of a fetched mail to show it later: the body untouched, its text, and where the chain begins."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail import authentication, quotes, senders, subjects
from shared.domain.mail.addresses import Person
from shared.domain.mail.conversations import goes_on
from shared.domain.mail.html_text import to_text
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Attachment, Document, FetchedMessage, MessageHead
from shared.domain.mail.quote_html import container, html_quote_start, outside_quotes

# They are stored with every mail: enough for each that matching reads, and no more.
LONGEST_HEADER: Final = 2_000
MOST_HEADERS: Final = 30
# A reaction of Gmail's ("Emoji reactions": developers.google.com/workspace/gmail/reactions).
FOR_PROGRAMS: Final = frozenset(("text/vnd.google.email-reaction+json",))
_MARKED: Final = re.compile(r"^\s?>", re.MULTILINE)
_READ: Final = senders.HEADERS | {authentication.HEADER}


@guarded
def text_of(fetched: FetchedMessage) -> str:
    """The whole text of a mail's body."""
    return fetched.text or to_text(fetched.html)


@guarded
def document_of(
    fetched: FetchedMessage,
    parent_text: str | None,
    text: str | None = None,
    *,
    notices: Iterable[str] = (),
) -> Document:
    """The document of a mail; `parent_text` is the stored text of the mail it answers, where there is one.

    `text` is what `text_of` made of it, where that is known already. `notices` are what the receiving server puts above
    mail from outside: a preview begins below.
    """
    head = fetched.head
    text = text_of(fetched) if text is None else text
    found = container(fetched.html, text)
    ranges = quotes.split(
        text,
        html_only=not fetched.text,
        parent_text=parent_text,
        is_forward=not _is_answer(head, text, is_contained=found is not None),
        container=found.text if found else None,
        outside=outside_quotes(fetched.html, found),
    )
    return Document(
        message_id=head.message_id,
        sender=head.sender,
        subject=head.subject,
        sent_at=head.sent_at,
        to=head.to,
        cc=head.cc,
        reply_to=head.reply_to,
        html=fetched.html,
        text=text,
        quoted=ranges.quoted,
        html_quote_start=html_quote_start(fetched.html, text=text, ranges=ranges, found=found),
        preview=quotes.preview(quotes.without_notice(quotes.own_text(text, ranges), notices)),
        attachments=tuple(
            attachment for attachment in fetched.attachments if not _is_for_programs(attachment)
        ),
        in_reply_to=head.in_reply_to,
        references=head.references,
        on_behalf_of=head.on_behalf_of,
        conversation_index=head.conversation_index,
        headers=kept_headers(head.headers),
        whole_size=fetched.whole_size,
    )


@guarded
def kept_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those that matching reads: who sent it on behalf of whom, and whether the receiving server believed it."""
    read = ((name, value) for name, value in headers if _is_read(name.strip().casefold()))
    return tuple((name, value[:LONGEST_HEADER]) for name, value in read)[:MOST_HEADERS]


def head_of(
    document: Document, item: ItemRef, folder_id: str, received_at: datetime, bcc: tuple[Person, ...]
) -> MessageHead:
    """The headers of a copy as matching saw them; what it does not read is left out."""
    return MessageHead(
        item=item,
        folder_id=folder_id,
        message_id=document.message_id,
        sender=document.sender,
        subject=document.subject,
        sent_at=document.sent_at,
        received_at=received_at,
        to=document.to,
        cc=document.cc,
        bcc=bcc,
        reply_to=document.reply_to,
        on_behalf_of=document.on_behalf_of,
        in_reply_to=document.in_reply_to,
        references=document.references,
        conversation_index=document.conversation_index,
        has_attachments=any(not attachment.inline for attachment in document.attachments),
        headers=document.headers,
    )


def _is_for_programs(attachment: Attachment) -> bool:
    """A part that repeats the text for programs, and that nobody can open: `{"emoji":"👍","version":1}`."""
    return attachment.content_type.casefold() in FOR_PROGRAMS


def _is_answer(head: MessageHead, text: str, *, is_contained: bool) -> bool:
    """Whether a mail answers anything. One that does not is its author's throughout, whatever looks like a quote.

    People write `From: ... To: ...` of a journey, and tell what somebody wrote.
    """
    kind = subjects.kind(head.subject)
    if kind == "forward":
        return False
    return kind == "auto_reply" or goes_on(head) or is_contained or _MARKED.search(text) is not None


def _is_read(name: str) -> bool:
    return name in _READ or name.startswith("list-")
