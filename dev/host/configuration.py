"""What `host.json` says, with the real host's defaults and limits. Knows nothing of functions or storage."""

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

# Seconds that running invocations get after SIGTERM: what the Functions host waits. Drained instances of Azure
# were seen to be cut off after one to three (azure-functions-host #12007): the command line has a switch.
DRAIN = 10.0
# How a process ends that gave back what it ran, and one that was stopped by storage: what that one held comes back when
# its time of invisibility is over.
ABORTED, FAILED = 1, 3
_TIME_SPAN = re.compile(r"^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$")


class HostError(Exception):
    """The app or its host.json asks for something that a host would refuse or this one does not offer."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """`extensions.queues` of host.json; times in seconds.

    Source: Microsoft Learn, "Azure Queue storage trigger and bindings", host.json settings. The default of
    `max_polling_interval` is the extension's own (one minute).
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0
    max_polling_interval: float = 60
    base64: bool = True

    def shortened(self, share: float) -> Self:
        """With this share of its times. Storage counts whole seconds."""
        return replace(
            self,
            visibility_timeout=math.ceil(self.visibility_timeout * share),
            max_polling_interval=self.max_polling_interval * share,
        )


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What this host takes from host.json."""

    queues: QueueOptions
    route_prefix: str = "api"


def read_host_json(path: Path) -> HostOptions:
    """Read and check a host.json. Raises HostError for values the real host would refuse."""
    content = _object(json.loads(path.read_text()))
    extensions = _object(content.get("extensions"))
    return HostOptions(
        queues=_queue_options(_object(extensions.get("queues"))),
        route_prefix=str(_object(extensions.get("http")).get("routePrefix", "api")).strip("/"),
    )


def seconds(time_span: str) -> float:
    """The seconds of a .NET TimeSpan, e.g. "00:00:10" or "1.02:03:04"."""
    match = _TIME_SPAN.match(time_span)
    if match is None:
        raise HostError(f"host.json: {time_span!r} is not a time like 00:00:10")
    days, hours, minutes, rest = match.groups()
    return int(days or 0) * 86_400 + int(hours) * 3_600 + int(minutes) * 60 + float(rest)


def _queue_options(queues: dict[str, Any]) -> QueueOptions:
    batch_size = int(queues.get("batchSize", 16))
    if not 1 <= batch_size <= 32:
        raise HostError("host.json: extensions.queues.batchSize must be 1 to 32")
    encoding = str(queues.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise HostError("host.json: extensions.queues.messageEncoding must be base64 or none")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=int(queues.get("newBatchThreshold", batch_size // 2)),
        max_dequeue_count=int(queues.get("maxDequeueCount", 5)),
        visibility_timeout=seconds(str(queues.get("visibilityTimeout", "00:00:00"))),
        max_polling_interval=max(0.1, seconds(str(queues.get("maxPollingInterval", "00:01:00")))),
        base64=encoding == "base64",
    )


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
