"""How long the sender waits for what cannot be known at once.

One time sets the scale, and all others are parts or multiples of it: a simulator of which everything is known may be
given less of each, and nothing comes before what it has to wait for.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of a deployment.

    `settled_after`: a server may work on what it took for so long; then what is still a draft is one for good.
    """

    settled_after: timedelta = timedelta(minutes=10)

    @property
    def given_up_after(self) -> timedelta:
        """What could not be found out by then is left to a person: a day."""
        return self.settled_after * 144

    @property
    def soonest_look(self) -> timedelta:
        """15 seconds."""
        return self.settled_after / 40

    @property
    def soonest_look_if_taken(self) -> timedelta:
        """What was taken is mostly confirmed by a notification of its copy, which costs no look: 2 minutes."""
        return self.settled_after / 5

    @property
    def soonest_copy(self) -> timedelta:
        """A server that lays copies of its own does so within seconds; ours would be a second one: 30 seconds."""
        return self.settled_after / 20

    @property
    def longest_pause(self) -> timedelta:
        """An hour."""
        return self.settled_after * 6

    @property
    def shortest_pause(self) -> timedelta:
        """A minute."""
        return self.settled_after / 10

    @property
    def try_again(self) -> timedelta:
        """What fails in passing is tried again after this time: 30 seconds."""
        return self.settled_after / 20

    @property
    def look_again(self) -> timedelta:
        """Whoever comes after a worker that was killed waits while that one might still be at work: 20 seconds."""
        return self.settled_after / 30


WAITS: Final = Waits()
