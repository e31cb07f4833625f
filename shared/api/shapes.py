"""From what use cases answer to the JSON models of the API."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, cast

from shared.api.models import (
    AttachmentModel,
    BackfillModel,
    BounceModel,
    EntryModel,
    LinkModel,
    MailboxModel,
    MessageModel,
    OrganisationModel,
    PersonModel,
    SightingModel,
    TimelineModel,
)
from shared.api.operation_models import (
    DifferenceModel,
    ExceptionModel,
    ExplanationModel,
    PreviewedModel,
    PreviewModel,
    RematchModel,
    SeenCopyModel,
)
from shared.api.record_models import LineModel, LoadModel, RecordModel, WrittenRecordModel
from shared.domain.capture.backfills import Backfill
from shared.domain.commands.advice import advice
from shared.domain.connections.mailboxes import SETTINGS as MAILBOX_SETTINGS
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.filing.entries import Entry
from shared.domain.filing.explanations import preview_sentence
from shared.domain.filing.filing import Bounced
from shared.domain.mail import quotes
from shared.domain.mail.addresses import Person
from shared.domain.mail.html import Quote, SafeHtml, safe_html
from shared.domain.mail.messages import Attachment
from shared.domain.matching.matching import Link
from shared.domain.matching.rematching import Difference
from shared.domain.records.records import Record
from shared.services.capture.preview import Previewed, PreviewPage
from shared.services.commands.exceptions import NamedFailure
from shared.services.connections.organisations import SETTINGS as ORGANISATION_SETTINGS
from shared.services.filing.explain import Explanation
from shared.services.filing.reading import BCC, MessageView, TimelinePage
from shared.services.matching.rematch import DifferencePage
from shared.services.records.records import LineResult, Loaded, Written


def timeline(page: TimelinePage) -> TimelineModel:
    return TimelineModel(entries=[_entry(one) for one in page.entries], cursor=page.cursor)


def message(view: MessageView, attachments_url: str, *, remote_images: bool) -> MessageModel:
    """A message as it may be shown; `attachments_url` is the path below which its attachments lie."""
    document = view.document
    body = _safe_body(view, attachments_url, remote_images)
    ranges = quotes.QuoteRanges(document.quoted)
    return MessageModel.model_validate(
        {
            **_message_entry(view),
            "bcc": _people(view.bcc),
            "html": body.html,
            "text": document.text,
            "own_text": quotes.own_text(document.text, ranges),
            "quoted_text": quotes.quoted_text(document.text, ranges),
            "chain_hidden": view.chain_hidden,
            "blocked_images": list(body.blocked_images),
            "body_withheld": body.withheld,
            "attachments": [_attachment(one) for one in document.attachments],
            "links": [_link(one) for one in view.links],
            "sightings": [SightingModel(mailbox=one.mailbox, folder=one.folder) for one in view.sightings],
            "bounces": [_bounce(one) for one in view.message.bounces],
        }
    )


def record(found: Record) -> RecordModel:
    return RecordModel.model_validate(_record(found))


def written_record(written: Written) -> WrittenRecordModel:
    return WrittenRecordModel.model_validate({**_record(written.record), "late_mail": written.late_mail})


def _record(found: Record) -> dict[str, Any]:
    names = set(RecordModel.model_fields) - {"kind", "id", "overrides"}
    fields = {name: _listed(getattr(found, name)) for name in names}
    return {"kind": found.ref.kind, "id": found.ref.id, "overrides": asdict(found.overrides), **fields}


def load(loaded: Loaded) -> LoadModel:
    refused = sum(1 for one in loaded.results if one.refusal)
    return LoadModel(
        written=len(loaded.results) - refused,
        refused=refused,
        late_mail=loaded.late_mail,
        results=[_line(one) for one in loaded.results],
    )


def mailbox_settings(found: Mailbox) -> dict[str, Any]:
    """What an admin set; the part of a mailbox that its ETag stands for."""
    return {name: _listed(getattr(found, name)) for name in MAILBOX_SETTINGS}


def differences(page: DifferencePage) -> RematchModel:
    return RematchModel(
        run=None,
        differences=[_difference(one) for one in page.differences],
        seen=page.seen,
        cursor=page.cursor,
    )


def _difference(found: Difference) -> DifferenceModel:
    return DifferenceModel(
        message_id=found.message_key,
        at=found.at,
        outcome_before=found.before.disposition.value,
        outcome_after=found.after.disposition.value,
        gained=[_public_link(one) for one in found.gained],
        lost=[_public_link(one) for one in found.lost],
    )


def _public_link(link: Link) -> LinkModel:
    """Without what is for those alone who may see a Bcc."""
    return _link(replace(link, evidence="") if link.evidence.startswith(BCC) else link)


def preview(page: PreviewPage) -> PreviewModel:
    return PreviewModel(
        mails=[_previewed(one) for one in page.mails],
        seen=page.seen,
        skipped=dict(page.skipped),
        cursor=page.cursor,
    )


def _previewed(mail: Previewed) -> PreviewedModel:
    return PreviewedModel.model_validate(
        {
            "received_at": mail.received_at,
            "folder": mail.folder,
            "direction": mail.direction.value,
            "capture": mail.capture,
            "outcome": mail.outcome,
            "reason": mail.reason,
            "sentence": preview_sentence(mail.capture, mail.outcome, mail.reason),
            "links": [_link(one) for one in mail.links],
            "subject": mail.subject,
            "from": _person(mail.sender) if mail.sender else None,
        }
    )


def backfill(found: Backfill, now: datetime) -> BackfillModel:
    return BackfillModel(
        since=found.since,
        state=cast("Any", found.state),
        done=found.done,
        expected=found.expected,
        rate_per_minute=found.rate_per_minute(now),
        started_at=found.started_at,
        finished_at=found.finished_at,
    )


def mailbox(found: Mailbox, now: datetime, history: Backfill | None = None) -> MailboxModel:
    synced = found.state.last_sync_at
    return MailboxModel.model_validate(
        {
            "address": found.address,
            **mailbox_settings(found),
            "state": found.shown_state,
            "connected_at": found.connected_at,
            "address_offered": found.state.address_offered or None,
            "lost_at": found.state.lost_at,
            "last_sync": synced,
            "last_error": found.state.last_error,
            "lag_seconds": max(0, int((now - synced).total_seconds())) if synced else None,
            "reconciliation": json.loads(found.state.reconciled) if found.state.reconciled else None,
            "backfill": backfill(history, now) if history else None,
        }
    )


def organisation(found: Organisation) -> OrganisationModel:
    fields = {name: _listed(getattr(found, name)) for name in ORGANISATION_SETTINGS}
    return OrganisationModel.model_validate({"tenant_id": found.tenant_id, "state": found.state, **fields})


def exception(found: NamedFailure) -> ExceptionModel:
    failure = found.failure
    return ExceptionModel(
        id=failure.id,
        at=failure.at,
        mailbox_id=failure.mailbox_id,
        mailbox=found.mailbox,
        queue=failure.queue,
        code=failure.code,
        error=failure.error,
        advice=advice(failure.code),
        ids=list(found.ids),
        rules_version=failure.rules_version,
        command=failure.command,
        replayed_at=failure.replayed_at,
    )


def explanation(found: Explanation) -> ExplanationModel:
    return ExplanationModel(
        outcome=found.outcome,
        reason=found.reason,
        links=[_link(one) for one in found.links],
        sightings=[SeenCopyModel.model_validate(asdict(one)) for one in found.sightings],
        steps=list(found.steps),
    )


def _entry(found: Entry) -> EntryModel:
    return EntryModel.model_validate(
        {
            "id": found.id,
            "message_id": found.message_key,
            "internet_message_id": _bracketed(found.internet_message_id),
            "kind": found.kind,
            "direction": found.direction.value,
            "at": found.at,
            "subject": found.subject,
            "from": _person(found.sender),
            "to": _people(found.to),
            "cc": _people(found.cc),
            "preview": found.preview,
            "has_attachments": found.has_attachments,
            "rule": found.link.rule,
            "evidence": found.link.evidence,
            "closed": found.link.closed,
            "agent": found.agent,
            "automatic": found.automatic,
            "bounced": list(found.bounced),
        }
    )


def _message_entry(view: MessageView) -> dict[str, Any]:
    """The entry's fields; rule and evidence are those of the surest link that may be seen."""
    stored, document = view.message, view.document
    link = max(view.links, key=lambda one: one.score, default=None)
    return {
        "id": view.entry_id,
        "message_id": stored.key,
        "internet_message_id": _bracketed(stored.message_id),
        "kind": stored.kind,
        "direction": stored.direction.value,
        "at": stored.at,
        "subject": document.subject,
        "from": _person(document.sender),
        "to": _people(document.to),
        "cc": _people(document.cc),
        "preview": document.preview,
        "has_attachments": any(not one.inline for one in document.attachments),
        "rule": link.rule if link else "",
        "evidence": link.evidence if link else "",
        "closed": link.closed if link else False,
        "agent": stored.agent,
        "automatic": stored.automatic,
        "bounced": [one.address for one in stored.bounces],
    }


def _safe_body(view: MessageView, attachments_url: str, remote_images: bool) -> SafeHtml:
    document = view.document
    if not document.html:
        return SafeHtml("", (), None)
    by_content_id = {one.content_id.strip("<>"): one.id for one in document.attachments if one.content_id}

    def cid_url(content_id: str) -> str | None:
        found = by_content_id.get(content_id)
        return f"{attachments_url}/{found}" if found is not None else None

    start = document.html_quote_start
    quote = None if start is None else Quote(start, folded=view.chain_hidden)
    return safe_html(document.html, remote_images=remote_images, cid_url=cid_url, quote=quote)


def _line(found: LineResult) -> LineModel:
    status = "refused" if found.refusal else "written"
    return LineModel.model_validate(
        {
            "line": found.line,
            "kind": found.kind,
            "id": found.id,
            "status": status,
            "detail": found.refusal or None,
        }
    )


def _attachment(found: Attachment) -> AttachmentModel:
    return AttachmentModel(
        id=found.id, name=found.name, content_type=found.content_type, size=found.size, inline=found.inline
    )


def _link(found: Link) -> LinkModel:
    return LinkModel(
        kind=found.ref.kind,
        id=found.ref.id,
        rule=found.rule,
        evidence=found.evidence,
        score=found.score,
        by=found.by,
        closed=found.closed,
    )


def _bounce(found: Bounced) -> BounceModel:
    return BounceModel(
        address=found.address,
        status=found.status,
        permanent=found.permanent,
        at=found.at,
        message_id=found.message_key,
    )


def _person(found: Person) -> PersonModel:
    return PersonModel(name=found.name, address=found.address)


def _people(found: tuple[Person, ...]) -> list[PersonModel]:
    return [_person(one) for one in found]


def _bracketed(message_id: str) -> str:
    return f"<{message_id}>" if message_id else ""


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
