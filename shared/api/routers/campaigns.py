"""Campaigns: one mail to each of many, from a template."""

from typing import Annotated, Final

from fastapi import Path, Request, Response

from shared.api.audit import about
from shared.api.auth import UseCases
from shared.api.etags import conditional
from shared.api.models.campaigns import (
    CampaignFields,
    CampaignModel,
    CampaignPreviewModel,
    CampaignRecipientsModel,
    CampaignsModel,
)
from shared.api.parameters import (
    DEFAULT_LIMIT,
    UNCHANGED,
    Cursor,
    IdempotencyKey,
    Limit,
    Worker,
    cursor_after,
    guarded_router,
    name_before,
    problems,
)
from shared.api.shapes import campaigns
from shared.api.use_cases import ApiUseCases
from shared.domain.campaigns.campaigns import Campaign
from shared.domain.errors import InvalidInput

router = guarded_router(tag="campaigns")
CampaignId = Annotated[str, Path(description="The campaign's id.", max_length=64, pattern="^[A-Za-z0-9-]+$")]
_CHANGING: Final = problems(409)


@router.post("/campaigns", status_code=202, responses=problems(409))
def start_campaign(
    *, request: Request, use_cases: UseCases, caller: Worker, key: IdempotencyKey, body: CampaignFields
) -> CampaignModel:
    """Begin to send a mail to each recipient. A value that is missing for anybody refuses it before a mail leaves."""
    found = use_cases.ask_campaign(caller, campaigns.wanted(body), key)
    about(request, f"campaign/{found.id}")
    return _shown(use_cases, found)


@router.post("/campaigns/preview")
def preview_campaign(use_cases: UseCases, caller: Worker, body: CampaignFields) -> CampaignPreviewModel:
    """Show a campaign: ten filled mails of real recipients, and who is left out and why. Nothing is sent."""
    return campaigns.preview(use_cases.preview_campaign(caller, campaigns.wanted(body)))


@router.get("/campaigns", response_model=CampaignsModel, responses=UNCHANGED)
def list_campaigns(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of the campaigns that you asked for or that were asked for you, newest first; to an admin, all."""
    found, following = use_cases.read_campaigns.page(caller, limit=limit, after=name_before(cursor))
    items = [campaigns.head(campaign) for campaign in found]
    return conditional(request, CampaignsModel(items=items, cursor=cursor_after(following)))


@router.get("/campaigns/{id}", response_model=CampaignModel, responses=UNCHANGED)
def get_campaign(*, request: Request, use_cases: UseCases, caller: Worker, id: CampaignId) -> Response:
    """Return a campaign. Its figures are sums over the recipients and their mails as they are now."""
    return conditional(request, _shown(use_cases, use_cases.read_campaigns(caller, id)))


@router.get(
    "/campaigns/{id}/recipients",
    response_model=CampaignRecipientsModel,
    responses=UNCHANGED,
)
def list_campaign_recipients(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: CampaignId,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of a campaign's recipients, what became of the mail of each, and why somebody is left out."""
    read = use_cases.read_campaigns
    found, rows, following = read.recipients(caller, id, limit=limit, after=_number_before(cursor))
    items = [campaigns.recipient(found, row) for row in rows]
    after = "" if following is None else str(following)
    return conditional(request, CampaignRecipientsModel(items=items, cursor=cursor_after(after)))


@router.post("/campaigns/{id}/pause", responses=_CHANGING)
def pause_campaign(use_cases: UseCases, caller: Worker, id: CampaignId) -> CampaignModel:
    """Pause a campaign: nobody else gets the mail until it is resumed, but for whom it is being handed to a server."""
    return _shown(use_cases, use_cases.decide_on_campaign.pause(caller, id))


@router.post("/campaigns/{id}/resume", responses=_CHANGING)
def resume_campaign(use_cases: UseCases, caller: Worker, id: CampaignId) -> CampaignModel:
    """Go on with a campaign that is paused."""
    return _shown(use_cases, use_cases.decide_on_campaign.resume(caller, id))


@router.post("/campaigns/{id}/cancel", responses=_CHANGING)
def cancel_campaign(use_cases: UseCases, caller: Worker, id: CampaignId) -> CampaignModel:
    """End a campaign: mails that have not left do not leave any more."""
    return _shown(use_cases, use_cases.decide_on_campaign.cancel(caller, id))


def _shown(use_cases: ApiUseCases, found: Campaign) -> CampaignModel:
    return campaigns.campaign(found, use_cases.read_campaigns.figures(found))


def _number_before(cursor: str) -> int:
    """The number behind which the page begins. Raises InvalidInput for a foreign cursor."""
    name = name_before(cursor)
    if name and not (name.isascii() and name.isdigit() and len(name) <= 6):
        raise InvalidInput("'cursor' is not one that this list has given.")
    return int(name) if name else -1
