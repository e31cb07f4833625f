"""Campaigns between JSON and use cases."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from shared.api.models.campaigns import (
    CampaignExampleModel,
    CampaignFields,
    CampaignHeadModel,
    CampaignModel,
    CampaignPreviewModel,
    CampaignRecipientFields,
    CampaignRecipientModel,
    LeftOutModel,
    ListValuesFields,
    RecipientQueryFields,
    TextValuesFields,
)
from shared.api.models.filing import RefFields
from shared.domain.campaigns.campaigns import Campaign, CampaignState, Figures, Recipient, Share
from shared.domain.campaigns.consent import SENTENCES, Reason
from shared.domain.campaigns.plans import CampaignWanted, PersonWanted, RecipientQuery
from shared.domain.connections.from_rules import purpose_name
from shared.domain.mail.templates import MailTemplate, TemplateValue, checked_values
from shared.domain.records.records import RecordRef
from shared.services.campaigns.asking import Example, Preview
from shared.services.campaigns.reading import ShownRecipient

MOST_LISTED: Final = 200
_STRIPPED: Final = (
    "The server took the headers of one-click unsubscribing out of the sent copy. The link in the text still works; "
    "mail programs may show no button of their own."
)


def wanted(given: CampaignFields) -> CampaignWanted:
    """Raises InvalidInput for what no record, value or purpose can be."""
    return CampaignWanted(
        name=given.name,
        template=MailTemplate(given.subject, given.html or "", given.text or ""),
        people=(*_bare(given.contacts or ()), *map(_person, given.recipients or ())),
        query=_query(given.query) if given.query else None,
        defaults=_values(given.defaults, None),
        records=_refs(given.records),
        sender=given.sender or "",
        agent=given.agent or "",
        purpose=purpose_name(given.purpose) if given.purpose else "",
    )


def _query(given: RecipientQueryFields) -> RecipientQuery:
    return RecipientQuery(given.kind, (given.q or "").strip(), given.client or "", given.type or "")


def head(campaign: Campaign) -> CampaignHeadModel:
    return CampaignHeadModel.model_validate(_head(campaign))


def campaign(found: Campaign, sums: Figures) -> CampaignModel:
    problem = {"code": found.problem.code, "detail": found.problem.detail} if found.problem else None
    return CampaignModel.model_validate(
        {
            **_head(found),
            **{share.value: sums.shares[share] for share in Share},
            "bounced": sums.bounced,
            "left_out_by_reason": _reasons(sums.reasons),
            "problem": problem,
            "headers_survive": found.headers_survive,
            "warning": _STRIPPED if found.headers_survive is False else None,
        }
    )


def recipient(found: Campaign, shown: ShownRecipient) -> CampaignRecipientModel:
    row, mail = shown.recipient, shown.mail
    if mail is None:
        return _without_mail(
            row, Share.CANCELLED if found.state is CampaignState.CANCELLED else Share.WAITING
        )
    is_left_out = mail.share is Share.LEFT_OUT
    return _recipient(
        row,
        share=mail.share.value,
        reason=mail.code if is_left_out else None,
        detail=_sentence(mail.code) if is_left_out else None,
        outbox_id=mail.mail_id,
    )


def preview(found: Preview) -> CampaignPreviewModel:
    plan = found.plan
    out = [row for row in plan.recipients if row.left_out][:MOST_LISTED]
    return CampaignPreviewModel.model_validate(
        {
            "from": found.sender,
            "from_why": found.why,
            "all": len(plan.recipients),
            "incomplete": len(plan.missing),
            "left_out": [_without_mail(row, Share.WAITING) for row in out],
            "left_out_by_reason": _reasons(plan.reasons),
            "examples": [_example(example) for example in found.examples],
        }
    )


def _head(found: Campaign) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "state": found.state.value,
        "subject": found.template.subject,
        "agent": found.agent,
        "created_at": found.created_at,
        "ended_at": found.ended_at,
        "all": found.recipients,
    }


def _without_mail(row: Recipient, rest: Share) -> CampaignRecipientModel:
    left_out = row.left_out
    share = Share.LEFT_OUT if left_out else rest
    reason = left_out.reason if left_out else None
    return _recipient(
        row, share=share.value, reason=reason, detail=left_out.sentence if left_out else None, outbox_id=None
    )


def _recipient(row: Recipient, **more: str | None) -> CampaignRecipientModel:
    person = {"contact": row.contact, "name": row.name, "address": row.address}
    return CampaignRecipientModel.model_validate({**person, **more})


def _sentence(reason: str) -> str:
    return SENTENCES[Reason(reason)] if reason in Reason.__members__.values() else ""


def _example(example: Example) -> CampaignExampleModel:
    mail = example.mail
    return CampaignExampleModel(
        contact=example.contact,
        address=example.address,
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        missing=list(mail.missing),
    )


def _bare(contacts: Iterable[str]) -> list[PersonWanted]:
    return [PersonWanted(RecordRef("contact", contact).id) for contact in contacts]


def _person(given: CampaignRecipientFields) -> PersonWanted:
    contact = RecordRef("contact", given.contact).id
    return PersonWanted(contact, _values(given.values, given.lists), _refs(given.records))


def _reasons(counts: Mapping[str, int]) -> list[LeftOutModel]:
    return [LeftOutModel(reason=reason, count=count) for reason, count in counts.items()]


def _values(texts: TextValuesFields | None, lists: ListValuesFields | None) -> dict[str, TemplateValue]:
    return checked_values({**(texts.given() if texts else {}), **(lists.given() if lists else {})})


def _refs(given: Sequence[RefFields] | None) -> tuple[RecordRef, ...]:
    return tuple(RecordRef(ref.kind, ref.id) for ref in given or ())
