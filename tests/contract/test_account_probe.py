"""Check Settings: each sentence is reached against Dovecot, or a server that says what Dovecot never would."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
import trustme

from dev.dovecot import Dovecot, running
from shared.adapters.imap.accounts import StoredAccounts
from shared.adapters.imap.probe import ImapProbe
from shared.adapters.imap.sessions import Sessions
from shared.adapters.network.dialling import GuardedDial
from shared.domain.connections.account_tests import ACCOUNT_SENTENCES, SignIn
from shared.domain.connections.accounts import STARTTLS, TLS, MailAccount, Server
from shared.domain.connections.public_addresses import networks_of
from shared.domain.errors import AccessDenied
from tests.builders import AGENT, a_mailbox
from tests.contract.dovecot_world import WANTED, certificate
from tests.contract.imap_stub import Stub, served
from tests.fakes.stores.connections import FakeCredentials

LOOPBACK = networks_of(["127.0.0.0/8", "::1/128"])
MAILBOX = a_mailbox(connection="imap")
PASSWORD = 'pässword "x" \\y'

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


class Check:
    """Saves an account and checks it, over a dial that is guarded as in the product."""

    def __init__(self, ca_file: Path) -> None:
        self.credentials = FakeCredentials()
        context = ssl.create_default_context(cafile=str(ca_file))
        accounts = StoredAccounts(self.credentials)
        self.sessions = Sessions(accounts, GuardedDial(LOOPBACK), context, silence=5.0)
        self.probe = ImapProbe(self.sessions)

    def save(self, port: int, password: str = PASSWORD, host: str = "localhost", security: str = TLS) -> None:
        account = MailAccount(
            MAILBOX.tenant_id, MAILBOX.mailbox_id, AGENT, Server(host, port, security), saved_at=None
        )
        self.credentials.put(account, password)

    def __call__(self, port: int, **account: str) -> SignIn:
        self.save(port, **account)
        return self.probe.sign_in(MAILBOX)

    @property
    def refusals(self) -> int:
        return self.credentials.rows[MAILBOX.tenant_id, MAILBOX.mailbox_id].refusals


@pytest.fixture
def check(files: tuple[Path, Path, Path]) -> Iterator[Check]:
    made = Check(files[2])
    yield made
    made.sessions.close()


class TestOnDovecot:
    pytestmark: ClassVar = [*WANTED]

    @pytest.fixture(scope="class")
    def dovecot(self, files: tuple[Path, Path, Path]) -> Iterator[Dovecot]:
        with running(cert=files[0], key=files[1], ca_file=files[2]) as server:
            server.add_user(AGENT, PASSWORD)
            yield server

    def test_the_right_settings_are_right_whichever_way_it_is_encrypted(
        self, check: Check, dovecot: Dovecot
    ) -> None:
        assert check(dovecot.port) is SignIn.DONE
        assert check(dovecot.starttls_port, security=STARTTLS) is SignIn.DONE

    def test_a_wrong_password_is_tried_twice_and_no_more_until_new_ones_are_saved(
        self, check: Check, dovecot: Dovecot
    ) -> None:
        assert check(dovecot.port, password="wrong") is SignIn.WRONG_PASSWORD
        assert check.probe.sign_in(MAILBOX) is SignIn.WRONG_PASSWORD
        assert (check.refusals, check.sessions.opened) == (2, 2)
        assert check.probe.sign_in(MAILBOX) is SignIn.WRONG_PASSWORD
        assert check.sessions.opened == 2
        assert check(dovecot.port) is SignIn.DONE
        assert check.refusals == 0

    def test_a_port_that_speaks_no_tls_gets_no_password(self, check: Check, dovecot: Dovecot) -> None:
        assert check(dovecot.starttls_port) is SignIn.NOT_ENCRYPTED
        assert check.sessions.opened == 0

    def test_a_name_that_the_certificate_is_not_for_gets_no_password(
        self, check: Check, dovecot: Dovecot
    ) -> None:
        assert check(dovecot.port, host="127.0.0.2") is SignIn.WRONG_SERVER
        stranger = trustme.CA()
        check.sessions.context = ssl.create_default_context(cadata=stranger.cert_pem.bytes().decode())
        assert check(dovecot.port) is SignIn.BAD_CERTIFICATE
        assert check.sessions.opened == 0


@pytest.mark.parametrize(
    ("stub", "ended"),
    [
        (Stub(), SignIn.DONE),
        (Stub(sign_in="NO [AUTHENTICATIONFAILED] Invalid credentials"), SignIn.WRONG_PASSWORD),
        (Stub(sign_in="NO LOGIN failed."), SignIn.WRONG_PASSWORD),
        (
            Stub(sign_in="NO [ALERT] Application-specific password required"),
            SignIn.APP_PASSWORD,
        ),
        (Stub(sign_in="NO LOGIN failed: BasicAuthBlocked"), SignIn.BASIC_AUTH_OFF),
        (Stub(capabilities="IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2"), SignIn.BASIC_AUTH_OFF),
        (Stub(sign_in="NO [ALERT] Your account is not enabled for IMAP use."), SignIn.IMAP_OFF),
        (Stub(sign_in="NO [UNAVAILABLE] Temporary authentication failure."), SignIn.SERVER_BUSY),
        (Stub(sign_in="NO [LIMIT] Too many simultaneous connections."), SignIn.SERVER_BUSY),
        (Stub(greeting="BYE too many connections;"), SignIn.SERVER_BUSY),
        (Stub(capabilities="IMAP4rev1"), SignIn.ASCII_ONLY),
        (Stub(look="BAD User is authenticated but not connected."), SignIn.NO_INBOX),
        (Stub(greeting="PREAUTH"), SignIn.NOT_ENCRYPTED),
    ],
    ids=lambda given: str(given) if isinstance(given, SignIn) else "",
)
def test_what_a_server_says_has_a_sentence(
    check: Check, files: tuple[Path, Path, Path], stub: Stub, ended: SignIn
) -> None:
    with served(stub, files):
        assert check(stub.port) is ended
    assert ended is SignIn.DONE or ACCOUNT_SENTENCES[ended]


def test_a_server_that_takes_no_connection_or_has_no_name_is_the_wrong_one(check: Check) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = int(taken.getsockname()[1])
    assert check(port) is SignIn.WRONG_SERVER
    check.sessions.dial = GuardedDial()
    assert check(993) is SignIn.WRONG_SERVER


def test_without_credentials_nobody_is_asked(check: Check) -> None:
    assert check.probe.sign_in(MAILBOX) is SignIn.NO_CREDENTIALS
    assert check.sessions.opened == 0


def test_a_certificate_that_has_expired_gets_no_password(check: Check, tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    check.sessions.context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    stub = Stub()
    with served(stub, (cert, key)):
        assert check(stub.port) is SignIn.BAD_CERTIFICATE
    assert stub.lines == []


QUOTED = {
    SignIn.WRONG_PASSWORD: "The username and password are invalid",
    SignIn.WRONG_SERVER: "The specified Server address is invalid",
    SignIn.NOT_DISCOVERED: "Unable to autodiscover the server address",
    SignIn.APP_PASSWORD: "need to have enabled two-step verification",
}


@pytest.mark.parametrize("ended", QUOTED)
def test_four_sentences_are_those_that_people_know(ended: SignIn) -> None:
    assert QUOTED[ended] in ACCOUNT_SENTENCES[ended]
    assert "Multi-factor authentication (MFA) must be disabled".casefold() in (
        ACCOUNT_SENTENCES[SignIn.APP_PASSWORD].casefold()
    )


def test_a_session_lasts_no_longer_than_the_credentials_that_opened_it(
    check: Check, files: tuple[Path, Path, Path]
) -> None:
    check.sessions.trusted = 0.0
    stub = Stub()
    with served(stub, files):
        check.save(stub.port)
        for _ in range(3):
            with check.sessions.of(MAILBOX) as session:
                assert session.is_open
        assert check.sessions.opened == 1
        check.save(stub.port, password="another")
        with check.sessions.of(MAILBOX):
            assert check.sessions.opened == 2
        check.credentials.delete(MAILBOX.tenant_id, MAILBOX.mailbox_id)
        with pytest.raises(AccessDenied), check.sessions.of(MAILBOX):
            pass
