"""Whether the service answers: for anyone, and therefore without any detail."""

from fastapi import APIRouter

from shared.api.models import Health

router = APIRouter(tags=["health"])


@router.get("/health")
async def get_health() -> Health:
    """Say that the service answers."""
    return Health()
