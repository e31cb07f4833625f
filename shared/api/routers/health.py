"""Whether the service answers. Any caller may ask, and therefore only an operator's token gets a detail.

The operator may also send one command through the queue, which is how a deployment is tried.
"""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from shared.api.auth import UseCases, identify, needs
from shared.api.models.service import Health, Trial
from shared.api.parameters import guarded_router
from shared.api.use_cases import ApiUseCases
from shared.domain.build import Build
from shared.domain.errors import PostledgerError
from shared.domain.privacy.callers import OPERATOR, Caller

router = APIRouter(tags=["health"])
trial_router = guarded_router(tag="health")
Operator = Annotated[Caller, Depends(needs(OPERATOR))]


@router.get("/health", response_model_exclude_none=True)
async def get_health(request: Request) -> Health:
    """Return that the service answers.

    The operator's token, which is optional, also gets the build that runs, the age of the last tick, and the last
    trial that came through.
    """
    return await run_in_threadpool(_health, request)


@trial_router.post("/health/trial", status_code=202)
def try_deployment(use_cases: UseCases, caller: Operator) -> Trial:
    """Send one command through the queue. `GET health` names the trial once the command has come through."""
    return Trial(trial=use_cases.ask_trial(caller))


@trial_router.put("/health/pause", status_code=204)
def pause(use_cases: UseCases, caller: Operator) -> None:
    """Carry out no command and nothing that is due, until the pause is ended. What runs ends within some minutes."""
    use_cases.ask_pause(caller, paused=True)


@trial_router.delete("/health/pause", status_code=204)
def resume(use_cases: UseCases, caller: Operator) -> None:
    """End the pause."""
    use_cases.ask_pause(caller, paused=False)


def _health(request: Request) -> Health:
    if not _is_operator(request):
        return Health(status="ok")
    build = cast(Build, request.app.state.build)
    condition = cast(ApiUseCases, request.app.state.use_cases).read_condition()
    return Health(
        status="ok",
        version=build.version,
        commit=build.commit,
        python=build.python,
        tick_age=condition.tick_age,
        trial=condition.trial or None,
        trial_seconds=condition.trial_seconds,
        paused_since=condition.paused_since,
    )


def _is_operator(request: Request) -> bool:
    """A token that proves nothing is none: whoever watches the service must not be refused."""
    if "authorization" not in request.headers:
        return False
    try:
        return OPERATOR in identify(request).roles
    except PostledgerError:
        return False
