"""Whether the service answers. Any caller may ask, and therefore only an operator's token gets a detail.

The operator may also send one command through the queue, which is how a deployment is tried.
"""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from shared.api.auth import UseCases, identify, needs
from shared.api.models.service import Health, Trial
from shared.api.parameters import guarded_router, problems
from shared.api.use_cases import ApiUseCases
from shared.domain.build import Build
from shared.domain.errors import PostledgerError
from shared.domain.privacy.callers import OPERATOR, Caller

router = APIRouter(tags=["health"])
trial_router = guarded_router(tag="health")
Operator = Annotated[Caller, Depends(needs(OPERATOR))]


@router.get("/health", response_model_exclude_none=True, responses=problems(503))
async def get_health(request: Request) -> Health:
    """Return that the service answers; 503 where its storage lacks parts.

    The operator's token also gets the build, the age of the last tick, the last trial and the missing parts.
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
    use_cases = cast(ApiUseCases, request.app.state.use_cases)
    is_operator = _is_operator(request)
    if missing := use_cases.missing_parts():
        raise HTTPException(503, _sentence(missing) if is_operator else "The service is not complete.")
    if not is_operator:
        return Health(status="ok")
    build = cast(Build, request.app.state.build)
    condition = use_cases.read_condition()
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


def _sentence(missing: list[str]) -> str:
    return f"Storage lacks {', '.join(missing)}: azd provision makes what is missing, and removes nothing."


def _is_operator(request: Request) -> bool:
    """A token that proves nothing is none: whoever watches the service must not be refused."""
    if "authorization" not in request.headers:
        return False
    try:
        return OPERATOR in identify(request).roles
    except PostledgerError:
        return False
