"""Who is told of a mail: kept on its row from the first look on, and carried out once it is filed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipient:
    """The agent (object id) whose mail is answered, or was not delivered; `answers` is that mail's key.

    `is_told`: a notice was written, or it was decided that there is none: it is never written again.
    """

    agent: str
    answers: str
    is_told: bool = False
