"""Whom a caller may make the agent of a mailbox."""

from dataclasses import dataclass, replace

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Forbidden, InvalidInput, NotFound, PermanentError, TransientError
from shared.domain.privacy.callers import Caller
from shared.ports.directory import Directory


@dataclass(frozen=True, slots=True)
class CheckAgent:
    """Nobody becomes the agent of a colleague's mailbox by a change of one's own.

    It is permitted where the directory says that the mailbox's user may not sign in: a shared mailbox, or a colleague
    who has left. In other cases another admin does it, or the operator, who reads no mail.
    """

    directory: Directory

    def __call__(self, caller: Caller, wanted: Mailbox, *, is_new: bool) -> bool:
        """Whether the directory knows the agent; False where it cannot be asked.

        Raises InvalidInput for an agent whom the directory does not know, Forbidden, TransientError.
        """
        agent_id = self._agent_id(wanted)
        is_self = not caller.app_only and (caller.address == wanted.agent or caller.oid == agent_id)
        if is_self and not self._may_take(caller, wanted, is_new=is_new):
            raise Forbidden(
                "This would make you the agent of a colleague's mailbox, with all mail that waits in it. Ask another "
                "admin, or the operator of this deployment. You may do it once the colleague's account is disabled."
            )
        # The mailbox test has found the mailbox's own user, or says what it could not find.
        return bool(agent_id) or wanted.agent == wanted.address

    def _agent_id(self, wanted: Mailbox) -> str:
        """The agent's object id; empty where the directory cannot be asked, and for the mailbox's own user."""
        # The mailbox test asks for that one, and says more about it.
        if wanted.agent == wanted.address:
            return ""
        try:
            return self.directory.user(replace(wanted, address=wanted.agent, user_id="")).user_id
        except NotFound as error:
            raise InvalidInput(
                f"'agent' is {wanted.agent}, an address that no user of the tenant has."
            ) from error
        except (PermanentError, TransientError):
            return ""

    def _may_take(self, caller: Caller, wanted: Mailbox, *, is_new: bool) -> bool:
        if wanted.address == caller.address:
            return True
        try:
            owner = self.directory.user(wanted)
            return owner.user_id == caller.oid or self.directory.is_disabled(wanted)
        except PermanentError:
            # Without the right to look, nothing that waits already is given away.
            return is_new
