"""Messages of one mailbox by their ids: headers, or whole with their attachments' metadata."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from shared.adapters.graph import batch, parsing
from shared.adapters.graph.selections import ATTACHMENT_SELECTS, HEAD, WHOLE, WITHOUT_ATTACHMENTS
from shared.adapters.graph.session import GraphSession, Json, path, query
from shared.domain.errors import Outcome, PermanentError, Rejected, TransientError, none_passing
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead

Read = TypeVar("Read")

_MALFORMED_ID: Final = "errorinvalididmalformed"


class GraphMessages:
    """What a mailbox's messages say. `user` is how Graph is asked for the mailbox."""

    def __init__(self, session: GraphSession, tenant_id: str, user: str) -> None:
        self._session = session
        self._tenant_id = tenant_id
        self._user = user

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        """Headers in batches."""
        return _read(self._fetch(items, HEAD), parsing.head)

    def whole(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """With attachments in one batch; twice where the server cannot do both at once."""
        found = self._fetch(items, WHOLE)
        refused = [item for item, answer in found.items() if _is_refused(answer)]
        if refused:
            found |= self._without_attachments(refused)
        for item, answer in found.items():
            if isinstance(answer, dict) and _lacks_attachments(answer):
                found[item] = self._with_attachments(item, answer)
        return _read(found, parsing.whole)

    def where(self, item: ItemRef, *below: str) -> str:
        """The path of a message, or of what is below it."""
        return path("users", self._user, "messages", item.item_id, *below)

    def _fetch(self, items: Sequence[ItemRef], options: str) -> dict[ItemRef, batch.Answer]:
        paths = {item: self.where(item) + options for item in items}
        return batch.fetch(self._session, self._tenant_id, paths)

    def _without_attachments(self, items: Sequence[ItemRef]) -> dict[ItemRef, batch.Answer]:
        try:
            return self._fetch(items, WITHOUT_ATTACHMENTS)
        except TransientError as error:
            return dict.fromkeys(items, error)

    def _with_attachments(self, item: ItemRef, message: Json) -> batch.Answer:
        where = self.where(item, "attachments")
        for fields in ATTACHMENT_SELECTS:
            try:
                pages = self._session.pages(self._tenant_id, where + query(select=fields))
                return {**message, "attachments": list(pages)}
            except (PermanentError, TransientError) as error:
                refusal = error
                if not isinstance(error, Rejected):
                    break
        return refusal


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
