"""Whether the service answers. Any caller may ask, and therefore the answer has no detail."""

from fastapi import APIRouter

from shared.api.models.service import Health

router = APIRouter(tags=["health"])


@router.get("/health")
async def get_health() -> Health:
    """Return that the service answers."""
    return Health(status="ok")
