"""Answers to sending that were ordered beforehand: what is carried out, and apart from that what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

Done = Literal["all", "nothing"]
CALLS = ("send", "sendMail", "draft", "upload")


@dataclass(slots=True)
class ScriptedAnswer:
    """`times` answers to a call: `does` is what the server carries out before it says `status` and `code`.

    With status 0 the connection is cut instead.
    """

    call: str
    status: int
    does: Done = "nothing"
    times: int = 1
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, given: Mapping[str, object]) -> "ScriptedAnswer":
        """Raises ValueError with a sentence."""
        call, does = str(given.get("call")), str(given.get("does", "nothing"))
        if call not in CALLS:
            raise ValueError(f"call is one of {', '.join(CALLS)}.")
        if does not in ("all", "nothing"):
            raise ValueError("does is 'all' or 'nothing'.")
        headers = given.get("headers") or {}
        return cls(
            call,
            int(str(given.get("status", 0))),
            cast(Done, does),
            int(str(given.get("times", 1))),
            str(given.get("code") or ""),
            {str(name): str(value) for name, value in dict(headers).items()},  # type: ignore[call-overload]
        )


@dataclass(slots=True)
class SendScript:
    """What was ordered and has not been given yet, in order."""

    answers: list[ScriptedAnswer] = field(default_factory=list)

    def next(self, call: str) -> ScriptedAnswer | None:
        """The next answer to this call, taken from the script."""
        found = next((answer for answer in self.answers if answer.call == call and answer.times > 0), None)
        if found is not None:
            found.times -= 1
        return found
