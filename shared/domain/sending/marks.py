"""What marks a mail of ours on its way, so that its copy leads back to its row in the outbox by a single read.

The tag and the Message-ID both begin with the row's id. Recipients see the header and the Message-ID, so that neither
proves anything where a stranger may have written it; `sent_copies` says where they count.
"""

import re
from typing import Final

# Where a provider keeps no property with a mail, its tag stands in this header.
TAG_HEADER: Final = "X-Postledger-Tag"
LONGEST: Final = 200
# The id as `AskToSend` makes it: a time of fifteen digits, then letters and digits.
_MARK: Final = re.compile(r"([0-9]{15}-[0-9A-Za-z]{1,64})(?:[.@].{1,300})?")


def tag_of(mail_id: str, attempt: str = "") -> str:
    """The tag of a mail; `attempt` tells the tag of a retry from the one before."""
    return f"{mail_id}.{attempt}" if attempt else mail_id


def message_id_of(mail_id: str, domain: str) -> str:
    """The Message-ID of a mail, without angle brackets."""
    return f"{mail_id}@{domain}"


def mail_id_of(mark: str) -> str:
    """The id of the row that a tag or a Message-ID of ours leads to; '' for what is none."""
    found = _MARK.fullmatch(mark.strip())
    return found[1] if found else ""
