"""Filed mail as JSON: timelines, messages, links and explanations."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, cast

from shared.api.models.explanations import ExplanationModel, SeenCopyModel
from shared.api.models.filing import (
    AttachmentModel,
    BounceModel,
    EntryModel,
    LinkModel,
    LinksModel,
    MessageModel,
    ParticipantModel,
    PersonModel,
    RefFields,
    RefModel,
    SightingModel,
    ThreadModel,
    TimelineModel,
)
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import Bounced
from shared.domain.mail import quotes
from shared.domain.mail.addresses import Person
from shared.domain.mail.html import SEALED, Quote, SafeHtml, safe_html
from shared.domain.mail.message_ids import bracketed
from shared.domain.mail.messages import Attachment, Document
from shared.domain.matching.decisions import Link
from shared.domain.records.records import RecordRef
from shared.services.filing.answers import Answers
from shared.services.filing.explain import Explanation
from shared.services.filing.read_thread import ThreadPage
from shared.services.filing.reading import MessageView, TimelinePage
from shared.services.filing.visibility import ShownMessage

# Of mail that a person wrote.
NOTHING: Final = "none"


def shown_at(at: datetime) -> datetime:
    """When a mail was received, as far as that is known; what is below a second says how it stands among others."""
    return at.replace(microsecond=0)


def timeline(page: TimelinePage) -> TimelineModel:
    entries = [_entry(entry, page.answers[entry.id]) for entry in page.entries]
    return TimelineModel(entries=entries, cursor=page.cursor)


def _entry(entry: Entry, answers: Answers) -> EntryModel:
    # A mapping and no keywords, since `from` cannot be one in Python.
    return EntryModel.model_validate(
        {
            "id": entry.id,
            "message_id": entry.message_key,
            "internet_message_id": bracketed(entry.internet_message_id),
            "kind": entry.kind,
            "direction": entry.direction.value,
            "at": shown_at(entry.at),
            "subject": entry.subject,
            "from": person(entry.sender),
            "to": people(entry.to),
            "cc": people(entry.cc),
            "preview": entry.preview,
            "has_attachments": entry.has_attachments,
            "attachment_names": list(entry.attachments),
            "rule": entry.link.rule,
            "evidence": entry.link.evidence.words,
            "closed": entry.link.closed,
            "agent": entry.agent,
            "automatic": entry.automatic or NOTHING,
            "unauthenticated": entry.unauthenticated,
            "bounced": list(entry.bounced),
            "thread_id": entry.thread,
            "in_reply_to": bracketed(answers.in_reply_to),
            "answers": answers.count,
        }
    )


def thread(page: ThreadPage) -> ThreadModel:
    mails = [{**_message_entry(view), **_best_link(view.links)} for view in page.mails]
    return ThreadModel(
        thread_id=page.thread_id,
        entries=[EntryModel.model_validate(mail) for mail in mails],
        cursor=page.cursor,
    )


def message(view: MessageView, attachments_url: str, *, remote_images: bool) -> MessageModel:
    """A message as the caller may see it; its attachments are below the path `attachments_url`."""
    document = view.document
    # Stored unchanged and cleaned at each reading, so that a stricter list holds for old mail too.
    body = _safe_body(view, attachments_url, remote_images)
    ranges = quotes.QuoteRanges(document.quoted)
    return MessageModel.model_validate(
        {
            **_message_entry(view),
            **_best_link(view.links),
            "bcc": people(view.bcc),
            "participants": [
                ParticipantModel(address=address, records=[_ref(ref) for ref in refs])
                for address, refs in view.records.items()
            ],
            "html": body.html,
            "text": document.text,
            "own_text": quotes.own_text(document.text, ranges),
            "quoted_text": quotes.quoted_text(document.text, ranges),
            "chain_hidden": view.chain_hidden,
            "blocked_images": list(body.blocked_images),
            "body_withheld": body.withheld,
            "attachments": [_attachment(attachment) for attachment in document.attachments],
            "links": [link(found) for found in view.links],
            "sightings": [SightingModel(mailbox=copy.mailbox, folder=copy.folder) for copy in view.sightings],
            "bounces": [_bounce(bounce) for bounce in view.message.bounces],
        }
    )


def _message_entry(view: MessageView) -> dict[str, Any]:
    """The fields that a message shares with its entries on timelines."""
    stored, document = view.message, view.document
    return {
        "id": view.entry_id,
        "message_id": stored.key,
        "internet_message_id": bracketed(stored.message_id),
        "kind": stored.kind,
        "direction": stored.direction.value,
        "at": shown_at(stored.at),
        "subject": document.subject,
        "from": person(document.sender),
        "to": people(document.to),
        "cc": people(document.cc),
        "preview": document.preview,
        "has_attachments": any(not attachment.inline for attachment in document.attachments),
        "attachment_names": list(document.file_names),
        "agent": stored.agent,
        "automatic": stored.automatic or NOTHING,
        "unauthenticated": stored.unauthenticated,
        "bounced": [bounce.address for bounce in stored.bounces],
        "thread_id": stored.thread,
        "in_reply_to": bracketed(view.answers.in_reply_to),
        "answers": view.answers.count,
    }


def _ref(found: RecordRef) -> RefModel:
    return RefModel(kind=cast("Any", found.kind), id=found.id)


def _best_link(links: Sequence[Link]) -> dict[str, Any]:
    """Rule and evidence of the surest link that the caller may see."""
    if not links:
        return {"rule": "", "evidence": "", "closed": False}
    best = max(links, key=lambda candidate: candidate.score)
    return {"rule": best.rule, "evidence": best.evidence.words, "closed": best.closed}


def _safe_body(view: MessageView, attachments_url: str, remote_images: bool) -> SafeHtml:
    document = view.document
    if document.is_sealed:
        return SafeHtml("", (), SEALED)
    if not document.html:
        return SafeHtml("", (), None)
    start = document.html_quote_start
    quote = None if start is None else Quote(start, folded=view.chain_hidden)
    cid_url = _cid_urls(document, attachments_url)
    return safe_html(document.html, remote_images=remote_images, cid_url=cid_url, quote=quote)


def _cid_urls(document: Document, attachments_url: str) -> Callable[[str], str | None]:
    """Where the image of a `cid:` URL (RFC 2392) is found: a mail names it by Content-ID, this API by id."""
    urls = {
        attachment.content_id.strip("<>"): f"{attachments_url}/{attachment.id}"
        for attachment in document.attachments
        if attachment.content_id
    }
    return urls.get


def _attachment(attachment: Attachment) -> AttachmentModel:
    return AttachmentModel(
        id=attachment.id,
        name=attachment.name,
        content_type=attachment.content_type,
        size=attachment.size,
        inline=attachment.inline,
    )


def _bounce(bounce: Bounced) -> BounceModel:
    return BounceModel(
        address=bounce.address,
        status=bounce.status,
        permanent=bounce.permanent,
        at=bounce.at,
        message_id=bounce.message_key,
    )


def link(found: Link) -> LinkModel:
    return LinkModel(
        # Words are texts in the domain; pydantic refuses one that the model does not name.
        kind=cast("Any", found.ref.kind),
        id=found.ref.id,
        rule=found.rule,
        evidence=found.evidence.words,
        score=found.score,
        by=found.by,
        closed=found.closed,
    )


def links(shown: ShownMessage) -> LinksModel:
    return LinksModel(links=[link(found) for found in shown.links])


def ref(given: RefFields) -> RecordRef:
    return RecordRef(given.kind, given.id)


def explanation(found: Explanation) -> ExplanationModel:
    return ExplanationModel(
        outcome=cast("Any", found.outcome),
        reason=found.reason,
        links=[link(explained) for explained in found.links],
        sightings=[SeenCopyModel.model_validate(asdict(copy)) for copy in found.sightings],
        steps=list(found.steps),
    )


def person(found: Person) -> PersonModel:
    return PersonModel(name=found.name, address=found.address)


def people(found: Sequence[Person]) -> list[PersonModel]:
    return [person(participant) for participant in found]
