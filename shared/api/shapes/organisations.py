"""Organisations as JSON."""

from shared.api.models.organisations import OrganisationModel
from shared.domain.connections.organisations import Organisation
from shared.services.connections.organisations import SETTINGS


def organisation(found: Organisation) -> OrganisationModel:
    settings = {name: getattr(found, name) for name in SETTINGS}
    return OrganisationModel.model_validate({"tenant_id": found.tenant_id, "state": found.state, **settings})
