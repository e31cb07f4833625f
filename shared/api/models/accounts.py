"""Accounts of mailboxes outside Microsoft 365 in JSON. Passwords are in requests only."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from shared.api.models.schema import Answer, Body, Example, shown_as
from shared.api.models.words import Reach, Security

_SMTP: Final[Example] = {"host": "smtp.contoso.example", "port": 587, "security": "starttls"}
_SERVER: Final[Example] = {"host": "mail.contoso.example", "port": 993, "security": "tls"}
Host = Annotated[str, Field(description="Its name.")]
Port = Annotated[int | None, Field(description="Absent: the usual one.")]


class ServerFields(Body):
    """Where mail is handed in."""

    model_config = shown_as(_SMTP)
    host: Host
    port: Port = None
    security: Security | None = None


class CredentialFields(Body):
    """Give `host` or `use_autodiscover`."""

    model_config = shown_as({"user_name": "CONTOSO\\ann", "password": "an app password", **_SERVER})
    user_name: str = Field(description="Usually the email address.")
    password: str = Field(description="It is in no answer.")
    host: str | None = Field(None, description="The IMAP server.")
    use_autodiscover: bool | None = Field(None, description="Find it.")
    port: Port = None
    security: Security | None = None
    smtp: ServerFields | None = None


class ServerModel(Answer):
    """A mail server."""

    model_config = shown_as(_SMTP)
    host: Host
    port: int = Field(description="Its port.")
    security: Security


class ProviderModel(Answer):
    """A provider of mailboxes."""

    model_config = shown_as(
        {
            "id": "icloud",
            "label": "iCloud.com",
            "domains": ["icloud.com", "me.com", "mac.com"],
            "reach": "imap",
            "needs": "An app password.",
            "imap": _SERVER,
            "smtp": _SMTP,
        }
    )
    id: str = Field(description="Its id.")
    label: str = Field(description="Its name.")
    domains: list[str] = Field(description="Its addresses' domains.")
    reach: Reach
    needs: str = Field(description="What a person needs.")
    imap: ServerModel | None
    smtp: ServerModel | None


class ProvidersModel(Answer):
    """Known providers."""

    model_config = shown_as({"providers": []})
    providers: list[ProviderModel] = Field(description="In the order of a list to choose from.")


class CredentialsModel(ServerModel):
    """What is saved, without the password."""

    model_config = shown_as(
        {
            "user_name": "CONTOSO\\ann",
            **_SERVER,
            "use_autodiscover": False,
            "smtp": _SMTP,
            "saved_at": "2026-03-02T09:00:00Z",
            "refused": False,
        }
    )
    user_name: str = Field(description="Who signs in.")
    use_autodiscover: bool = Field(description="Whether `host` was found.")
    smtp: ServerModel | None
    saved_at: datetime = Field(description="When.")
    refused: bool = Field(description="Whether the server refused it twice; it is not tried again.")
