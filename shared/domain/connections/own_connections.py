"""Which of an organisation's connections is a person's own: the sign-in for the own mailbox, and no other."""

from collections.abc import Iterable, Sequence
from typing import Final

from shared.domain.connections.connections import AGENT, MailConnection
from shared.domain.privacy.callers import ADMIN, OPERATOR, Caller

NOT_CAPTURED: Final = (
    "Your mailbox is not captured yet: an admin of your organisation adds it with PUT mailboxes/{address}, or sets "
    "'self_service' to true in PUT organisation; then sign in once more."
)


def keeps_all(caller: Caller) -> bool:
    """Whether the caller sees and ends every connection of the organisation."""
    return not caller.roles.isdisjoint((ADMIN, OPERATOR))


def own(
    caller: Caller, rows: Iterable[MailConnection], addresses: Sequence[str]
) -> tuple[MailConnection, ...]:
    """The caller's own sign-in; `addresses` are those of the caller's mailboxes.

    A sign-in of somebody who had the address before is not the caller's.
    """
    if not caller.is_person:
        return ()
    named = {caller.address, *addresses} - {""}
    return tuple(
        row
        for row in rows
        if row.mode == AGENT and (row.user_id == caller.oid or (row.mailbox in named and not row.user_id))
    )
