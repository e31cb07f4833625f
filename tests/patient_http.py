"""httpx's calls, each over a connection of its own, without the limit of five seconds that a busy machine exceeds."""

from functools import partial
from typing import Final

import httpx

from dev.processes import PATIENCE

get: Final = partial(httpx.get, timeout=PATIENCE)
post: Final = partial(httpx.post, timeout=PATIENCE)
put: Final = partial(httpx.put, timeout=PATIENCE)
head: Final = partial(httpx.head, timeout=PATIENCE)
delete: Final = partial(httpx.delete, timeout=PATIENCE)
