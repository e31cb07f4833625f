"""What is kept of a fetched mail to show it later: the body untouched, its text, and where the chain begins."""

from shared.domain import quotes, subjects
from shared.domain.html_text import to_text
from shared.domain.messages import Document, FetchedMessage
from shared.domain.quote_html import html_quote_start


def text_of(fetched: FetchedMessage) -> str:
    """The whole text of a mail's body."""
    return fetched.text or to_text(fetched.html)


def document_of(fetched: FetchedMessage, parent_text: str | None, text: str | None = None) -> Document:
    """The document of a mail; `parent_text` is the stored text of the mail it answers, where there is one.

    `text` is what `text_of` made of it, where that is known already.
    """
    head = fetched.head
    text = text_of(fetched) if text is None else text
    forward = subjects.kind(head.subject) == "forward"
    ranges = quotes.split(text, html_only=not fetched.text, parent_text=parent_text, is_forward=forward)
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
        html_quote_start=html_quote_start(fetched.html, text=text, ranges=ranges),
        preview=quotes.preview(quotes.own_text(text, ranges)),
        attachments=fetched.attachments,
        in_reply_to=head.in_reply_to,
        references=head.references,
    )
