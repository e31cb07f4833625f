"""Submission servers as people met them, played from scripts: a copy that is filed or refused, a refused sender.

The scripts and their player lie beside the repository.
"""

import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.imap.sent import SentMail
from shared.adapters.imap.sessions import Sessions
from shared.adapters.smtp.sending import SmtpSender
from shared.domain.commands.advice import advice
from shared.domain.commands.commands import ResendMail
from shared.domain.mail.addresses import Person
from shared.domain.sending.states import State
from tests.builders import AGENT, a_mailbox
from tests.contract.dovecot_world import certificate, dial
from tests.contract.smtp_world import Folder, OneAccount, SmtpMail, SmtpOutboxWorld
from tests.contract.test_imap_cases import CASES, PLAYER, player

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not PLAYER.is_file(), reason="the player of scripts is not here"),
]


class _Played(SmtpMail):
    """A script of each protocol, the one beside the other."""

    def __init__(self, imap: Any, smtp: Any, context: ssl.SSLContext) -> None:
        self.imap, self.smtp = imap, smtp
        self.sessions = Sessions(OneAccount(imap.port), dial, context)
        self.folder = Folder()
        self.sender = SmtpSender(OneAccount(smtp.port), SentMail(self.sessions), dial, context)
        self.mailbox = a_mailbox(address=AGENT, agent=AGENT)

    def commands(self, word: str, *, imap: bool = False) -> list[str]:
        lines = (self.imap if imap else self.smtp).lines
        sent = (line.partition(" C: ")[2] for line in lines if " C: " in line)
        return [line for line in sent if line.upper().startswith(word)]


Play = Callable[[str, str], _Played]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    cert, key, ca_file = certificate(tmp_path)
    started: list[_Played] = []

    def starting(imap: str, smtp: str) -> _Played:
        module = player()
        servers = [
            module.Server(CASES / name, 0, (str(cert), str(key)), str(tmp_path / "log"), str(tmp_path))
            for name in (f"{imap}.imap", f"{smtp}.smtp")
        ]
        for server in servers:
            server.implicit = True
            threading.Thread(target=server.serve, daemon=True).start()
        servers[1].other = servers[0]
        made = _Played(*servers, ssl.create_default_context(cafile=str(ca_file)))
        started.append(made)
        return made

    yield starting
    for played in started:
        played.sessions.close()
        played.imap.socket.close()
        played.smtp.socket.close()


def test_317_a_copy_that_the_provider_files_is_the_only_one(play: Play) -> None:
    played = play("317-sent-copy-exactly-once-1", "317-sent-copy-exactly-once-1")
    world = SmtpOutboxWorld(played)
    world.ask()
    world.send()
    assert world.mail().state is State.SENT
    sent = played.imap.script.folders["Sent"].mails
    while not sent:
        pass
    world.work()
    assert (world.mail().state, played.smtp.kept, len(sent)) == (State.CONFIRMED, 1, 1)
    assert played.commands("APPEND", imap=True) == []


def test_317_a_copy_that_is_refused_sends_nothing_again(play: Play) -> None:
    played = play("317-sent-copy-exactly-once-2", "317-sent-copy-exactly-once-2")
    world = SmtpOutboxWorld(played)
    world.ask()
    world.work()
    mail = world.mail()
    assert (mail.state, played.smtp.kept, mail.has_ended) == (State.SENT, 1, True)
    assert mail.error is not None
    assert "could not be kept" in mail.error.detail
    assert len(played.commands("APPEND", imap=True)) == 1
    [told] = world.storage.exceptions.rows.values()
    assert (told.code, "has left" in told.error) == ("no_copy_kept", True)
    # The next one is told in its row alone.
    world.ask(2)
    world.work()
    assert (world.mail(2).state, played.smtp.kept) == (State.SENT, 2)
    assert len(world.storage.exceptions.rows) == 1
    assert "sends nothing again" in advice(told.code)


@pytest.mark.parametrize("acts", [0, 1])
def test_318_a_sender_who_is_not_the_accounts_own_is_asked_for_once(play: Play, acts: int) -> None:
    played = play("318-sender-is-not-yours", "318-sender-is-not-yours")
    for _ in range(acts):
        played.smtp.advance()
    world = SmtpOutboxWorld(played)
    world.ask(sender=Person("Repairs", "repairs@harbour.example"))
    world.work()
    mail = world.mail()
    assert (mail.state, mail.error and mail.error.code) == (State.FAILED, "sender_refused")
    assert mail.error is not None
    assert "<repairs@harbour.example>: Sender address rejected" in mail.error.detail
    assert len(played.commands("MAIL")) == 1
    assert len(world.storage.exceptions.rows) == 1
    while played.smtp.script.act < 3:
        played.smtp.advance()
    world.use_cases.resend_mail(ResendMail.of(mail))
    world.work()
    assert played.smtp.kept == 1
