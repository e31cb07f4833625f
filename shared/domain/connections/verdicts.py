"""The verdicts of the mailbox test, and the sentences that an admin reads; docs/connecting.md shows them all.

Knows nothing of how a verdict is reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.account_tests import ACCOUNT_SENTENCES, SignIn, Submission
from shared.domain.connections.connections import AGENT, SERVICE_ACCOUNT

OK: Final = "ok"
DEPLOYMENT: Final = "deployment"
NO_CONSENT: Final = "no_consent"
CONSENT_PENDING: Final = "consent_pending"
NOT_SIGNED_IN: Final = "not_signed_in"
NOT_IN_SCOPE: Final = "not_in_scope"
MISSING_RIGHT: Final = "missing_right"
NO_BODIES: Final = "no_bodies"
NO_MAILBOX: Final = "no_mailbox"
NO_USER: Final = "no_user"
ALIAS: Final = "alias"
GROUP: Final = "group"
WRONG_PURPOSE: Final = "wrong_purpose"
ON_CONTACT_CARD: Final = "on_contact_card"
ADDRESS_CHANGED: Final = "address_changed"
STRAY_ROUTES: Final = "stray_routes"
UNREACHABLE: Final = "unreachable"

# `{...}` is filled in from the findings.
SENTENCES: Final[Mapping[str, str]] = {
    OK: "The mailbox can be read.",
    DEPLOYMENT: "{refusal} Nothing has to be done in your tenant; test again when the operator has mended it.",
    NO_CONSENT: (
        "The application has no consent to read mail in this tenant. Have an administrator open the link that "
        "POST connect gives."
    ),
    CONSENT_PENDING: (
        "Consent is given, but Microsoft 365 does not let the application into this mailbox yet. Wait: it "
        "takes 30 minutes, sometimes 2 hours; then test again."
    ),
    NOT_SIGNED_IN: (
        "Nobody is signed in for this mailbox, or the sign-in was withdrawn or has expired. Request a new "
        "link with POST connect and have the account's owner sign in."
    ),
    NOT_IN_SCOPE: (
        "The application may read mail in this tenant, but not in this mailbox. Add the mailbox to the management "
        "scope (or the group of the access policy) in Exchange; if you just did, wait 30 minutes to 2 hours."
    ),
    MISSING_RIGHT: (
        "The service account {account} lacks the right Full Access (Read and Manage) to this mailbox. Grant it in "
        "the Exchange admin center, or with Add-MailboxPermission -AccessRights FullAccess; it takes up to an hour."
    ),
    NO_BODIES: (
        "The application can read only the headers of this mailbox, no bodies and no attachments: the right "
        "{right} is missing, and Mail.ReadBasic is too little. Grant it, then test again; it takes 30 "
        "minutes, sometimes 2 hours."
    ),
    NO_MAILBOX: (
        "The user exists but has no mailbox in Exchange Online: not licensed, on-premises, or deleted. Assign a "
        "licence, or move the mailbox to the cloud."
    ),
    NO_USER: (
        "No user of this tenant has this address. Check the spelling and the tenant. If Postledger may not "
        "read the directory, the address may also be an alias or a group."
    ),
    ALIAS: (
        "This is not the mailbox's main address. Use {primary}; Postledger captures mail to its aliases as "
        "well."
    ),
    GROUP: (
        "This address belongs to the group {group}, which is no person's mailbox. Add the mailboxes of its "
        "members, or use a shared mailbox."
    ),
    WRONG_PURPOSE: (
        "Exchange calls this mailbox '{purpose}': it is not a person's own. Add it with the kind 'intake', "
        "or name the person's own mailbox."
    ),
    ON_CONTACT_CARD: (
        "The address of a colleague is on {cards}: colleagues' mail would be filed there, where everybody "
        "sees it. Remove the address from the contact, then add the mailbox."
    ),
    ADDRESS_CHANGED: (
        "The mailbox's main address is now {primary}. Take it over with PUT mailboxes/ADDRESS/address; cursor, "
        "history and notices stay."
    ),
    STRAY_ROUTES: (
        "The mailbox can be read. Of its routes, {routes} is no alias of it, and no group has that address: check the "
        "spelling, or make the group."
    ),
    UNREACHABLE: (
        "Microsoft 365 did not answer. As far as Postledger knows, nothing is wrong with the mailbox; test "
        "again."
    ),
    **{str(ended): sentence for ended, sentence in ACCOUNT_SENTENCES.items()},
}
OUTCOMES: Final = tuple(SENTENCES)
# These are no reason not to save a mailbox.
_HARMLESS: Final = (
    OK,
    CONSENT_PENDING,
    ADDRESS_CHANGED,
    STRAY_ROUTES,
    UNREACHABLE,
    SignIn.NO_CREDENTIALS,
    SignIn.SERVER_BUSY,
)
_MISNAMED: Final = (NO_MAILBOX, NO_USER, ALIAS, GROUP)
_READABLE: Final = (OK, WRONG_PURPOSE, ON_CONTACT_CARD, ADDRESS_CHANGED, STRAY_ROUTES)

PERMITTED: Final = "permitted"
NOT_PERMITTED: Final = "not_permitted"
UNKNOWN: Final = "unknown"
# The application without the right to write drafts.
WITHOUT_DRAFTS: Final = "app without drafts"
SEND: Final[Mapping[tuple[str, str], str]] = {
    (PERMITTED, "app"): (
        "Mail may be sent: the token carries the application roles Mail.Send and Mail.ReadWrite."
    ),
    (PERMITTED, WITHOUT_DRAFTS): (
        "Mail may be sent, in one call each: the token lacks the application role Mail.ReadWrite, without which no "
        "draft can be written. The files of a mail may have 1.6 MB, and after a lost answer nobody may know whether "
        "it left."
    ),
    (NOT_PERMITTED, "app"): (
        "Mail may not be sent: the token lacks the application role Mail.Send. (A right given by RBAC for "
        "Applications would not show in it.)"
    ),
    (NOT_PERMITTED, WITHOUT_DRAFTS): (
        "Mail may not be sent: the token lacks the application roles Mail.Send and Mail.ReadWrite. (A right given by "
        "RBAC for Applications would not show in it.)"
    ),
    (UNKNOWN, "app"): (
        "Not known: the token carries no roles, and a right given by RBAC for Applications cannot be seen without "
        "sending. Ask Exchange with Test-ServicePrincipalAuthorization."
    ),
    (PERMITTED, AGENT): "Mail may be sent, in one call each: the agent agreed to Mail.Send.",
    (
        NOT_PERMITTED,
        AGENT,
    ): "Mail may not be sent: the agent did not agree to Mail.Send. Have the agent sign in again.",
    (UNKNOWN, SERVICE_ACCOUNT): (
        "Not known: the service account agreed to Mail.Send.Shared, but whether Exchange gave it Send As or Send "
        "on Behalf for this mailbox cannot be seen without sending."
    ),
    (NOT_PERMITTED, SERVICE_ACCOUNT): (
        "Mail may not be sent: the service account did not agree to Mail.Send.Shared. Have it sign in again."
    ),
    (PERMITTED, Submission.PERMITTED): (
        "Mail may be sent: the server for outgoing mail takes the user name, the password and the address."
    ),
    (NOT_PERMITTED, Submission.NO_SERVER): (
        "Mail may not be sent: nobody has said by which server. Give 'smtp' in PUT mailboxes/ADDRESS/credentials."
    ),
    (NOT_PERMITTED, Submission.REFUSED): (
        "Mail may not be sent: the server for outgoing mail cannot be trusted, or refuses the user name or the "
        "password. Check 'smtp', and that the provider lets this mailbox send by SMTP."
    ),
    (NOT_PERMITTED, Submission.SENDER_REFUSED): (
        "Mail may not be sent: the server for outgoing mail does not let this user send from the mailbox's address."
    ),
    (UNKNOWN, Submission.UNKNOWN): (
        "Not known: the server for outgoing mail was not asked, or is busy. Test again once the mailbox can be opened."
    ),
    (UNKNOWN, ""): "Not known: there is no token to look at.",
}
SEND_SENTENCES: Final = tuple(SEND.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome and its sentence. `primary` is the main address where it is another; `send` and how it is known."""

    outcome: str
    sentence: str
    send: str = UNKNOWN
    send_sentence: str = ""
    primary: str = ""
    purpose: str = ""
    cards: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether such a mailbox is not to be added."""
        return self.outcome not in _HARMLESS

    @property
    def is_about_the_address(self) -> bool:
        """Whether the address is at fault, and not the way to it."""
        return self.outcome in _MISNAMED

    @property
    def is_readable(self) -> bool:
        """Whether the application was let into the mailbox."""
        return self.outcome in _READABLE


_SENDS: Final[Mapping[Submission, str]] = {
    submission: send for send, submission in SEND if isinstance(submission, Submission)
}


def of_account(ended: SignIn, submission: Submission, cards: tuple[str, ...]) -> Verdict:
    """For a mailbox outside Microsoft 365. `cards` are the contacts that carry a colleague's address."""
    outcome = ON_CONTACT_CARD if cards and ended is SignIn.DONE else str(ended)
    sentence = SENTENCES[outcome].format(cards=", ".join(cards)) if cards else SENTENCES[outcome]
    send = _SENDS[submission]
    return Verdict(outcome, sentence, send, SEND[send, submission], cards=cards)


def unreachable() -> Verdict:
    """For when Microsoft 365 did not answer."""
    return Verdict(UNREACHABLE, SENTENCES[UNREACHABLE], UNKNOWN, SEND[UNKNOWN, ""])
