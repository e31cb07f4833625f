"""Mail sent by submission: connected and offered first, handed over once the row says so, and never twice by itself.

A server that speaks SMTP keeps no drafts and tells nothing afterwards: what became of a mail is read in the mailbox.
"""

import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.adapters.imap.accounts import STARTTLS, Account
from shared.adapters.imap.wire import Dial
from shared.adapters.smtp.accounts import NO_SUBMISSION
from shared.adapters.smtp.envelopes import Envelope, dotted, envelope_of
from shared.adapters.smtp.replies import (
    Stage,
    is_passing,
    lost,
    not_reached,
    of_refused,
    outcome_of,
    refusals,
    signed_out,
)
from shared.adapters.smtp.wire import FINAL_SILENCE, Lost, Reply, SubmissionClient
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    AccessDenied,
    PermanentError,
    PostledgerError,
    Rejected,
    Throttled,
    TransientError,
)
from shared.domain.mail.items import ItemRef
from shared.domain.sending.checking import Limits
from shared.domain.sending.outbox import Refusal
from shared.domain.sending.outcomes import Answer, Outcome
from shared.ports.sending import Offer, OutgoingCopy, OutgoingFile

# RFC 5321 section 4.5.3.1.8 has every server take so many; the size is what most providers take.
_LIMITS: Final = Limits(
    recipients=100, composed=25_000_000, message=25_000_000, file=18_000_000, adds_files=False
)
_NO_DRAFTS: Final = "This mailbox keeps no drafts of ours."
_NO_ENCRYPTION: Final = "The mail server does not offer encryption, so nothing was sent."
_BAD_CERTIFICATE: Final = "The mail server's certificate cannot be trusted, so nothing was sent."
_NO_SIGN_IN: Final = "The mail server offers no sign-in by a password, so nothing was sent."
_UNREACHABLE: Final = "The mail server cannot be reached."
_BEYOND_ASCII: Final = "The mail server takes addresses in ASCII only."
_EIGHT_BIT: Final = (
    "The mail server does not take what an attached mail holds: send it as a file of another type."
)
# A mailbox that may not be looked through is looked through again after this time.
_REFUSED_FOR: Final = 600.0


class OutgoingAccounts(Protocol):
    """Who signs in where mail of a mailbox is handed in."""

    def of(self, mailbox: Mailbox, *, is_test: bool = False) -> Account:
        """Raises AccessDenied, with the code NO_SUBMISSION where no server is known, and where it is parked."""

    def tried(self, account: Account, *, refused: bool) -> None:
        """Hear how a sign-in ended that the server answered."""


class Copies(Protocol):
    """The sent mail of mailboxes."""

    def find(self, mailbox: Mailbox, message_id: str) -> Sequence[OutgoingCopy]:
        """Copies with this Message-ID. Raises AccessDenied, MailboxUnavailable, TransientError."""

    def lay(self, mailbox: Mailbox, mime: bytes, message_id: str) -> OutgoingCopy:
        """Lay one there. Raises PermanentError and TransientError."""


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Implements `ports.MailSender`. `context` verifies; there is no way to switch that off."""

    accounts: OutgoingAccounts
    copies: Copies
    dial: Dial
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    final_silence: float = FINAL_SILENCE

    def limits(self, mailbox: Mailbox) -> Limits:  # noqa: ARG002
        """What a server has to take; what it does take, it says to each mail."""
        return _LIMITS

    def open(self, mailbox: Mailbox) -> "SmtpOutbox":
        return SmtpOutbox(self, mailbox)

    def probe(self, mailbox: Mailbox) -> Outcome | None:
        """What would be said of a mail from this mailbox: everything up to its recipients. None: nothing."""
        box = self.open(mailbox)
        try:
            return box.try_sender()
        finally:
            box.close()


class _Refused(Exception):
    """The server has refused, which proves that nothing has left."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.answer)
        self.outcome = outcome


class SmtpOutbox:
    """Implements `ports.OpenOutbox`. A connection is one mail's: it is opened for its offer, and closed behind it."""

    keeps_drafts = False
    lays_copies = False

    def __init__(self, sender: SmtpSender, mailbox: Mailbox) -> None:
        self._sender = sender
        self._mailbox = mailbox
        self._client: SubmissionClient | None = None
        self._offered: Envelope | None = None
        self._stage = Stage.CONNECTING

    def offer(self, mime: bytes) -> Offer | Outcome:
        """Up to the recipients: nothing can leave before DATA."""
        envelope = envelope_of(mime)
        try:
            client = self._connected()
            refused = self._named(client, envelope)
        except _Refused as error:
            self.close()
            return error.outcome
        except Lost:
            self.close()
            return lost(self._stage)
        self._offered = envelope
        return Offer(refused)

    def send(self, mime: bytes) -> Outcome:
        """DATA and the octets, once; the recipients were named by the offer."""
        if self._offered is None and isinstance(refused := self.offer(mime), Outcome):
            return refused
        client, envelope, self._offered = self._client, self._offered, None
        if client is None or envelope is None:
            return lost(Stage.CONNECTING)
        try:
            return self._handed_over(client, envelope)
        except Lost:
            return lost(self._stage)
        finally:
            self.close()

    def copies(self, tag: str, message_id: str) -> Sequence[OutgoingCopy]:  # noqa: ARG002
        """By the Message-ID, which no server changes in what was laid there. A refused sign-in passes, so all wait."""
        try:
            return self._sender.copies.find(self._mailbox, message_id)
        except AccessDenied as error:
            raise Throttled(str(error), _REFUSED_FOR) from error

    def lay_copy(self, mime: bytes) -> OutgoingCopy:
        """With its blind recipients: it is the sender's own."""
        return self._sender.copies.lay(self._mailbox, mime, envelope_of(mime).message_id)

    def close(self) -> None:
        """With QUIT, as servers count connections; what was offered and not handed over is dropped by that."""
        client, self._client, self._offered = self._client, None, None
        if client is None:
            return
        with suppress(Lost):
            client.say("QUIT")
        client.close()

    def draft(self, mime: bytes, tag: str) -> Outcome:  # noqa: ARG002
        raise Rejected(_NO_DRAFTS)

    def mark(self, draft: ItemRef, tag: str) -> None:  # noqa: ARG002
        raise Rejected(_NO_DRAFTS)

    def attach(self, draft: ItemRef, file: OutgoingFile) -> None:  # noqa: ARG002
        raise Rejected(_NO_DRAFTS)

    def send_draft(self, draft: ItemRef) -> Outcome:  # noqa: ARG002
        raise Rejected(_NO_DRAFTS)

    def discard(self, draft: ItemRef) -> None:
        """There is none."""

    def try_sender(self) -> Outcome | None:
        """Everything that is said ahead of a recipient."""
        try:
            client = self._connected(is_test=True)
            self._stage = Stage.SENDER
            self._must(client, f"MAIL FROM:<{self._mailbox.address}>")
            self._must(client, "RSET")
        except _Refused as error:
            return error.outcome
        except Lost:
            return lost(self._stage)
        return None

    def _connected(self, *, is_test: bool = False) -> SubmissionClient:
        """Encrypted and signed in; nothing is said to a server that cannot be trusted."""
        self._stage = Stage.CONNECTING
        account = self._account(is_test=is_test)
        client = SubmissionClient(
            account, self._sender.dial, self._sender.context, self._sender.final_silence
        )
        self._client = client
        try:
            self._greeted(client, is_plain=account.security == STARTTLS)
        except (PostledgerError, OSError) as error:
            raise _Refused(_of_connecting(error)) from error
        self._stage = Stage.SIGN_IN
        if not client.takes_passwords:
            raise _Refused(signed_out(_NO_SIGN_IN))
        said = client.sign_in()
        # A refusal for now says nothing of the password.
        if not is_passing(said):
            self._sender.accounts.tried(account, refused=said.code >= 500)
        self._expect(said)
        return client

    def _account(self, *, is_test: bool) -> Account:
        """Raises AccessDenied where no server is known. What a person has to save first keeps the mail waiting."""
        try:
            return self._sender.accounts.of(self._mailbox, is_test=is_test)
        except AccessDenied as error:
            if error.code == NO_SUBMISSION:
                raise
            raise _Refused(signed_out(str(error))) from error

    def _greeted(self, client: SubmissionClient, *, is_plain: bool) -> None:
        self._expect(client.greeting())
        self._expect(client.hello())
        if is_plain:
            self._encrypt(client)

    def _encrypt(self, client: SubmissionClient) -> None:
        """What is not encrypted gets no password."""
        if not client.has_extn("starttls"):
            raise _Refused(signed_out(_NO_ENCRYPTION))
        self._expect(client.encrypt())
        self._expect(client.hello())

    def _named(self, client: SubmissionClient, envelope: Envelope) -> tuple[Refusal, ...]:
        """Sender and recipients; those who are refused where others are taken."""
        self._stage = Stage.SENDER
        self._must(client, f"MAIL FROM:<{envelope.sender}>{_parameters(client, envelope)}")
        self._stage = Stage.RECIPIENTS
        replies = [(address, client.say(f"RCPT TO:<{address}>")) for address in envelope.recipients]
        if not any(reply.is_fine for _, reply in replies):
            raise _Refused(of_refused(replies))
        return refusals(replies)

    def _handed_over(self, client: SubmissionClient, envelope: Envelope) -> Outcome:
        self._stage = Stage.DATA
        said = client.say("DATA")
        if said.code != 354:
            return outcome_of(said, self._stage)
        self._stage = Stage.END
        said = client.hand_over(dotted(envelope.content))
        return Outcome(Answer.TAKEN) if 200 <= said.code < 300 else outcome_of(said, self._stage)

    def _must(self, client: SubmissionClient, command: str) -> None:
        self._expect(client.say(command))

    def _expect(self, reply: Reply) -> None:
        if not 200 <= reply.code < 300:
            raise _Refused(outcome_of(reply, self._stage))


def _of_connecting(error: Exception) -> Outcome:
    """Why no connection was made, or none that can be trusted."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return signed_out(_BAD_CERTIFICATE)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return signed_out(_NO_ENCRYPTION)
    if isinstance(error, PermanentError):
        return signed_out(str(error))
    return not_reached(str(error) if isinstance(error, TransientError) else _UNREACHABLE)


def _parameters(client: SubmissionClient, envelope: Envelope) -> str:
    """SIZE, 8BITMIME and SMTPUTF8 as far as the server has them; refused here where it lacks what the mail needs."""
    words: list[str] = []
    size = len(envelope.content)
    if client.has_extn("size"):
        words.append(f"SIZE={size}")
        most = client.esmtp_features["size"]
        if most.isdecimal() and 0 < int(most) < size:
            said = f"The mail server takes {int(most):,} bytes, and the mail has {size:,}."
            raise _Refused(Outcome(Answer.TOO_LARGE, words=said))
    if not envelope.is_ascii:
        if not client.has_extn("smtputf8"):
            raise _Refused(Outcome(Answer.INVALID_RECIPIENTS, words=_BEYOND_ASCII))
        words.append("SMTPUTF8")
    if not envelope.is_seven_bit:
        if not client.has_extn("8bitmime"):
            raise _Refused(Outcome(Answer.REJECTED, words=_EIGHT_BIT))
        words.append("BODY=8BITMIME")
    return "".join(f" {word}" for word in words)
