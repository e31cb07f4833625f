"""Messages of one mailbox by their ids: headers, or whole with their attachments' metadata."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from shared.adapters.graph import batch, parsing, selections
from shared.adapters.graph.errors import Broken, NotTaken
from shared.adapters.graph.options import Option, Parts
from shared.adapters.graph.properties import TAG, TAG_IN_HEADER, extended_property
from shared.adapters.graph.selections import Reading
from shared.adapters.graph.session import GraphSession, Json, path
from shared.domain.errors import Outcome, PermanentError, TransientError, none_passing
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead

Read = TypeVar("Read")

_LISTED: Final = frozenset({Option.LISTED_CONTENT_IDS})
_CONTENT_IDS: Final = _LISTED | {Option.CONTENT_IDS}


class GraphMessages:
    """What a mailbox's messages say. `user` is how Graph is asked for the mailbox."""

    def __init__(self, session: GraphSession, tenant_id: str, user: str) -> None:
        self._session = session
        self._tenant_id = tenant_id
        self._user = user

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        """Headers in batches."""
        found = self._fetch(items, selections.HEAD)
        self._learn_of_tags(found.values())
        return _read(found, parsing.head)

    def whole(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """With attachments in one batch, as far as the server can do both at once."""
        found = self._fetch(items, selections.WHOLE)
        apart = [
            item
            for item, answer in found.items()
            if isinstance(answer, dict) and self._lacks_attachments(answer)
        ]
        for item, answer in self._fetch(apart, selections.ATTACHMENTS).items():
            found[item] = self._joined(found[item], answer)
        return _read(found, parsing.whole)

    def where(self, item: ItemRef, *below: str) -> str:
        """The path of a message, or of what is below it."""
        return path("users", self._user, "messages", item.item_id, *below)

    def _fetch(self, items: Sequence[ItemRef], reading: Reading) -> dict[ItemRef, batch.Answer]:
        """What is answered to all of them; an error that may pass stands for what was not had.

        The first mail that is refused settles which parts the others are asked for with: each refusal breaks a
        batch's chain, and twenty would take twenty batches.
        """
        found: dict[ItemRef, batch.Answer] = {}
        while waiting := [item for item in items if item not in found]:
            try:
                found |= self._some(waiting, reading)
            except TransientError as error:
                found |= dict.fromkeys(waiting, error)
        return {item: found[item] for item in items}

    def _learn_of_tags(self, answers: Iterable[batch.Answer]) -> None:
        """Whether what was sent under a tag of ours keeps the header that says the same."""
        options = self._session.options(self._tenant_id)
        for answer in answers:
            if not isinstance(answer, dict) or answer.get("isDraft"):
                continue
            tag, in_header = (extended_property(answer, name) for name in (TAG, TAG_IN_HEADER))
            if tag and in_header in ("", tag):
                options.observe(Option.HEADER_TAGS, holds=bool(in_header))

    def _some(self, items: Sequence[ItemRef], reading: Reading) -> dict[ItemRef, batch.Answer]:
        """What is answered up to the first mail that is refused because of a part; that one without the part."""
        options = self._session.options(self._tenant_id)
        given = options.usable(reading.parts)
        paths = {item: self.where(item, *reading.below) + reading.options(given) for item in items}
        answers = batch.fetch(
            self._session, self._tenant_id, paths, lambda answer: options.suspects(given, answer)
        )
        if any(isinstance(answer, dict) for answer in answers.values()):
            options.take(given)
        return {item: self._judged(item, reading, given, answer) for item, answer in answers.items()}

    def _judged(self, item: ItemRef, reading: Reading, given: Parts, answer: batch.Answer) -> batch.Answer:
        if isinstance(answer, NotTaken | Broken):
            return self._settled(item, reading, given, answer)
        return reading.answered(answer, given) if isinstance(answer, dict) else answer

    def _settled(
        self, item: ItemRef, reading: Reading, given: Parts, refusal: NotTaken | Broken
    ) -> batch.Answer:
        """What one mail is answered with without the parts that are refused."""

        def ask(parts: Parts) -> Json:
            where = self.where(item, *reading.below) + reading.options(parts)
            return reading.answered(self._session.get(self._tenant_id, where), parts)

        options = self._session.options(self._tenant_id)
        if not options.suspects(given, refusal):
            return refusal
        try:
            return options.settle(given, ask, refusal)
        except (PermanentError, TransientError) as error:
            return error

    def _lacks_attachments(self, message: Json) -> bool:
        if "attachments@odata.nextLink" in message:
            return True
        points = "cid:" in str((message.get("body") or {}).get("content") or "")
        if "attachments" not in message:
            # `hasAttachments` does not count those that the body shows.
            return points or message.get("hasAttachments") is not False
        usable = self._session.options(self._tenant_id).usable(_CONTENT_IDS)
        return usable == _LISTED and points and bool(message["attachments"])

    def _joined(self, message: batch.Answer, listed: batch.Answer) -> batch.Answer:
        """A message with its attachments, or why those are not to be had."""
        if not (isinstance(message, dict) and isinstance(listed, dict)):
            return listed
        try:
            rest = list(self._session.pages(self._tenant_id, listed.get("@odata.nextLink") or ""))
        except (PermanentError, TransientError) as error:
            return error
        return {**message, "attachments": [*(listed.get("value") or ()), *rest]}


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
