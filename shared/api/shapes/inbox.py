"""My Inbox between JSON and use cases: pages and decided mails out, decisions in."""

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from shared.api.etags import named
from shared.api.models.inbox import (
    DecidedModel,
    DecisionFields,
    InboxItemModel,
    InboxModel,
    LinkFields,
    NoteFields,
    OpeningFields,
    SuggestionModel,
)
from shared.api.shapes import filing
from shared.domain.connections.fields import Fields
from shared.domain.filing import explanations
from shared.domain.filing.inbox import version_of
from shared.domain.filing.opening import Wishes
from shared.domain.filing.person_decisions import DELETE, LINK, NOTE, OPEN
from shared.domain.matching.decisions import Link
from shared.services.filing.inbox import Wanted
from shared.services.filing.read_inbox import InboxPage, WaitingMail
from shared.services.filing.visibility import ShownMessage

T = TypeVar("T")


def page(found: InboxPage) -> InboxModel:
    return InboxModel(items=[_item(mail, found) for mail in found.mails], cursor=found.cursor)


def _item(mail: WaitingMail, found: InboxPage) -> InboxItemModel:
    item = mail.item
    return InboxItemModel.model_validate(
        {
            "message_id": item.message_key,
            "at": filing.shown_at(item.at),
            "subject": item.subject,
            "from": filing.person(item.sender),
            "preview": item.preview,
            "has_attachments": item.has_attachments,
            "attachment_names": list(item.attachments),
            "reason": item.reason,
            "reason_text": explanations.waits_sentence(item.reason),
            "mailbox": mail.mailbox,
            "filed": item.is_filed,
            "alike": mail.alike,
            "suggestions": [_suggestion(suggested, found) for suggested in mail.suggestions],
            "etag": mail.version,
        }
    )


def _suggestion(link: Link, found: InboxPage) -> SuggestionModel:
    return SuggestionModel(
        kind=cast("Any", link.ref.kind),
        id=link.ref.id,
        name=found.names.get(link.ref, ""),
        rule=link.rule,
        evidence=link.evidence.words,
        score=link.score,
    )


def decided(shown: ShownMessage) -> DecidedModel:
    stored = shown.message
    state = "deleted" if stored.is_deleted else stored.decision.disposition.value
    return DecidedModel.model_validate(
        {
            "message_id": stored.key,
            "state": state,
            "etag": version_of(stored),
            "links": [filing.link(link) for link in shown.links],
        }
    )


def linking(given: LinkFields, if_match: str | None) -> Wanted:
    refs = [filing.ref(record) for record in given.records]
    return Wanted(
        LINK,
        refs=_distinct(refs),
        file_thread=given.file_thread,
        follow_address=bool(given.follow_address),
        read_under=_versions(given, if_match),
    )


def opening(given: OpeningFields, if_match: str | None) -> Wanted:
    return Wanted(
        OPEN,
        kind=given.kind,
        wishes=Wishes(*map(_text, (given.name, given.summary, given.details, given.type))),
        client=given.client or "",
        contacts=_distinct(given.contacts or ()),
        owner=Fields({"owner": _text(given.owner)}).address("owner"),
        file_thread=given.file_thread,
        follow_address=bool(given.follow_address),
        read_under=_versions(given, if_match),
    )


def noting(given: NoteFields, if_match: str | None) -> Wanted:
    return Wanted(
        NOTE,
        client=given.client or "",
        file_thread=given.file_thread,
        follow_address=bool(given.follow_address),
        read_under=_versions(given, if_match),
    )


def deleting(if_match: str | None) -> Wanted:
    return Wanted(DELETE, read_under=_versions(None, if_match))


def _text(given: str | None) -> str:
    return (given or "").strip()


def _distinct(values: Iterable[T]) -> tuple[T, ...]:
    """Each value once, in the caller's order."""
    return tuple(dict.fromkeys(values))


def _versions(given: DecisionFields | None, if_match: str | None) -> frozenset[str]:
    """The versions that the person may have read; none accepts any, as `*` does. The header wins over the body."""
    from_body = given.etag if given else None
    tags = named(if_match or from_body or "")
    # The body carries the item's `etag` without the quotes that a header needs.
    return frozenset() if "*" in tags else frozenset(tag.strip('"') for tag in tags)
