"""Accounts of mailboxes as JSON, without their passwords."""

from dataclasses import asdict

from shared.api.models.accounts import CredentialsModel, ProvidersModel
from shared.domain.connections.accounts import MailAccount
from shared.domain.connections.providers import PROVIDERS


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


def providers() -> ProvidersModel:
    return ProvidersModel.model_validate({"providers": [asdict(provider) for provider in PROVIDERS]})
