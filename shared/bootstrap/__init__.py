"""The only place that names adapters and services: puts the app together, once, when it is first needed.

Loading the function app builds nothing; FastAPI is imported by the first client request.
"""

from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

from shared.bootstrap.work import UseCases, Work
from shared.triggers.queue import Outcomes

if TYPE_CHECKING:
    from azure.functions import AsgiMiddleware

_building = RLock()
_work = Work()


def use_cases() -> UseCases:
    """The use cases of this process. Raises ConfigurationError when settings are missing or wrong."""
    with _building:
        return _work.use_cases


def outcomes() -> Outcomes:
    """Where failed commands of this process go."""
    with _building:
        return _work.outcomes


def api_app() -> "AsgiMiddleware":
    """The client API of this process."""
    with _building:
        return _api()


@cache
def _api() -> "AsgiMiddleware":
    from shared.bootstrap.client_api import api_over

    return api_over(_work)
