"""As whom a token may act: every combination of roles, tenant and organisation, by the rule itself."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Forbidden, InvalidInput
from shared.domain.privacy.callers import ROLES, Caller, Claims
from tests.builders import HOME, TENANT, a_mailbox, an_organisation
from tests.composed import use_cases_over
from tests.fakes import FakePorts

CLIENT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ROLE_SETS = [frozenset(one) for size in range(5) for one in combinations(sorted(ROLES), size)]


def identify(
    claims: Claims, named: str, *, enabled: bool = True, services: tuple[str, ...] = ()
) -> Caller | None:
    ports = FakePorts()
    ports.organisations.put(an_organisation(enabled=enabled, services=services))
    ports.organisations.put(an_organisation(tenant_id=HOME))
    try:
        return use_cases_over(ports).identify_caller(claims, named)
    except Forbidden:
        return None


@given(
    st.sampled_from(ROLE_SETS), st.sampled_from([TENANT, HOME]), st.booleans(), st.booleans(), st.booleans()
)
def test_another_organisation_is_reached_by_the_home_tenant_s_applications_alone(
    roles: frozenset[str], tenant: str, app_only: bool, listed: bool, enabled: bool
) -> None:
    claims = Claims(tenant, "oid", roles=roles, client_id=CLIENT, app_only=app_only)
    caller = identify(claims, TENANT, enabled=enabled, services=(CLIENT,) if listed else ())
    if tenant == TENANT:
        expected = roles - {"Operator"} if enabled else frozenset()
    elif not app_only:
        expected = frozenset()
    else:
        expected = roles & ({"Operator", "Service"} if listed and enabled else {"Operator"})
    assert (caller.roles if caller else frozenset()) == expected
    assert caller is None or caller.tenant_id == TENANT


def test_a_client_without_an_id_is_on_no_list() -> None:
    claims = Claims(HOME, "oid", roles=frozenset({"Service"}), client_id="", app_only=True)
    assert identify(claims, TENANT, services=("",)) is None


def test_naming_the_own_organisation_is_naming_none() -> None:
    claims = Claims(TENANT, "oid", roles=frozenset({"Agent"}))
    assert identify(claims, TENANT.upper()) == identify(claims, "") == identify(claims, "  ")


@pytest.mark.parametrize("named", ["contoso", "*", "../x", TENANT + "'"])
def test_what_is_no_tenant_id_is_a_mistake(named: str) -> None:
    claims = Claims(HOME, "oid", roles=frozenset({"Operator"}), app_only=True)
    with pytest.raises(InvalidInput, match="GUID"):
        identify(claims, named)


def test_tokens_are_looked_at_for_enabled_organisations_and_the_home_tenant() -> None:
    ports = FakePorts()
    ports.organisations.change(an_organisation(enabled=False))
    served = use_cases_over(ports).served_tenants
    assert (served(TENANT), served(HOME), served(CLIENT)) == (False, True, False)
    ports.organisations.change(an_organisation())
    assert served(TENANT)


def test_a_mailbox_is_owned_by_its_agent_and_nobody_else() -> None:
    agent = frozenset({"Agent"})
    mailbox = a_mailbox()
    assert Caller(TENANT, agent, "oid", mailbox.agent).owns(mailbox)
    assert not Caller(HOME, agent, "oid", mailbox.agent).owns(mailbox)
    assert not Caller(TENANT, agent, "oid", "").owns(a_mailbox(agent=""))
    assert not Caller(TENANT, agent, "", mailbox.agent).owns(a_mailbox(agent_id="oid"))
    assert not Caller(TENANT, frozenset({"Service"}), "oid", mailbox.agent).owns(mailbox)
    assert not Caller(TENANT, agent, "oid", mailbox.agent, app_only=True).owns(mailbox)


def test_a_mailbox_is_no_longer_its_former_agents_under_whatever_address_the_next_one_is_named() -> None:
    aliases = ("ben@contoso.example", "b@contoso.example")
    mailbox = a_mailbox(aliases=aliases).handed_over("b@contoso.example")
    role = frozenset({"Agent"})
    assert Caller(TENANT, role, "ben", "b@contoso.example").owns(mailbox)
    assert not Caller(TENANT, role, "ann", mailbox.address).owns(mailbox)
