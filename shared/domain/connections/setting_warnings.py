"""Settings of a mailbox that have no effect beside others: they are stored, and the answer says so."""

from collections.abc import Iterator
from typing import Final

from shared.domain.connections.mailboxes import INTAKE, KNOWN, NEW, Mailbox

_WITHOUT_MATCHING: Final = "has no effect while 'matching' is false: an agent files what comes in."
_NOT_SENDING: Final = (
    "No mail leaves: its sign-in was refused. After two refusals none is tried. Save the right credentials, or have "
    "the server allow this one and test the mailbox; what waits then leaves at once."
)
AGENT_UNCHECKED: Final = (
    "'agent' could not be checked, since Microsoft 365 did not tell the tenant's users: is the address right? With a "
    "wrong one, nobody sees the mail that waits."
)


def warnings_of(mailbox: Mailbox) -> tuple[str, ...]:
    """A sentence for each setting that does not do what it says, and for mail that does not leave."""
    told = mailbox.state.sending_refused
    return (*_idle(mailbox), *([f"{_NOT_SENDING} {told}"] if told else []))


def _idle(mailbox: Mailbox) -> Iterator[str]:
    default = Mailbox(mailbox.tenant_id, mailbox.mailbox_id, mailbox.address)
    if not mailbox.matching:
        chosen = (
            ("matched_to", mailbox.matched_to is not None),
            ("matching_type", mailbox.matching_type != default.matching_type),
            ("unmatched", mailbox.unmatched == NEW),
        )
        yield from (f"'{name}' {_WITHOUT_MATCHING}" for name, is_chosen in chosen if is_chosen)
    elif mailbox.matched_to is None and mailbox.matching_type != default.matching_type:
        yield "'matching_type' has no effect while 'matched_to' is none."
    if _skips_strangers(mailbox):
        yield "'unmatched' is new and 'capture' is known: the mail of strangers is not kept, and opens nothing."


def _skips_strangers(mailbox: Mailbox) -> bool:
    """Whether it opens records, and keeps no mail of those for whom most would be opened."""
    opens = mailbox.matching and mailbox.unmatched == NEW
    return opens and mailbox.kind != INTAKE and mailbox.capture == KNOWN
