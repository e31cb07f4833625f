"""A wire that answers what a test says, and keeps what was sent."""

from shared.adapters.storage.direct.account import Account
from shared.adapters.storage.direct.exchange import Answer, Patience
from shared.adapters.storage.direct.sending import Sender
from shared.adapters.storage.direct.shared_key import SharedKey
from shared.adapters.storage.direct.wire import NoAnswerError, Parcel

KEY = "bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZy4uLg=="
ACCOUNT = Account.of_connection_string(f"AccountName=acc;AccountKey={KEY}")
LOST = NoAnswerError("ProtocolError", was_sent=True)
NOT_SENT = NoAnswerError("NewConnectionError", was_sent=False)


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class ScriptedWire:
    def __init__(self, *answers: Answer | NoAnswerError) -> None:
        self.answers = list(answers)
        self.parcels: list[Parcel] = []
        self.origins: list[str] = []
        self.patience: list[Patience] = []
        self.slept: list[float] = []
        self.heard: list[tuple[str, int]] = []

    def exchange(self, origin: str, parcel: Parcel, patience: Patience) -> Answer:
        self.origins.append(origin)
        self.parcels.append(parcel)
        self.patience.append(patience)
        given = self.answers.pop(0)
        if isinstance(given, NoAnswerError):
            raise given
        return given

    def sender(self, *, retries: int = 3, authority: object = None) -> Sender:
        return Sender(
            ACCOUNT,
            authority or SharedKey(ACCOUNT.name, ACCOUNT.key),
            self,
            patience=Patience(5.0, 20.0, retries),
            listeners=[lambda method, status: self.heard.append((method, status))],
            sleep=self.slept.append,
        )
