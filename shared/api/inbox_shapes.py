"""My Inbox between JSON and use cases: pages and decided mails out, decisions in."""

from collections.abc import Iterable

from shared.api.inbox_models import (
    DecidedModel,
    DecisionFields,
    InboxItemModel,
    InboxModel,
    LinkFields,
    LinksModel,
    NoteFields,
    OpeningFields,
    RefFields,
    SuggestionModel,
)
from shared.api.models import LinkModel, PersonModel
from shared.domain.connections.fields import Fields
from shared.domain.filing import explanations
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import version_of
from shared.domain.filing.opening import Wishes
from shared.domain.filing.person_decisions import DELETE, LINK, NOTE, OPEN
from shared.domain.matching.matching import Link
from shared.domain.records.records import RecordRef
from shared.services.filing.inbox import InboxPage, WaitingMail, Wanted


def page(found: InboxPage) -> InboxModel:
    return InboxModel(items=[_item(one, found) for one in found.mails], cursor=found.cursor)


def decided(stored: StoredMessage) -> DecidedModel:
    state = "deleted" if stored.is_deleted else stored.decision.disposition.value
    return DecidedModel.model_validate(
        {
            "message_id": stored.key,
            "state": state,
            "etag": version_of(stored),
            "links": _links(stored.decision.links),
        }
    )


def links(stored: StoredMessage) -> LinksModel:
    return LinksModel(links=_links(stored.decision.links))


def linking(given: LinkFields, if_match: str | None) -> Wanted:
    return Wanted(
        LINK,
        refs=tuple(dict.fromkeys(ref(one) for one in given.records)),
        file_thread=given.file_thread,
        follow_address=given.follow_address,
        read_under=_version(given, if_match),
    )


def opening(given: OpeningFields, if_match: str | None) -> Wanted:
    return Wanted(
        OPEN,
        kind=given.kind,
        wishes=Wishes(given.name.strip(), given.summary.strip(), given.details.strip(), given.type.strip()),
        client=given.client,
        contacts=tuple(dict.fromkeys(given.contacts)),
        owner=Fields({"owner": given.owner.strip()}).address("owner"),
        file_thread=given.file_thread,
        follow_address=given.follow_address,
        read_under=_version(given, if_match),
    )


def noting(given: NoteFields, if_match: str | None) -> Wanted:
    return Wanted(
        NOTE,
        client=given.client,
        file_thread=given.file_thread,
        follow_address=given.follow_address,
        read_under=_version(given, if_match),
    )


def deleting(if_match: str | None) -> Wanted:
    return Wanted(DELETE, read_under=_version(None, if_match))


def ref(given: RefFields) -> RecordRef:
    return RecordRef(given.kind, given.id)


def _version(given: DecisionFields | None, if_match: str | None) -> str:
    """The version a decision was made under; the header wins, `*` and nothing take what stands there."""
    told = if_match or (given.etag if given else None) or ""
    return told.strip().removeprefix("W/").strip('"').removeprefix("*")


def _item(mail: WaitingMail, found: InboxPage) -> InboxItemModel:
    item = mail.item
    return InboxItemModel.model_validate(
        {
            "message_id": item.message_key,
            "at": item.at,
            "subject": item.subject,
            "from": PersonModel(name=item.sender.name, address=item.sender.address),
            "preview": item.preview,
            "has_attachments": item.has_attachments,
            "reason": item.reason,
            "reason_text": explanations.waits_sentence(item.reason),
            "mailbox": mail.mailbox,
            "filed": item.is_filed,
            "suggestions": [_suggestion(one, found) for one in mail.suggestions],
            "etag": mail.version,
        }
    )


def _suggestion(link: Link, found: InboxPage) -> SuggestionModel:
    return SuggestionModel(
        kind=link.ref.kind,
        id=link.ref.id,
        name=found.names.get(link.ref, ""),
        rule=link.rule,
        evidence=link.evidence,
        score=link.score,
    )


def _links(found: Iterable[Link]) -> list[LinkModel]:
    names = set(LinkModel.model_fields) - {"kind", "id"}
    return [
        LinkModel.model_validate(
            {"kind": one.ref.kind, "id": one.ref.id, **{name: getattr(one, name) for name in names}}
        )
        for one in found
    ]
