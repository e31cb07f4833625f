"""Organisations as JSON."""

from shared.api.models.organisations import OrganisationModel
from shared.domain.connections import from_rules
from shared.domain.connections.organisations import Organisation
from shared.services.connections.organisations import SETTINGS


def organisation(found: Organisation) -> OrganisationModel:
    # Settings only: the hashes of erased persons stay inside.
    settings = {name: getattr(found, name) for name in SETTINGS}
    rules = {
        purpose: {"fallback": None, **rule} for purpose, rule in from_rules.readable(found.from_rules).items()
    }
    return OrganisationModel.model_validate(
        {
            **settings,
            "tenant_id": found.tenant_id,
            "state": found.state,
            "from_rules": rules,
            "earlier_code_prefixes": found.earlier_code_prefixes,
        }
    )
