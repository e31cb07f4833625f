"""Whether a reader gets a mail without its quoted chain first. The chain is marked, never cut out."""

from collections.abc import Callable, Iterable
from typing import Literal

from shared.domain.filing.person_decisions import OPENED
from shared.domain.mail import subjects
from shared.domain.mail.messages import Document
from shared.domain.matching.decisions import Link

Chain = Literal["", "shown", "hidden"]


def is_hidden(
    document: Document, links: Iterable[Link], *, by_setting: Callable[[], bool], asked: Chain
) -> bool:
    """Whether the chain is folded: as `asked`, else as `hide_email_chain` says, which is looked up only then.

    A mail that opened a record is shown whole, and so is a forward: what it quotes is what it is about.
    """
    has_chain = bool(document.quoted) or document.html_quote_start is not None
    if not has_chain or _is_about_its_chain(document, links):
        return False
    return asked == "hidden" if asked else by_setting()


def _is_about_its_chain(document: Document, links: Iterable[Link]) -> bool:
    return subjects.kind(document.subject) == "forward" or any(link.rule == OPENED for link in links)
