"""What an intake mailbox makes of its mail, as JSON."""

from dataclasses import asdict
from typing import Any

from shared.api.models.intake_previews import IntakePreviewModel
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.intake.settings import Route
from shared.services.intake.previewing import IntakePreview


def intake(mailbox: Mailbox) -> dict[str, Any] | None:
    """The settings in the shape in which they are given; None of a personal mailbox."""
    if mailbox.kind != INTAKE:
        return None
    settings = mailbox.intake
    return {
        "opens": mailbox.opens,
        "type": settings.type or None,
        "routes": [_route(route) for route in settings.routes],
        "fields": asdict(settings.fields),
        "data": {datum.name: datum.template for datum in settings.data},
        "closed": settings.closed,
        "cases_an_hour": settings.cases_an_hour,
    }


def agents(mailbox: Mailbox) -> list[str]:
    """All agents of an intake mailbox."""
    return list(mailbox.agents or (mailbox.agent,)) if mailbox.kind == INTAKE else []


def preview(found: IntakePreview) -> IntakePreviewModel:
    record = found.dressed.record
    shown = {
        name: getattr(record, name) for name in ("name", "summary", "details", "type", "owner", "client")
    }
    data = {datum.name: datum.value for datum in record.data}
    return IntakePreviewModel.model_validate(
        {
            "record": {"kind": record.ref.kind, **shown, "data": data},
            "acknowledgement": asdict(found.answer) if found.answer else None,
            "problems": list(found.dressed.problems),
        }
    )


def _route(route: Route) -> dict[str, str | None]:
    return {name: value or None for name, value in asdict(route).items()}
