"""Whether a mailbox can be opened with what is saved: a sign-in of its own, and a look at the inbox."""

from dataclasses import dataclass
from typing import Final

from shared.adapters.imap.accounts import NO_CREDENTIALS, PARKED
from shared.adapters.imap.errors import (
    ASCII_ONLY,
    BAD_CERTIFICATE,
    BASIC_AUTH_OFF,
    NO_ACCESS,
    NO_ENCRYPTION,
    REFUSED,
    SWITCHED_OFF,
    WANTS_APP_PASSWORD,
)
from shared.adapters.imap.ranges import opened
from shared.adapters.imap.sessions import Sessions
from shared.domain.connections.account_tests import SignIn
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import PermanentError, Throttled, TransientError

_INBOX: Final = "INBOX"
_ENDED: Final = {
    NO_CREDENTIALS: SignIn.NO_CREDENTIALS,
    PARKED: SignIn.WRONG_PASSWORD,
    REFUSED: SignIn.WRONG_PASSWORD,
    ASCII_ONLY: SignIn.ASCII_ONLY,
    WANTS_APP_PASSWORD: SignIn.APP_PASSWORD,
    BASIC_AUTH_OFF: SignIn.BASIC_AUTH_OFF,
    SWITCHED_OFF: SignIn.IMAP_OFF,
    BAD_CERTIFICATE: SignIn.BAD_CERTIFICATE,
    NO_ENCRYPTION: SignIn.NOT_ENCRYPTED,
    NO_ACCESS: SignIn.NO_INBOX,
    "NoSuchServer": SignIn.WRONG_SERVER,
}


@dataclass(frozen=True, slots=True)
class ImapProbe:
    """Implements `ports.AccountProbe`. LOGIN alone proves nothing: Exchange accepts it for mailboxes that it hides."""

    sessions: Sessions

    def sign_in(self, mailbox: Mailbox) -> SignIn:
        try:
            session = self.sessions.fresh(mailbox)
        except Throttled:
            return SignIn.SERVER_BUSY
        except TransientError:
            return SignIn.WRONG_SERVER
        except PermanentError as error:
            return _ended(error, SignIn.WRONG_PASSWORD)
        try:
            opened(session, _INBOX)
        except TransientError:
            return SignIn.SERVER_BUSY
        except PermanentError as error:
            return _ended(error, SignIn.NO_INBOX)
        finally:
            session.close()
        return SignIn.DONE


def _ended(error: PermanentError, otherwise: SignIn) -> SignIn:
    return _ENDED.get(error.code, otherwise)
