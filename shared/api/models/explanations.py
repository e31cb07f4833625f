"""The explanation of a single mail in JSON: what became of each copy, and why."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.filing import LINK_EXAMPLE, LinkModel
from shared.api.models.schema import Answer, Example, shown_as
from shared.api.models.words import MailOutcome

_SEEN: Final[Example] = {
    "mailbox": "ann@contoso.example",
    "folder": "inbox",
    "outcome": "filed",
    "reason": "contact_address",
    "final": True,
    "received_at": "2026-03-02T09:00:00Z",
    "rules_version": 1,
}


class SeenCopyModel(Answer):
    """A copy of a mail in a captured mailbox, and its outcome."""

    model_config = shown_as(_SEEN)
    mailbox: str = Field(description="The mailbox's address.")
    folder: str = Field(description="A well-known folder name, or the folder's id.")
    outcome: MailOutcome
    reason: str = Field(description="The rule that decided.")
    final: bool = Field(
        description="false: Postledger decides again when the copy moves to a captured folder."
    )
    received_at: datetime = Field(description="When the copy was received.")
    rules_version: int = Field(description="The version of the rules that decided.")


class ExplanationModel(Answer):
    """The reason why a mail is, or is not, on a timeline.

    It names no person and no subject of a mail that is not filed.
    """

    model_config = shown_as(
        {
            "outcome": "filed",
            "reason": "contact_address",
            "links": [LINK_EXAMPLE],
            "sightings": [_SEEN],
            "steps": [
                "ann@contoso.example, inbox, received 2026-03-02 09:00:00 UTC: kept, fetched and filed, "
                "because an address on it is on a contact's card (contact_address).",
                "Matching (rules 1) filed it on 1 record(s).",
                "On contact/C-1, because an address on it is on a contact's card (contact_address, score 80; "
                "evidence: from bo@fabrikam.example).",
            ],
        }
    )
    outcome: MailOutcome
    reason: str = Field(description="The rule that decided.")
    links: list[LinkModel] = Field(description="The records on which the mail is filed.")
    sightings: list[SeenCopyModel] = Field(description="The copies that Postledger saw, oldest first.")
    steps: list[str] = Field(description="The decisions and their reasons in order, one sentence each.")
