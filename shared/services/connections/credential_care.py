"""The application's own credential, looked at once a day: without it no mailbox of any organisation is read."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.ports.mailbox_access import OwnCredential
from shared.ports.work import Clock

# Time for a person to renew it, holidays included.
WARNED_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class WatchCredential:
    """Alert every day for 30 days before the credential ends, and once it has ended."""

    own_credential: OwnCredential
    clock: Clock

    def __call__(self) -> None:
        """Raises Rejected where the certificate cannot be read."""
        expires_at = self.own_credential.expires_at()
        if expires_at is not None and (left := expires_at - self.clock()) <= WARNED_FOR:
            telemetry.alert("credential_expires", expires_at=expires_at.isoformat(), days=left.days)
