"""Whether the service answers. Any caller may ask, and therefore only an operator's token gets a detail."""

from typing import cast

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from shared.api.auth import identify
from shared.api.models.service import Health
from shared.domain.build import Build
from shared.domain.errors import PostledgerError
from shared.domain.privacy.callers import OPERATOR

router = APIRouter(tags=["health"])


@router.get("/health", response_model_exclude_none=True)
async def get_health(request: Request) -> Health:
    """Return that the service answers. The operator's token, which is optional, also gets the build that runs."""
    if not await run_in_threadpool(_is_operator, request):
        return Health(status="ok")
    build = cast(Build, request.app.state.build)
    return Health(status="ok", version=build.version, commit=build.commit, python=build.python)


def _is_operator(request: Request) -> bool:
    """A token that proves nothing is none: whoever watches the service must not be refused."""
    if "authorization" not in request.headers:
        return False
    try:
        return OPERATOR in identify(request).roles
    except PostledgerError:
        return False
