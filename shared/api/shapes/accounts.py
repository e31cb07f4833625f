"""Accounts of mailboxes as JSON, without their passwords."""

from dataclasses import asdict

from shared.api.models.accounts import CredentialsModel
from shared.domain.connections.accounts import MailAccount


def account(found: MailAccount) -> CredentialsModel:
    return CredentialsModel.model_validate(
        {
            **asdict(found.server),
            "user_name": found.user_name,
            "use_autodiscover": found.use_autodiscover,
            "smtp": asdict(found.smtp) if found.smtp else None,
            "saved_at": found.saved_at,
            "refused": found.is_parked,
        }
    )
