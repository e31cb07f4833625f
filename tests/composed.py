"""The product over fakes: the same `compose` as in production, at a time that a test sets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from shared.bootstrap.compose import UseCases, UseCaseSettings, compose
from shared.ports.record import Ports
from tests.builders import CODE_KEYS, HASH_KEY, HOME, NOW
from tests.fakes import FakePorts
from tests.fakes.credentials import FakeSignIns
from tests.fakes.mail import FakeMail
from tests.fakes.mailbox_access import FakeProbe
from tests.fakes.notifications import FakeSubscriptionSource

SETTINGS: Final = UseCaseSettings(HASH_KEY, CODE_KEYS, HOME, "https://app.example")


def use_cases_over(ports: Ports, clock: Callable[[], datetime] = lambda: NOW) -> UseCases:
    """All use cases over these ports, with ids that count."""
    numbers = count(1)
    return compose(ports, SETTINGS, clock, lambda: f"{next(numbers):032x}")


@dataclass
class Composed:
    """A process of the product at `now`; its use cases are attributes, under the names that `compose` gives them."""

    storage: FakePorts = field(default_factory=FakePorts)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A fresh process over the same ports: what services keep in memory is gone."""
        self.use_cases = use_cases_over(self.storage, self.clock)

    def clock(self) -> datetime:
        return self.now

    def __getattr__(self, name: str) -> Any:
        if name == "use_cases":
            raise AttributeError(name)
        return getattr(self.use_cases, name)

    @property
    def mail(self) -> FakeMail:
        return self.storage.mail

    @property
    def probe(self) -> FakeProbe:
        return self.storage.probe

    @property
    def sign_ins(self) -> FakeSignIns:
        return self.storage.sign_ins

    @property
    def subscription_source(self) -> FakeSubscriptionSource:
        return self.storage.subscription_source
