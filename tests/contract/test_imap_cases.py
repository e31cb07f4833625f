"""Servers as people met them, played from scripts: what the adapter asks, and what the product makes of the answers.

The scripts and their player lie beside the repository.
"""

import importlib.util
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from shared.adapters.imap.accounts import STARTTLS, TLS, Account
from shared.adapters.imap.errors import NO_ACCESS, NO_ENCRYPTION, REFUSED
from shared.adapters.imap.mail import ImapMail
from shared.adapters.imap.marking import ImapMarker
from shared.adapters.imap.sessions import Sessions
from shared.domain.capture.folders import classify
from shared.domain.commands.advice import ADVICE
from shared.domain.commands.commands import MarkRead
from shared.domain.connections.mailboxes import EVERYTHING, INTAKE, Mailbox
from shared.domain.errors import (
    AccessDenied,
    CursorExpired,
    MailboxUnavailable,
    PostledgerError,
    Throttled,
    Unavailable,
    Unreadable,
)
from shared.domain.mail.messages import FetchedMessage
from shared.ports.mail import ChangePage
from shared.services.capture.scopes import Scope, hasher_of
from shared.services.intake.marking import REFUSED as NOT_MARKED
from shared.services.intake.marking import MarkMail
from tests.builders import AGENT, HASH_KEY, NOW, TENANT, a_mailbox, an_organisation
from tests.contract.dovecot_world import certificate
from tests.unit.services.world import World

CASES: Final = Path(__file__).parents[3] / "shared" / "cases"
PLAYER: Final = CASES / "play.py"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not PLAYER.is_file(), reason="the player of scripts is not here"),
]


def player() -> ModuleType:
    spec = importlib.util.spec_from_file_location("play", PLAYER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Played:
    """A script that is being played, and the adapter over it."""

    server: Any
    mail: ImapMail
    mailbox: Mailbox

    def folders(self) -> list[str]:
        """The captured folders, in order."""
        box = self.mail.open(self.mailbox)
        return [state.folder_id for state in classify(box.folders({})) if state.captured]

    def changes(self, folder: str = "INBOX", cursor: str = "", since: datetime | None = None) -> ChangePage:
        return self.mail.open(self.mailbox).changes(folder, cursor, since)

    def subjects(self, page: ChangePage) -> list[str]:
        return [head.subject for head in page.heads]

    def whole(self, page: ChangePage) -> dict[str, Any]:
        """The outcome of reading each mail of a page, by subject."""
        items = {head.item: head.subject for head in page.heads}
        read = self.mail.open(self.mailbox).messages(list(items))
        return {items[item]: outcome for item, outcome in read.items()}

    def next_act(self) -> None:
        self.server.advance()

    def commands(self, word: str) -> list[str]:
        """What clients have sent, sign-ins and all, that holds the word."""
        sent = (line.partition(" C: ")[2] for line in self.server.lines if " C: " in line)
        return [line for line in sent if word in line.upper()]


Play = Callable[..., Played]


@pytest.fixture
def play(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Play]:
    """Plays a script over TLS from the first octet, or with STARTTLS."""
    cert, key, ca_file = certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(ca_file))
    started: list[Played] = []

    def starting(
        name: str,
        *,
        security: str = TLS,
        user: str = AGENT,
        password: str = "pass word",
        silence: float = 20.0,
    ) -> Played:
        module = player()
        server = module.Server(CASES / f"{name}.imap", 0, (str(cert), str(key)), str(tmp_path / "log"))
        server.implicit = security == TLS
        threading.Thread(target=server.serve, daemon=True).start()

        class Known:
            def of(self, mailbox: Mailbox) -> Account:
                return Account("localhost", server.port, user, password, security)

            def tried(self, account: Account, *, refused: bool) -> None:
                """Nobody is locked out here."""

        def dial(host: str, port: int) -> socket.socket:
            return socket.create_connection((host, port), 5)

        sessions = Sessions(Known(), dial, context, silence=silence)
        made = Played(server, ImapMail(sessions), replace(a_mailbox(), capture=EVERYTHING))
        started.append(made)
        return made

    yield starting
    for played in started:
        played.mail.sessions.close()
        played.server.socket.close()


def test_301_numbers_mean_nothing_under_another_numbering(play: Play) -> None:
    played = play("301-uidvalidity-and-reused-uids")
    first = played.changes()
    assert played.subjects(first) == ["Boiler 301", "Roof 301"]
    boiler = first.heads[0].item
    played.next_act()
    with pytest.raises(CursorExpired):
        played.changes(cursor=first.cursor)
    assert not isinstance(played.mail.open(played.mailbox).heads([boiler])[boiler], type(first.heads[0]))
    assert sorted(played.subjects(played.changes())) == ["Boiler 301", "Roof 301", "Window 301"]


def test_302_a_line_that_breaks_in_a_mail_hands_out_no_half_of_it(play: Play) -> None:
    played = play("302-connection-lost-while-fetching")
    page = played.changes()
    assert played.subjects(page) == ["Boiler 302", "Roof 302"] or page.more
    everything = page
    with suppress(Unavailable):
        played.whole(everything)
    read = played.whole(played.changes())
    assert {name: found.text.rstrip()[-12:] for name, found in read.items()} == {
        "Boiler 302": "Regards, Kim",
        "Roof 302": "Regards, Kim",
    }


def test_303_one_mail_that_cannot_be_had_keeps_none_of_the_others(play: Play) -> None:
    played = play("303-one-mail-cannot-be-had")
    read = played.whole(played.changes())
    good = [name for name, found in read.items() if isinstance(found, FetchedMessage)]
    assert good == ["Boiler 303", "Door 303"]
    assert isinstance(read["Roof 303"], Unavailable | Unreadable)
    assert isinstance(read["Window 303"], Unavailable)
    played.next_act()
    assert all(isinstance(found, FetchedMessage) for found in played.whole(played.changes()).values())


def test_304_new_mail_is_found_whatever_the_modification_sequence_says(play: Play) -> None:
    played = play("304-modseq-says-nothing-changed")
    page = played.changes()
    found = [played.subjects(page)]
    for _ in range(2):
        played.next_act()
        page = played.changes(cursor=page.cursor)
        found.append(played.subjects(page))
    assert [len(subjects) for subjects in found] == [1, 1, 1]


def test_305_the_window_is_exact_whatever_zone_the_server_counts_days_in(play: Play) -> None:
    played = play("305-since-is-a-day-of-the-server")
    now = datetime.now(UTC)
    assert len(played.changes(since=now - timedelta(hours=24)).heads) == 3
    assert len(played.changes(since=now - timedelta(hours=27)).heads) == 4


def test_306_an_old_read_mail_that_is_dragged_in_has_arrived(play: Play) -> None:
    played = play("306-old-mail-dragged-in")
    since = datetime.now(UTC) - timedelta(hours=24)
    first = played.changes(since=since)
    assert first.heads == ()
    played.next_act()
    page = played.changes(cursor=first.cursor, since=since)
    assert played.subjects(page) == ["Boiler 306"]
    assert played.changes(cursor=page.cursor, since=since).heads == ()


def test_307_each_mail_of_gmail_is_read_once_under_whatever_labels(play: Play) -> None:
    played = play("307-one-mail-under-many-labels")
    assert played.folders() == ["[Gmail]/Alle Nachrichten"]
    page = played.changes("[Gmail]/Alle Nachrichten")
    assert played.subjects(page) == ["Boiler 307", "Roof 307", "Re: Boiler 307"]


def test_308_folders_are_asked_for_by_the_octets_that_they_were_listed_with(play: Play) -> None:
    played = play("308-folders-that-cannot-be-opened")
    found: list[str] = []
    for folder in played.folders():
        with suppress(PostledgerError):
            found += played.subjects(played.changes(folder))
    assert sorted(found) == sorted(
        f"{name} 308" for name in ("Boiler", "Roof", "Window", "Door", "Stairs", "Lift")
    )
    assert "Ghost" in played.folders()
    assert not [line for line in played.commands("SELECT") if line.upper().startswith("SELECT")]


def test_309_a_large_folder_costs_a_poll_no_more_than_a_small_one(play: Play) -> None:
    played = play("309-a-folder-of-180-000")
    page = played.changes(since=datetime.now(UTC) - timedelta(hours=24))
    assert (page.heads, page.more) == ((), False)
    played.next_act()
    before = len(played.commands(""))
    page = played.changes(cursor=page.cursor)
    assert played.subjects(page) == ["Boiler 309"]
    assert len(played.commands("")) - before <= 5
    for _ in range(3):
        assert played.changes(cursor=page.cursor).heads == ()


@pytest.mark.parametrize(("act", "error"), [(2, Throttled), (3, AccessDenied)])
def test_311_a_refusal_for_now_is_no_refusal_for_good(
    play: Play, act: int, error: type[PostledgerError]
) -> None:
    played = play("311-refused-now-or-for-good")
    for _ in range(act - 1):
        played.next_act()
    with pytest.raises(error) as refused:
        played.folders()
    assert getattr(refused.value, "code", "") == ("" if act == 2 else REFUSED)


def test_310_a_mark_that_does_not_stay_is_told_once_and_asked_for_once_a_mail(play: Play) -> None:
    """In the second act the folder is read-only; nothing rests on the mark."""
    played = play("310-read-mark-that-does-not-stay")
    box = replace(played.mailbox, kind=INTAKE, mark_read=True)
    scope = Scope(an_organisation(), box, hasher_of(HASH_KEY, TENANT))
    world = World()
    world.storage.marker = ImapMarker(played.mail.sessions)  # type: ignore[assignment]
    world.restart()
    mark = world.use_cases.part(MarkMail)
    for act in (1, 2):
        page = played.changes()
        item = max((head.item for head in page.heads), key=lambda item: item.item_id)
        mark(scope, MarkRead(tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=NOW, items=(item,)))
        [told] = world.storage.exceptions.all
        assert (told.code, told.code in ADVICE) == (NOT_MARKED, True)
        for _ in range(20):
            played.changes(cursor=page.cursor)
        assert len(played.commands("STORE")) == 1, (
            "polling marks nothing, and a folder tells that it is read-only"
        )
        if act == 1:
            played.next_act()
    assert {head.subject for head in played.changes().heads} >= {head.subject for head in page.heads}


def test_312_a_sign_in_without_a_mailbox_is_told_as_that(play: Play) -> None:
    played = play("312-signed-in-and-no-mailbox")
    with pytest.raises(MailboxUnavailable) as refused:
        played.folders()
    assert refused.value.code == NO_ACCESS
    played.next_act()
    assert played.folders() == ["INBOX"]
    assert len(played.changes().heads) == 1


def test_313_a_password_goes_as_it_was_given_and_into_no_log(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    played = play("313-a-password-as-people-type-it", user="HARBOUR\\agent", password='žlutý "kůň" \\x')
    assert played.folders() == ["INBOX"]
    assert "žlutý" not in caplog.text
    assert "AEhBUkJPVVJcYWdlbnQA" not in caplog.text


@pytest.mark.parametrize("script", [1, 2])
def test_314_without_encryption_nothing_is_sent(play: Play, script: int) -> None:
    played = play(f"314-starttls-taken-away-{script}", security=STARTTLS)
    with pytest.raises(AccessDenied) as refused:
        played.folders()
    assert refused.value.code == NO_ENCRYPTION
    for word in ("LOGIN", "AUTHENTICATE", "SELECT", "EXAMINE"):
        assert played.commands(word) == []


def test_314_lines_sent_ahead_of_the_encryption_end_the_session(play: Play) -> None:
    played = play("314-starttls-taken-away-3", security=STARTTLS)
    with pytest.raises(PostledgerError):
        played.folders()
    assert played.commands("AUTHENTICATE") == []


def test_315_a_line_that_goes_silent_ends_by_itself(play: Play) -> None:
    played = play("315-line-that-goes-silent", silence=0.5)
    with pytest.raises(Unavailable):
        played.changes()
    played.next_act()
    assert all(isinstance(found, FetchedMessage) for found in played.whole(played.changes()).values())


def test_331_of_a_mail_that_is_too_large_the_beginning_is_read_and_the_next_one_whole(play: Play) -> None:
    played = play("331-too-big-to-take")
    page = played.changes()
    tracemalloc.start()
    read = played.whole(page)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    survey, roof = read["Survey of the cellar 331"], read["Roof 331"]
    assert "Please call before noon." in survey.text
    assert survey.whole_size > 60_000_000
    assert (survey.attachments, roof.whole_size) == ((), 0)
    assert "The boiler is cold since Friday." in roof.text
    # Far below the mail's size times three; the player, in this process, holds the mail itself.
    assert most < 2.5 * 60_000_000
