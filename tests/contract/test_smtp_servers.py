"""Submission to aiosmtpd and copies on Dovecot: the servers are real ones, so nothing here is said as we expect it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from dev.dovecot import Dovecot, running
from shared.adapters.imap.accounts import STARTTLS, TLS
from shared.adapters.imap.sent import SentMail
from shared.adapters.smtp.sending import SmtpSender
from shared.domain.mail.addresses import Person
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from shared.ports.sending import Offer
from tests.builders import AGENT, a_mailbox
from tests.contract.dovecot_world import PASSWORD, WANTED, DovecotMail, OnDovecot, certificate, dial
from tests.contract.smtp_world import Certificates, Folder, OneAccount, SmtpMail, SmtpOutboxWorld, id_of
from tests.contract.test_smtp import mime

pytestmark = [pytest.mark.stack, pytest.mark.filterwarnings("ignore:Requiring AUTH")]
SIZE = 100_000


@dataclass
class Handler:
    """Keeps what is taken."""

    taken: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 2.0.0 taken"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone"):
            return f"550 5.1.1 <{address}>: no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"


def signed_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(*certificate(tmp_path_factory.mktemp("aiosmtpd")))


class _Tls(Controller):
    """The library's own look at whether it runs trusts no certificate of ours."""

    def _trigger_server(self) -> None:
        with ssl._create_unverified_context().wrap_socket(dial("localhost", self.port)) as sock:
            sock.recv(64)


@dataclass
class Aiosmtpd:
    sender: SmtpSender
    handler: Handler
    account: OneAccount


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(params=[TLS, STARTTLS])
def served(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Aiosmtpd]:
    handler = Handler()
    context = certificates.of_server()
    options: dict[str, Any] = {"authenticator": signed_in, "auth_required": True, "data_size_limit": SIZE}
    options |= {"hostname": "127.0.0.1", "port": free_port(), "enable_SMTPUTF8": True}
    if request.param == TLS:
        # It knows no sign-in behind TLS from the first octet unless it is told that this is no matter.
        controller: Controller = _Tls(handler, ssl_context=context, auth_require_tls=False, **options)
    else:
        controller = Controller(handler, tls_context=context, require_starttls=True, **options)
    controller.start()
    account = OneAccount(controller.port, request.param)
    yield Aiosmtpd(SmtpSender(account, Folder(), dial, certificates.of_client()), handler, account)
    controller.stop()


def test_a_mail_is_taken_with_its_blind_recipients_in_the_envelope(served: Aiosmtpd) -> None:
    box = served.sender.open(a_mailbox(address=AGENT))
    content = mime(bcc="quiet@client.example", text="zwölf\r\n.\r\nEnde")
    assert box.offer(content) == Offer()
    assert box.send(content) == Outcome(Answer.TAKEN)
    [taken] = served.handler.taken
    assert (taken.mail_from, taken.rcpt_tos) == (AGENT, ["buyer@client.example", "quiet@client.example"])
    assert isinstance(taken.content, bytes)
    assert taken.content.endswith("zwölf\r\n.\r\nEnde\r\n".encode())
    assert b"quiet" not in taken.content


def test_some_recipients_are_refused_and_the_others_get_it(served: Aiosmtpd) -> None:
    box = served.sender.open(a_mailbox(address=AGENT))
    content = mime(to="anna@client.example, gone@client.example")
    offer = box.offer(content)
    assert isinstance(offer, Offer)
    [refused] = offer.refused
    assert refused.address == "gone@client.example"
    assert "no such user" in refused.words
    assert box.send(content).answer is Answer.TAKEN
    assert served.handler.taken[0].rcpt_tos == ["anna@client.example"]


def test_a_wrong_password_a_large_mail_and_an_offer_that_is_given_up_leave_nothing(served: Aiosmtpd) -> None:
    box = served.sender.open(a_mailbox(address=AGENT))
    assert isinstance(box.offer(mime()), Offer)
    box.close()
    assert _answer(box.offer(mime(text="x" * SIZE))) is Answer.TOO_LARGE
    served.account.password = "another"
    assert _answer(box.offer(mime())) is Answer.SIGNED_OUT
    assert served.handler.taken == []


def _answer(said: Offer | Outcome) -> Answer | None:
    return said.answer if isinstance(said, Outcome) else None


@pytest.fixture(scope="module")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    with running(cert=certificates.cert, key=certificates.key, ca_file=certificates.ca_file) as server:
        yield server


@WANTED[1]
class TestOnDovecot:
    """The whole way: by submission to aiosmtpd, and into the mailbox's own folder of sent mail."""

    @pytest.fixture
    def world(self, served: Aiosmtpd, dovecot: Dovecot) -> Iterator[SmtpOutboxWorld]:
        imap = OnDovecot.fresh(dovecot, AGENT, "other@contoso.example")
        world = SmtpOutboxWorld(_Both(served, imap.mail))
        yield world
        imap.mail.sessions.close()

    def test_a_mail_leaves_and_its_copy_lies_read_among_the_sent_mail(
        self, world: SmtpOutboxWorld, served: Aiosmtpd
    ) -> None:
        world.ask(bcc=(Person("", "quiet@client.example"),))
        world.work()
        assert world.mail().state is State.CONFIRMED
        [taken] = served.handler.taken
        assert id_of(_octets(taken)) == world.mail().message_id
        copies = _copies(world)
        assert [copy.message_id for copy in copies] == [world.mail().message_id]
        raw = world.smtp.mail.open(world.mailbox).mime(copies[0].item, 100_000)
        assert b"Bcc: quiet@client.example" in raw
        assert world.smtp.mail.flags(AGENT, copies[0].item) == {b"\\Seen"}

    def test_a_provider_that_lays_copies_by_itself_gets_none_of_ours(
        self, world: SmtpOutboxWorld, served: Aiosmtpd
    ) -> None:
        mail = world.smtp.mail

        async def handle_data(server: Any, session: Session, envelope: Envelope) -> str:
            served.handler.taken.append(envelope)
            with mail.person(AGENT) as client:
                client.append("Sent", envelope.content)
            return "250 2.0.0 taken"

        served.handler.handle_DATA = handle_data  # type: ignore[method-assign]
        world.ask()
        world.work()
        assert (world.mail().state, len(_copies(world))) == (State.CONFIRMED, 1)

    def test_a_mailbox_without_a_folder_of_sent_mail_keeps_no_copy(
        self, world: SmtpOutboxWorld, served: Aiosmtpd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.adapters.imap.folders._told", lambda line: None)
        monkeypatch.setattr("shared.adapters.imap.folders.role_by_name", lambda name: None)
        world.ask()
        world.work()
        mail = world.mail()
        assert (mail.state, mail.error and mail.error.code) == (State.SENT, "no_copy_kept")
        assert len(served.handler.taken) == 1


class _Both(SmtpMail):
    """Both servers of one account."""

    def __init__(self, served: Aiosmtpd, mail: DovecotMail) -> None:
        self.mail = mail
        self.folder = Folder()
        self.sender = replace(served.sender, copies=SentMail(mail.sessions))
        self.mailbox = a_mailbox(address=AGENT, agent=AGENT)


def _copies(world: SmtpOutboxWorld) -> Any:
    return world.smtp.sender.copies.find(world.mailbox, world.mail().message_id)


def _octets(taken: Envelope) -> bytes:
    assert isinstance(taken.content, bytes)
    return taken.content
