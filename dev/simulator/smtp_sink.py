"""A submission server beside the simulator: takes mail from users of the IMAP server, and keeps what it took.

Scripted where a test wants it: recipients that are refused, replies to the next mails, copies that it files itself.
"""

# ruff: noqa: ARG002 - the library calls with all of these
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_LARGEST: Final = 35_000_000
_TAKEN: Final = "250 2.0.0 taken"


@dataclass
class Sink:
    """`taken` are the mails that it answers for. `recipients` are replies to some of them; `replies` are said next.

    `files` lays a copy of what was taken into the sender's folder of sent mail, where `files_sent_copy` says so.
    """

    password_of: Callable[[str], str | None]
    files: Callable[[str, bytes], None]
    taken: list[dict[str, Any]] = field(default_factory=list)
    recipients: dict[str, str] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    files_sent_copy: bool = False
    port: int = 0

    def serve(self, port: int, context: ssl.SSLContext) -> None:
        """STARTTLS on loopback, in a thread of its own."""
        self.port = port
        controller = Controller(
            self,
            hostname="127.0.0.1",
            port=port,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
        )
        controller.start()

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        is_known = isinstance(data, LoginPassword)
        user = data.login.decode("utf-8", "replace") if is_known else ""
        wanted = self.password_of(user)
        is_right = is_known and wanted is not None and data.password.decode("utf-8", "replace") == wanted
        return AuthResult(success=is_right, handled=False, auth_data=user)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.recipients.get(address.lower(), "250 2.1.5 fine")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self.replies.pop(0) if self.replies else _TAKEN
        if not reply.startswith("250"):
            return reply
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        self.taken.append(
            {
                "sender": envelope.mail_from,
                "recipients": list(envelope.rcpt_tos),
                "raw": raw.decode("latin-1"),
            }
        )
        if self.files_sent_copy:
            self.files(str(session.auth_data), raw)
        return reply
