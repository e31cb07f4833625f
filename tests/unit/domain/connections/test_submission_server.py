"""Where mail of an account outside Microsoft 365 is handed in: as was said, else as is known of its provider."""

import pytest

from shared.domain.connections.accounts import MailAccount, Server
from shared.domain.connections.providers import submission_server
from tests.builders import MAILBOX_ID, TENANT

GIVEN = Server("smtp.contoso.example", 587, "starttls")


def an_account(host: str, smtp: Server | None = None) -> MailAccount:
    return MailAccount(TENANT, MAILBOX_ID, "ann", Server(host, 993), smtp=smtp)


@pytest.mark.parametrize(
    ("address", "host", "smtp", "found"),
    [
        ("ann@contoso.example", "mail.contoso.example", GIVEN, "smtp.contoso.example"),
        ("ann@gmail.com", "imap.gmail.com", GIVEN, "smtp.contoso.example"),
        ("ann@gmail.com", "imap.gmail.com", None, "smtp.gmail.com"),
        ("ann@contoso.example", "imap.gmail.com", None, "smtp.gmail.com"),
        ("ann@icloud.com", "imap.mail.me.com", None, "smtp.mail.me.com"),
        ("ann@contoso.example", "mail.contoso.example", None, ""),
    ],
)
def test_a_given_server_comes_before_a_known_one(
    address: str, host: str, smtp: Server | None, found: str
) -> None:
    server = submission_server(an_account(host, smtp), address)
    assert (server.host if server else "") == found


def test_without_an_account_there_is_none() -> None:
    assert submission_server(None, "ann@gmail.com") is None
