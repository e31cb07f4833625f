"""The mail of an organisation's mailboxes, read from Microsoft Graph v1.0. Never writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, TypeVar

from shared.adapters.graph import batch, folders, listing, parsing
from shared.adapters.graph.session import GraphSession, Json, path, query
from shared.domain.capture.folders import Folder, FolderState
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    CursorExpired,
    NotFound,
    Outcome,
    PermanentError,
    Rejected,
    TransientError,
    Unavailable,
    none_passing,
)
from shared.domain.mail.addresses import normalise
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.directory import DirectoryUser
from shared.ports.mail import DeltaPage, ListPage

Read = TypeVar("Read")

HEAD_FIELDS: Final = (
    "id,internetMessageId,subject,from,sender,toRecipients,ccRecipients,bccRecipients,replyTo,"
    "sentDateTime,receivedDateTime,parentFolderId,conversationId,conversationIndex,isDraft,hasAttachments,"
    "internetMessageHeaders"
)
_PROPERTY_FILTER: Final = " or ".join(
    f"id eq '{name}'" for name in (parsing.SENSITIVITY, parsing.IN_REPLY_TO, parsing.REFERENCES)
)
_PROPERTIES: Final = f"singleValueExtendedProperties($filter={_PROPERTY_FILTER})"
_ATTACHMENT_FIELDS: Final = "id,name,contentType,size,isInline"
# Without a selection the attachments come with all their bytes.
_ATTACHMENT_SELECTS: Final = (
    f"{_ATTACHMENT_FIELDS},microsoft.graph.fileAttachment/contentId",
    _ATTACHMENT_FIELDS,
)
_LIST_FIELDS: Final = (HEAD_FIELDS, _PROPERTIES)
HEAD: Final = query(select=HEAD_FIELDS, expand=_PROPERTIES)
WITHOUT_ATTACHMENTS: Final = query(select=f"{HEAD_FIELDS},body", expand=_PROPERTIES)
WHOLE: Final = query(
    select=f"{HEAD_FIELDS},body",
    expand=f"{_PROPERTIES},attachments($select={_ATTACHMENT_SELECTS[0]})",
)
USER_FIELDS: Final = "id,mail,userPrincipalName,proxyAddresses"
_MALFORMED_ID: Final = "errorinvalididmalformed"


class GraphMail:
    """MailSource over Microsoft Graph with application permissions."""

    def __init__(self, session: GraphSession) -> None:
        self._session = session

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """By object id or principal name, else by any address: `/users/{name}` knows no aliases."""
        where = path("users", mailbox.graph_user) + query(select=USER_FIELDS)
        try:
            found = self._session.get(mailbox.tenant_id, where)
        except NotFound:
            if mailbox.user_id:
                raise
            found = self._user_by_address(mailbox)
        return directory_user(found, mailbox.address)

    def folders(self, mailbox: Mailbox) -> list[Folder]:
        """One request, and one more for each folder that has children."""
        return folders.tree(self._session, mailbox.tenant_id, mailbox.graph_user)

    def well_known_folders(self, mailbox: Mailbox) -> Mapping[str, str]:
        """A batch, and one more for each name that the mailbox does not have."""
        return folders.well_known(self._session, mailbox.tenant_id, mailbox.graph_user)

    def delta(self, mailbox: Mailbox, folder: FolderState, since: datetime | None) -> DeltaPage:
        """One page. A link that Graph does not take any more, for whatever reason, is an expired one."""
        where = folder.link or self._first(mailbox, folder, since)
        try:
            page = self._page(mailbox.tenant_id, where)
        except Rejected as error:
            if not folder.link:
                raise
            raise CursorExpired("Microsoft Graph refuses the stored link.", error.code) from error
        return _delta_page(page)

    def listed(
        self, mailbox: Mailbox, folder_id: str, window: Window, *, with_heads: bool = False
    ) -> ListPage:
        """One request, oldest first."""
        fields = _LIST_FIELDS if with_heads else None
        folder = _folder(mailbox, folder_id)
        return listing.page(self._session, mailbox.tenant_id, folder, window, fields=fields)

    def count(self, mailbox: Mailbox, folder_id: str, window: Window) -> int:
        """One request."""
        return listing.count(self._session, mailbox.tenant_id, _folder(mailbox, folder_id), window)

    def broken(self, mailbox: Mailbox, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        """A list of ids, and a request for each."""
        window, folder = Window.second(second), _folder(mailbox, folder_id)
        return listing.broken(self._session, mailbox.tenant_id, folder, window, _LIST_FIELDS)

    def heads(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        """Headers in batches of 20."""
        return _read(self._fetch(mailbox, items, HEAD), parsing.head)

    def messages(
        self, mailbox: Mailbox, items: Sequence[ItemRef]
    ) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """Whole messages with attachments in one batch; twice where the server cannot do both at once."""
        found = self._fetch(mailbox, items, WHOLE)
        refused = [item for item, answer in found.items() if _is_refused(answer)]
        if refused:
            found |= self._without_attachments(mailbox, refused)
        for item, answer in found.items():
            if isinstance(answer, dict) and _lacks_attachments(answer):
                found[item] = self._with_attachments(mailbox, item, answer)
        return _read(found, parsing.whole)

    def attachment(
        self, mailbox: Mailbox, item: ItemRef, attachment_id: str
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a file, or an attached item as MIME. NotFound for a linked file: it has none."""
        where = _message(mailbox, item, "attachments", attachment_id, "$value")
        return self._session.stream(mailbox.tenant_id, where)

    def mime(self, mailbox: Mailbox, item: ItemRef, most: int) -> bytes:
        """One request, ended early where there is more."""
        found = bytearray()
        with self._session.stream(mailbox.tenant_id, _message(mailbox, item, "$value")) as chunks:
            for chunk in chunks:
                found += chunk
                if len(found) >= most:
                    break
        return bytes(found[:most])

    def _user_by_address(self, mailbox: Mailbox) -> Json:
        address = mailbox.address.replace("'", "''")
        condition = f"mail eq '{address}' or proxyAddresses/any(p:p eq 'smtp:{address}')"
        where = path("users") + query(filter=condition, select=USER_FIELDS)
        found = list(self._session.pages(mailbox.tenant_id, where))
        if len(found) != 1:
            raise NotFound("The directory has no user with this address.", "Request_ResourceNotFound")
        return found[0]

    def _first(self, mailbox: Mailbox, folder: FolderState, since: datetime | None) -> str:
        where = _folder(mailbox, folder.folder_id) + "/delta"
        condition = f"receivedDateTime ge {parsing.stamp(since)}" if since else None
        return where + query(select=HEAD_FIELDS, expand=_PROPERTIES, filter=condition)

    def _page(self, tenant_id: str, where: str) -> Json:
        return listing.shrinking(
            listing.HEAD_PAGES,
            lambda size: self._session.get(tenant_id, where, prefer=f"odata.maxpagesize={size}"),
        )

    def _fetch(self, mailbox: Mailbox, items: Sequence[ItemRef], options: str) -> dict[ItemRef, batch.Answer]:
        paths = {item: _message(mailbox, item) + options for item in items}
        return batch.fetch(self._session, mailbox.tenant_id, paths)

    def _without_attachments(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> dict[ItemRef, batch.Answer]:
        try:
            return self._fetch(mailbox, items, WITHOUT_ATTACHMENTS)
        except TransientError as error:
            return dict.fromkeys(items, error)

    def _with_attachments(self, mailbox: Mailbox, item: ItemRef, message: Json) -> batch.Answer:
        where = _message(mailbox, item, "attachments")
        for fields in _ATTACHMENT_SELECTS:
            try:
                pages = self._session.pages(mailbox.tenant_id, where + query(select=fields))
                return {**message, "attachments": list(pages)}
            except (PermanentError, TransientError) as error:
                refusal = error
                if not isinstance(error, Rejected):
                    break
        return refusal


def _folder(mailbox: Mailbox, folder_id: str) -> str:
    return path("users", mailbox.graph_user, "mailFolders", folder_id, "messages")


def _message(mailbox: Mailbox, item: ItemRef, *below: str) -> str:
    return path("users", mailbox.graph_user, "messages", item.item_id, *below)


def _is_refused(outcome: batch.Answer) -> bool:
    """Whether the request was called wrong, and not the id in it."""
    return isinstance(outcome, Rejected) and outcome.code.casefold() != _MALFORMED_ID


def _lacks_attachments(message: Json) -> bool:
    return "attachments" not in message or "attachments@odata.nextLink" in message


def _read(
    found: Mapping[ItemRef, batch.Answer], parse: Callable[[Json], Read]
) -> dict[ItemRef, Outcome[Read]]:
    """Raises a passing error that is all there is."""
    parsed: dict[ItemRef, Outcome[Read]] = {}
    for item, answer in found.items():
        try:
            parsed[item] = parse(answer) if isinstance(answer, dict) else answer
        except PermanentError as error:
            parsed[item] = error
    if all(isinstance(outcome, TransientError) for outcome in parsed.values()):
        none_passing(parsed)
    return parsed


def _delta_page(page: Json) -> DeltaPage:
    """An item may stand in a page several times: the last one counts."""
    entries = {
        str(one["id"]): one for one in page.get("value") or () if "id" in one and not parsing.is_removed(one)
    }
    more = page.get("@odata.nextLink")
    link = more or page.get("@odata.deltaLink")
    if not link:
        raise Unavailable("Microsoft Graph returned a page without a link to go on from.")
    shown = {graph_id: parsing.shown_head(entry) for graph_id, entry in entries.items()}
    return DeltaPage(
        heads=tuple(head for head in shown.values() if head is not None),
        partial=tuple(parsing.item_of(graph_id) for graph_id, head in shown.items() if head is None),
        link=link,
        more=bool(more),
    )


def directory_user(found: Json, address: str = "") -> DirectoryUser:
    """A user as Graph shows it; `address` is taken where it shows none."""
    main = normalise(found.get("mail") or found.get("userPrincipalName") or "") or address
    return DirectoryUser(str(found["id"]), main, _aliases(found, main))


def _aliases(user: Json, address: str) -> tuple[str, ...]:
    """The other SMTP addresses of a user; `SMTP:` marks the primary one, other kinds are not mail."""
    proxies = [str(one).partition(":") for one in user.get("proxyAddresses") or ()]
    found = (normalise(value) for kind, _, value in proxies if kind.casefold() == "smtp")
    return tuple(dict.fromkeys(one for one in found if one and one != address))
