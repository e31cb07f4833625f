"""The test of a mailbox outside Microsoft 365: from how a sign-in ended, the verdict that says what to do.

Four sentences are those of the settings page that people know; docs/connecting.md shows them all.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class SignIn(StrEnum):
    """How trying to open the inbox ended, as outcomes of the test."""

    DONE = "ok"
    NO_CREDENTIALS = "no_credentials"
    WRONG_PASSWORD = "wrong_password"
    ASCII_ONLY = "ascii_only"
    APP_PASSWORD = "app_password_needed"
    BASIC_AUTH_OFF = "basic_auth_off"
    IMAP_OFF = "imap_off"
    WRONG_SERVER = "wrong_server"
    NOT_DISCOVERED = "not_discovered"
    BAD_CERTIFICATE = "bad_certificate"
    NOT_ENCRYPTED = "not_encrypted"
    SERVER_BUSY = "server_busy"
    NO_INBOX = "no_inbox"


class Submission(StrEnum):
    """Whether mail may be sent from it."""

    PERMITTED = "permitted"
    NO_SERVER = "no_server"
    REFUSED = "refused"
    SENDER_REFUSED = "sender_refused"
    UNKNOWN = "unknown"


NOT_DISCOVERED: Final = (
    "Unable to autodiscover the server address. Give it as 'host' with PUT mailboxes/ADDRESS/credentials; the "
    "provider's help pages call it the incoming or IMAP server."
)
ACCOUNT_SENTENCES: Final[Mapping[str, str]] = {
    SignIn.NO_CREDENTIALS: (
        "Nobody has given a user name and a password for this mailbox yet. Its agent does, for an intake mailbox an "
        "admin, with PUT mailboxes/ADDRESS/credentials."
    ),
    SignIn.WRONG_PASSWORD: (
        "The username and password are invalid. Check both and save them again; the user name may be the address, "
        "the name before the @, or DOMAIN\\name. After two refusals Postledger tries no more, so that nobody is "
        "locked out."
    ),
    SignIn.ASCII_ONLY: (
        "The username and password are invalid for this server: it takes neither accents nor other letters beyond "
        "ASCII. Choose a password without them."
    ),
    SignIn.APP_PASSWORD: (
        "The server wants an app password, not the account's own. You will need to have enabled two-step "
        "verification: make an app password in the account's security settings, and save it here. Where the provider "
        "has none, multi-factor authentication (MFA) must be disabled for this account, or its administrator permits "
        "basic authentication."
    ),
    SignIn.BASIC_AUTH_OFF: (
        "Basic authentication is off: the server takes no passwords. A mailbox of Microsoft 365 is connected by a "
        "sign-in, POST connect; on a server of your own an administrator switches basic authentication on for IMAP."
    ),
    SignIn.IMAP_OFF: (
        "IMAP is switched off for this mailbox. Switch it on in the provider's mail settings, or have the "
        "administrator do so; then test again."
    ),
    SignIn.WRONG_SERVER: (
        "The specified Server address is invalid. Nothing answers there that may be reached: check the name and the "
        "port. The default port for IMAP is 993."
    ),
    SignIn.NOT_DISCOVERED: NOT_DISCOVERED,
    SignIn.BAD_CERTIFICATE: (
        "The server's certificate is wrong or expired, so no password was sent. Use the name that the certificate is "
        "for, or have the server's administrator renew it."
    ),
    SignIn.NOT_ENCRYPTED: (
        "The server offers no encryption on this port, so no password was sent. Use port 993, or 143 with 'security' "
        "starttls on a server that has it."
    ),
    SignIn.SERVER_BUSY: (
        "The server is busy and takes no sign-in at the moment. As far as Postledger knows, nothing is wrong with the "
        "user name and the password; test again in some minutes."
    ),
    SignIn.NO_INBOX: (
        "The username and password were accepted, but the server opens no mailbox for them. Check that the user has a "
        "mailbox there, and that the user name is not another person's."
    ),
}
