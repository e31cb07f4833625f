"""What came back from Entra's consent or sign-in page, judged without believing any of it, and what is then said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.connections import connections

GRANTED: Final = "granted"
UNKNOWN_LINK: Final = "unknown_link"
FAILED: Final = "failed"
ADDED: Final = "mailbox_added"
ADMIN_ADDS: Final = "admin_adds_mailbox"

# AADSTS90094, 90093: an administrator has to consent (Microsoft, "AADSTS error codes").
_ADMINISTRATORS: Final = ("90094", "90093", "65005", "900941")


@dataclass(frozen=True, slots=True)
class Notice:
    """What the page says after a link was opened. `done`: there is nothing left to do."""

    outcome: str
    title: str
    text: str
    done: bool = False


_NOTICES: Final = (
    Notice(
        connections.VERIFIED,
        "Connected",
        "Microsoft 365 lets Postledger in, and Postledger has opened the mailbox. You can close this window.",
        done=True,
    ),
    Notice(
        ADDED,
        "Connected",
        "You have signed in, and Postledger brings in copies of your mail from now on. You can close this window.",
        done=True,
    ),
    Notice(
        ADMIN_ADDS,
        "Connected",
        "You have signed in, but your mailbox is not captured yet: an admin of your organisation has to add it in "
        "Postledger. You can close this window.",
        done=True,
    ),
    Notice(
        connections.CONSENT_PENDING,
        "Consent received",
        "Thank you, your part is done. Microsoft 365 takes 30 minutes, sometimes 2 hours, to let the "
        "application in everywhere. Postledger tries again by itself. You can close this window.",
        done=True,
    ),
    Notice(
        connections.SCOPE_PENDING,
        "The application is known to your tenant",
        "Next, let it into the mailboxes with the Exchange commands for RBAC for Applications, and do not "
        "consent to mail permissions in Entra ID as well. Exchange takes 30 minutes to 2 hours to notice; "
        "Postledger tries again by itself.",
    ),
    Notice(
        connections.NO_ACCESS,
        "The mailbox cannot be opened",
        "Your part is done, but Postledger could not read the mailbox. The person who sent you the link sees "
        "the reason in Postledger.",
        done=True,
    ),
    Notice(
        connections.CONSENT_DECLINED,
        "Declined",
        "You declined, and nothing was changed. If that was a mistake, ask the person who sent you the link "
        "for a new one.",
    ),
    Notice(
        connections.NEEDS_ADMINISTRATOR,
        "An administrator is needed",
        "Your account may not give this consent for the organisation. Nothing was changed. Ask the person "
        "who sent you the link for a new one, and have an administrator of your Microsoft 365 tenant open "
        "it.",
    ),
    Notice(
        connections.WRONG_ACCOUNT,
        "Another account is needed",
        "The account that was used belongs to another tenant or another person, so nothing was connected. "
        "Ask the person who sent you the link for a new one, and open it in a private window with the right "
        "account.",
    ),
    Notice(
        UNKNOWN_LINK,
        "This link is not valid",
        "It was used before, has expired, was replaced by a newer link, or never existed. Nothing was "
        "changed. Ask the person who sent you the link for a new one.",
    ),
    Notice(
        FAILED,
        "Something went wrong",
        "Microsoft Entra ID reported an error, and nothing was connected. Ask the person who sent you the "
        "link for a new one, and try again.",
    ),
)
NOTICES: Final[Mapping[str, Notice]] = {notice.outcome: notice for notice in _NOTICES}


def outcome_of(answer: Mapping[str, str], tenant_id: str) -> str:
    """What a callback comes to, before anything is proved.

    The error comes first: Entra says `admin_consent=True` beside one. The tenant that it returns can be forged,
    so it can only be wrong, never right.
    """
    if "error" in answer:
        return _refusal(answer)
    returned = answer.get("tenant", "").strip().lower()
    if "tenant" in answer and returned != tenant_id:
        return connections.WRONG_ACCOUNT
    if "code" in answer or answer.get("admin_consent", "").lower() == "true":
        return GRANTED
    return FAILED


def _refusal(answer: Mapping[str, str]) -> str:
    said = answer.get("error_description", "")
    if any(f"AADSTS{code}" in said for code in _ADMINISTRATORS):
        return connections.NEEDS_ADMINISTRATOR
    if "AADSTS65004" in said or answer["error"] in ("access_denied", "consent_required"):
        return connections.CONSENT_DECLINED
    return FAILED
