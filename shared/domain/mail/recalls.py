"""Mail by which Outlook asks for a mail back, and what it reports of such requests.

Only the English words are known: what Outlook writes in other languages people write as well, as "Rückruf" and
"Rappel". A notice too many does less harm than an answer that nobody is told of.
"""

import re
from typing import Final

_RECALL: Final = re.compile(
    r"\s*(?:recall|message recall (?:success|failure|report))\s*[:\uff1a]", re.IGNORECASE
)


def is_recall(subject: str) -> bool:
    """Whether an answer is nobody's words: it takes a mail back, or says whether that could be done."""
    return _RECALL.match(subject) is not None
