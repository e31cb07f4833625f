"""An acknowledgement of a mail to an intake mailbox: what it says, in which language, and why it is held back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.intake.acknowledgements import Acknowledgement, Template
from shared.domain.intake.languages import Told, language_of
from shared.domain.intake.templates import written_out
from shared.domain.mail import quotes
from shared.domain.mail.messages import Document
from shared.domain.mail.quotes import QuoteRanges
from shared.domain.mail.templates import FilledMail, MailTemplate

PURPOSE: Final = ACKNOWLEDGED
NO_SUBJECT: Final = "(no subject)"
SENTENCES: Final[Mapping[str, str]] = {
    "forwarded": "A colleague has forwarded the mail: whom it is from only stands in its text.",
    "automatic": "A machine wrote the mail.",
    "list": "The mail came through a mailing list.",
    "wants_no_answer": "The mail, or its sender, asks for no automatic answer.",
    "unproved": "The sender's domain does not vouch for the mail (DMARC).",
    "marked_spam": "The receiving server takes the mail for spam.",
    "backlog": "The mail had waited unread before the mailbox was connected.",
    "too_many": "The sender, or the organisation, has had as many acknowledgements as the limits permit.",
    "by_hand": "An agent has opened the case: whether its sender is told is for the agent to say.",
    "late": "The case is older than a day.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an acknowledgement says, and why in this language."""

    subject: str
    html: str
    text: str
    language: str
    why: str


def chosen(document: Document, settings: Acknowledgement, name: str) -> tuple[Template | None, Told]:
    """The template for a mail: in the language that its writer wrote, else the default one."""
    ranges = QuoteRanges(quoted=document.quoted)
    told = language_of(quotes.own_text(document.text, ranges), document.subject, settings.languages)
    return settings.template_in(told.language, name), told


def answer_of(template: Template, told: Told, values: Mapping[str, str]) -> Answer:
    """The acknowledgement with these values, escaped in its HTML. Raises InvalidInput for what cannot be filled."""
    # A blank value would be a missing one; a template that has nothing to say of it says this.
    present = {**values, "subject": values["subject"] or NO_SUBJECT}
    made: FilledMail = MailTemplate(
        written_out(template.subject), written_out(template.html), written_out(template.text)
    ).filled(present)
    why = told.why if told.language == template.language else f"{told.why}: the default language"
    return Answer(made.subject, made.html, made.text, template.language, why)
