"""The times of the real host, in seconds, and their shortening for tests by one factor.

Measured with Microsoft.Azure.WebJobs 3.0.48, Storage.Queues 5.3.10 and the timers of WebJobs.Extensions 5.1.0.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

from dev.host.configuration import DRAIN, HostError

# Storage leases a blob for 15 s at least, and the real host leases it for 60.
MOST_SHORTENED: Final = 4.0


@dataclass(frozen=True, slots=True)
class Times:
    """`invisibility`: how long a running message is hidden from others; renewed at half-time.

    `lease` and `renewal` of a timer; who does not have it looks again every `look`, from its own start. `drain`: what
    running invocations get before the process ends. `first_wait`: before the second try of a request to storage,
    doubled before each further one. `no_answer`: after it a request counts as failed. `share`: what of a time in
    host.json is left.
    """

    invisibility: float = 600
    lease: float = 60
    renewal: float = 30
    look: float = 60
    drain: float = DRAIN
    first_wait: float = 0.8
    no_answer: float = 100
    share: float = 1

    @classmethod
    def shortened(cls, factor: float) -> Self:
        """All times divided by `factor`. Raises HostError for one that storage does not allow."""
        if not 1 <= factor <= MOST_SHORTENED:
            raise HostError(
                f"times can be shortened by 1 to {MOST_SHORTENED:g}: storage leases for 15 s at least"
            )
        real = cls()
        return cls(**{field.name: getattr(real, field.name) / factor for field in fields(cls)})
