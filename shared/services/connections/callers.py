"""Which organisations are served at all, and as whom a verified token may act for one."""

from dataclasses import dataclass

from shared.domain.privacy.callers import Caller, Claims, caller_of, target_of
from shared.ports.stores.connections import Organisations


@dataclass(frozen=True, slots=True)
class ServedTenants:
    """Whether tokens of a tenant are looked at: the operator enabled it, or it runs the deployment."""

    organisations: Organisations
    home_tenant_id: str

    def __call__(self, tenant_id: str) -> bool:
        if tenant_id == self.home_tenant_id:
            return True
        organisation = self.organisations.get(tenant_id)
        return organisation is not None and organisation.enabled


@dataclass(frozen=True, slots=True)
class IdentifyCaller:
    """Turn a token's claims and the organisation it names ('' = its own) into a caller. Raises Forbidden."""

    organisations: Organisations
    home_tenant_id: str

    def __call__(self, claims: Claims, named: str) -> Caller:
        tenant_id = target_of(claims, named, self.home_tenant_id)
        organisation = self.organisations.get(tenant_id)
        return caller_of(claims, organisation, tenant_id=tenant_id, home_tenant_id=self.home_tenant_id)
