"""Accounts of mailboxes that are reached by IMAP."""

from shared.api.auth import UseCases
from shared.api.models.accounts import CredentialFields, CredentialsModel, ProvidersModel
from shared.api.parameters import guarded_router, problems
from shared.api.routers.mailboxes import Address, Person
from shared.api.shapes.accounts import account, providers

router = guarded_router(tag="mailboxes")


@router.put("/mailboxes/{address}/credentials", responses=problems(409))
def put_credentials(
    use_cases: UseCases, caller: Person, address: Address, body: CredentialFields
) -> CredentialsModel:
    """Save with what a mailbox outside Microsoft 365 is opened: its own agent's, an intake mailbox's an admin's."""
    return account(use_cases.manage_account.put(caller, address, body.given()))


@router.get("/mailboxes/{address}/credentials")
def get_credentials(use_cases: UseCases, caller: Person, address: Address) -> CredentialsModel:
    """Return what is saved, without the password."""
    return account(use_cases.manage_account(caller, address))


@router.delete("/mailboxes/{address}/credentials", status_code=204)
def delete_credentials(use_cases: UseCases, caller: Person, address: Address) -> None:
    """Remove them. Its filed mail stays."""
    use_cases.manage_account.forget(caller, address)


@router.get("/mail-providers")
def list_mail_providers(caller: Person) -> ProvidersModel:  # noqa: ARG001
    """Return where known providers' servers are, and what a person needs to sign in there."""
    return providers()
