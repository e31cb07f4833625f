"""What an admin can do about an exception: one sentence for each known code, and one for all others."""

from typing import Final

from shared.domain.errors import NEWER, UNREADABLE_MAIL

MALFORMED: Final = "malformed"
BUG: Final = "bug"
POISON: Final = "poison"
REUSED_ID: Final = "reused_id"
POISON_ITEM: Final = "poison_item"
NO_COPY_KEPT: Final = "no_copy_kept"

ADVICE: Final = {
    MALFORMED: "Nobody can run this text as a command: find out what wrote it to the queue; nothing else is lost.",
    NEWER: (
        "A newer version wrote this command, and for a day none has run that knows it: deploy that version again, then "
        "replay."
    ),
    BUG: "This is a fault in Postledger: report it with the exception's id, update, then replay.",
    POISON: (
        "Workers died of it again and again, mostly for want of memory or time: give the app larger instances, then "
        "replay."
    ),
    REUSED_ID: (
        "Too many different mails carry this mail's Message-ID, so its sender's software is at fault; "
        "file it by hand."
    ),
    POISON_ITEM: (
        "The folder goes on without this item: if Outlook can open it, replay; if not, have it deleted, or the "
        "mailbox repaired by Microsoft (New-MailboxRepairRequest)."
    ),
    UNREADABLE_MAIL: (
        "What is written in this mail breaks a parser, and its folder was read past it: report it with the "
        "exception's id, update, then replay; or file it by hand."
    ),
    "NoDate": "The item is no ordinary mail; if it should be filed, do so by hand.",
    "ForeignLink": (
        "Graph's address is set wrong, or something stands in between: check POSTLEDGER_GRAPH_URL, then replay."
    ),
    "UploadRefused": (
        "Microsoft 365 does not take this file as it stands: send the mail without it, or with a smaller one."
    ),
    "sender_not_allowed": (
        "List the agent in the mailbox's 'senders' if they may send from it, then replay; else the mail is asked for "
        "from another mailbox."
    ),
    "recipient_barred": "Nothing is to be done: whoever asked for the mail asks again without the recipient.",
    "file_gone": "Whoever asked for the mail asks again, with the file uploaded or without it.",
    "IntakeTemplate": (
        "The record stands, without what this template should have made: mend the template, preview it, and put the "
        "record right in the CRM."
    ),
    "CaseNotOpened": (
        "The mail is stored, and no case stands: put right what the error names, then replay; the case is opened once, "
        "and its mail is marked and acknowledged."
    ),
    "MarkReadRefused": (
        "The case stands: grant Mail.ReadWrite to the application, or set 'mark_read' to false, then replay."
    ),
    "AcknowledgementFailed": (
        "The case stands, and nobody was told so: mend the template of the mailbox's acknowledgement, then replay."
    ),
    NO_COPY_KEPT: (
        "The mail has left and stands on its timeline: make room among the mailbox's sent mail, and replay, which "
        "sends nothing again."
    ),
    "SmtpSignInRefused": (
        "Save the right credentials, or have the server allow sign-ins by SMTP and test the mailbox: its mail "
        "waits, and leaves at once then."
    ),
    "NoTokenKey": "The operator must set POSTLEDGER_TOKEN_KEYS, so that sign-ins can be kept; then replay.",
    "LostTokenKey": (
        "The key of a stored sign-in is missing from POSTLEDGER_TOKEN_KEYS: put it back, or have the person sign in."
    ),
    "BadSeal": "A stored sign-in was altered: have its owner sign in again with a new link, then replay.",
    "NotSignedIn": "Nobody is signed in for this mailbox: ask for a link with POST connect, then replay.",
    "ErrorAccessDenied": (
        "Check that the application still has consent and that the mailbox is in its scope, then replay."
    ),
    "AccessDenied": (
        "Check that the application still has consent and that the mailbox is in its scope, then replay."
    ),
    "Authorization_RequestDenied": (
        "The application lacks a permission: have an administrator consent again, then replay."
    ),
    "MailboxNotEnabledForRESTAPI": (
        "The mailbox has no licence, is not in the cloud or is being moved: put that right in Microsoft 365, "
        "then replay."
    ),
    "MailboxUnavailable": (
        "The mailbox has no licence, is not in the cloud or is being moved: put that right in Microsoft 365, "
        "then replay."
    ),
    "ErrorItemNotFound": "The mail was deleted before it could be read; there is nothing to do.",
    "NotFound": "What was asked for has been deleted; there is nothing to do.",
    "CursorExpired": "The mailbox is walked again by itself; replay only if mail is missing.",
    "Rejected": (
        "The other side called the request wrong, and will again: report it with the exception's id before you replay."
    ),
}
GENERAL: Final = (
    "Look the code up at whoever gave it (Microsoft Graph or Azure Storage), remove the cause, then replay."
)


# The error of such a mail says what to do, and a code of Microsoft's would say what to do about one that came.
OF_SENDING: Final = (
    "Do as the error says, then replay: the mail is sent once more, under the same code. POST outbox/{id}/retry does "
    "the same."
)


def advice(code: str, *, of_sending: bool = False) -> str:
    """A sentence that says what to do about an exception with this code; `of_sending`: of a mail that was to leave."""
    return OF_SENDING if of_sending else ADVICE.get(code, GENERAL)
