"""What the IMAP adapter decides without a server: folders, ranges of numbers, and what a refusal means."""

import pytest
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from shared.adapters.imap.errors import (
    NO_ACCESS,
    REFUSED,
    SWITCHED_OFF,
    WANTS_APP_PASSWORD,
    Broken,
    Refused,
    of_command,
    of_sign_in,
)
from shared.adapters.imap.folders import LABEL, Listed, Namespaces, roles
from shared.adapters.imap.mail import Position
from shared.adapters.imap.names import readable, role_by_name
from shared.adapters.imap.ranges import spans
from shared.domain.capture.folders import Role, classify
from shared.domain.errors import AccessDenied, CursorExpired, MailboxUnavailable, NotFound, Throttled


def line(name: str, *flags: str) -> Listed:
    return Listed(name, "/", frozenset(flags))


@pytest.mark.parametrize(
    "said", ["NO [SYS/TEMP] failed", "NO [IN-USE] open elsewhere", "NO Internal error", "NO system error"]
)
def test_a_server_that_fails_says_nothing_of_the_password(said: str) -> None:
    assert isinstance(of_sign_in(LoginError(said)), Throttled)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Спам", Role.JUNK),
        ("Корзина", Role.TRASH),
        ("Sendt", Role.SENT),
        ("Roskaposti", Role.JUNK),
        ("送信済み", Role.SENT),
        ("E\u0301le\u0301ments envoye\u0301s", Role.SENT),
    ],
)
def test_folders_are_known_by_name_in_many_languages(name: str, role: Role) -> None:
    assert role_by_name(name.encode().decode("latin-1")) is role


class TestFolders:
    def test_what_others_share_is_not_the_mailbox(self) -> None:
        own = Namespaces(own=("",), others=("Other Users/", "Public/"))
        names = ["INBOX", "Projects", "Other Users/chief/Sent", "Public/News", "Others"]
        assert [name for name in names if own.owns(name)] == ["INBOX", "Projects", "Others"]

    def test_an_own_prefix_counts_before_an_empty_one_of_others(self) -> None:
        own = Namespaces(own=("INBOX.",), others=("",))
        assert [name for name in ("INBOX", "INBOX.Sent", "chief") if own.owns(name)] == [
            "INBOX",
            "INBOX.Sent",
        ]

    def test_special_use_tells_roles_and_names_only_where_it_does_not(self) -> None:
        told = roles([line("INBOX"), line("Gesendet"), line("Weg", "\\sent")], has_labels=False)
        assert [(folder.folder_id, folder.role) for folder in told] == [
            ("INBOX", Role.INBOX),
            ("Gesendet", None),
            ("Weg", Role.SENT),
        ]
        named = roles([line("inbox"), line("Gesendet"), line("Entw&APw-rfe")], has_labels=False)
        assert [folder.role for folder in named] == [Role.INBOX, Role.SENT, Role.DRAFTS]

    def test_containers_and_ghosts_are_passed_over(self) -> None:
        lines = [line("Archive", "\\noselect"), line("Archive/2026"), line("Old", "\\nonexistent")]
        assert [folder.folder_id for folder in roles(lines, has_labels=False)] == ["Archive/2026"]

    def test_of_gmail_only_all_mail_is_read(self) -> None:
        lines = [
            line("INBOX"),
            line("[Gmail]/Alle", "\\all"),
            line("[Gmail]/Gesendet", "\\sent"),
            line("[Gmail]/Spam", "\\junk"),
            line("Kunden"),
        ]
        states = classify(roles(lines, has_labels=True))
        assert [state.folder_id for state in states if state.captured] == ["[Gmail]/Alle"]
        assert {state.folder_id: state.kind for state in states}["[Gmail]/Spam"] == Role.JUNK
        assert {state.folder_id: state.kind for state in states}["Kunden"] == LABEL

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("R&-D", "R&D"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("Sales & Lettings", "Sales & Lettings"),
            ("&BBAEMQQyACYEMwQ0BDU-", "Абв&где"),
            ("B\xc3\xbcro", "Büro"),
            ("&broken", "&broken"),
            ("&AP-", "&AP-"),
        ],
    )
    def test_a_name_is_readable_whoever_encoded_it(self, name: str, shown: str) -> None:
        assert readable(name) == shown

    @pytest.mark.parametrize(
        ("name", "role"),
        [
            ("Deleted Items", Role.TRASH),
            ("Junk E-mail", Role.JUNK),
            ("Verzonden", Role.SENT),
            ("Kunden", None),
        ],
    )
    def test_usual_names_stand_for_roles(self, name: str, role: Role | None) -> None:
        assert role_by_name(name) is role


class TestRefusals:
    @pytest.mark.parametrize(
        ("said", "kind", "code"),
        [
            ("[UNAVAILABLE] Temporary authentication failure", Throttled, ""),
            ("[LIMIT] Too many simultaneous connections", Throttled, ""),
            ("[AUTHENTICATIONFAILED] Invalid credentials", AccessDenied, REFUSED),
            ("[AUTHENTICATIONFAILED] too many wrong passwords", AccessDenied, REFUSED),
            ("LOGIN failed.", AccessDenied, REFUSED),
            ("[ALERT] Application-specific password required", AccessDenied, WANTS_APP_PASSWORD),
            ("[ALERT] Your account is not enabled for IMAP use.", AccessDenied, SWITCHED_OFF),
        ],
    )
    def test_the_code_tells_a_refusal_for_now_from_one_for_good(
        self, said: str, kind: type[Exception], code: str
    ) -> None:
        error = of_sign_in(LoginError(said))
        assert isinstance(error, kind)
        assert getattr(error, "code", "") == code
        assert said not in str(error)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (IMAPClientError("select failed: [NONEXISTENT] no"), NotFound),
            (IMAPClientError("fetch failed: [UNAVAILABLE] Server error"), Refused),
            (IMAPClientAbortError("socket error: EOF"), Broken),
            (TimeoutError("the command takes too long"), Broken),
            (IMAPClientError("select failed: [LIMIT] slow down"), Throttled),
        ],
    )
    def test_a_failed_command_says_whom_it_concerns(self, error: Exception, kind: type[Exception]) -> None:
        assert type(of_command(error)) is kind

    def test_a_sign_in_that_opens_no_mailbox_is_no_wrong_password(self) -> None:
        error = of_command(IMAPClientError("list failed: User is authenticated but not connected."))
        assert isinstance(error, MailboxUnavailable)
        assert error.code == NO_ACCESS


@pytest.mark.parametrize(
    ("uids", "written"), [([], ""), ([7], "7"), ([1, 2, 3, 7, 9, 10], "1:3,7,9:10"), ([3, 1, 2], "1:3")]
)
def test_numbers_are_asked_for_as_ranges(uids: list[int], written: str) -> None:
    assert spans(uids) == written


@pytest.mark.parametrize("text", ["", "x", "[1]", "[1,2,3,4]", '["a",1,null,0]', "{}"])
def test_what_is_no_position_is_an_expired_cursor(text: str) -> None:
    with pytest.raises(CursorExpired):
        Position.of(text)


def test_a_position_comes_back_as_it_was_written() -> None:
    assert Position.of(Position(7, 12, None, 3).text) == Position(7, 12, None, 3)
