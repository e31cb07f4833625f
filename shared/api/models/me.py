"""The person who calls, in JSON."""

from typing import Final

from pydantic import Field

from shared.api.models.schema import Answer, Body, Example, shown_as
from shared.api.models.words import MailboxKind, MailboxState, OrganisationState

_OWN: Final[Example] = {"address": "ann@contoso.example", "kind": "personal", "state": "ok"}
_SENDER: Final[Example] = {
    "address": "ann@contoso.example",
    "default": True,
    "why": "It is the agent's own mailbox.",
}
_ORGANISATION: Final[Example] = {"name": "Contoso", "state": "verified"}
_SIGNATURE: Final[Example] = {"html": "<p>Ann Agent<br>Contoso</p>"}


class OwnOrganisationModel(Answer):
    """The caller's organisation."""

    model_config = shown_as(_ORGANISATION)
    name: str = Field(description="The organisation's name.")
    state: OrganisationState


class OwnMailboxModel(Answer):
    """A mailbox whose agent the caller is."""

    model_config = shown_as(_OWN)
    address: str = Field(description="The mailbox's main address.")
    kind: MailboxKind
    state: MailboxState


class SenderModel(Answer):
    """An address from which the caller may send."""

    model_config = shown_as(_SENDER)
    address: str = Field(description="The address; name it in `from`.")
    default: bool = Field(description="Whether mail leaves from here where nothing else is said.")
    why: str = Field(description="Why the caller may send from it, as a sentence.")


class MeModel(Answer):
    """The person who calls."""

    model_config = shown_as(
        {
            "address": "ann@contoso.example",
            "name": "Ann Agent",
            "roles": ["Agent"],
            "organisation": _ORGANISATION,
            "mailboxes": [_OWN],
            "senders": [_SENDER],
            "notices": 2,
            "signature": _SIGNATURE["html"],
        }
    )
    address: str = Field(description="The name with which the caller signs in.")
    name: str = Field(description="The name of the caller's own mailbox in the directory; or empty.")
    roles: list[str] = Field(description="The caller's roles here.")
    organisation: OwnOrganisationModel
    mailboxes: list[OwnMailboxModel] = Field(description="The mailboxes whose agent the caller is.")
    senders: list[SenderModel] = Field(description="The addresses to send from, the default first.")
    notices: int = Field(description="How many notices the caller has.")
    signature: str = Field(description="The signature below the caller's mails, as HTML; or empty.")


class SignatureFields(Body):
    """What stands below the mails of an agent."""

    model_config = shown_as(_SIGNATURE)
    html: str = Field(
        max_length=200_000, description="HTML; empty: no signature. What is unsafe is taken out."
    )


class SignatureModel(Answer):
    """A signature as it is kept."""

    model_config = shown_as(_SIGNATURE)
    html: str = Field(description="The signature, safe to show.")
