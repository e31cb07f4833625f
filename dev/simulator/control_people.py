"""The control calls about consent and sign-ins: how people act on Entra's pages, and what is revoked later."""

import dataclasses
from collections.abc import Callable

from dev.simulator.directory import Group, Organisation
from dev.simulator.people import ACTS, Person, SignIn
from dev.simulator.world import ClientApplication, World

Given = dict[str, object]


class PeopleControl:
    """One method per call, as in `Control`. Raises KeyError and ValueError for a mistake of the caller."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: dict[tuple[str, str], Callable[[Given], object]] = {
            ("PUT", "people"): self.put_person,
            ("POST", "consent"): self.change_consent,
            ("POST", "delegates"): self.put_delegate,
            ("POST", "applications"): self.put_application,
            ("GET", "sign-ins"): self.get_sign_ins,
            ("POST", "sign-ins/revoke"): self.revoke,
            ("POST", "sign-ins/expire"): self.expire,
        }

    def put_application(self, given: Given) -> object:
        """An application of the home tenant that asks Entra for tokens of our API."""
        roles = given.get("roles")
        named = tuple(map(str, roles)) if isinstance(roles, list) else ()
        client = ClientApplication(str(given["client_id"]), str(given["secret"]), named)
        self.world.clients[client.client_id] = client
        return {"client_id": client.client_id, "roles": list(client.roles)}

    def put_person(self, given: Given) -> object:
        """Who opens this tenant's links next, and how they act."""
        tenant_id = self._organisation(given).tenant_id
        act = str(given.get("act", "grant"))
        if act not in ACTS:
            raise ValueError(f"'act' is one of {', '.join(ACTS)}.")
        person = Person(
            act,  # type: ignore[arg-type]
            str(given.get("account", "")),
            str(given.get("other_tenant_id", "")),
            int(str(given.get("lifetime", 3599))),
        )
        self.world.people.persons[tenant_id] = person
        return dataclasses.asdict(person)

    def change_consent(self, given: Given) -> object:
        """What an administrator does later: `consented`, `roles`, `rbac_scope`, `rbac_roles`, groups; `unnoticed`."""
        organisation = self._organisation(given)
        if "consented" in given:
            organisation.consented = bool(given["consented"])
        if "unnoticed" in given:
            organisation.unnoticed = bool(given["unnoticed"])
        if isinstance(roles := given.get("roles"), list):
            organisation.graph_roles = tuple(str(one) for one in roles)
        if isinstance(scope := given.get("rbac_scope"), list):
            organisation.rbac_scope = frozenset(str(one).lower() for one in scope)
        if isinstance(rbac_roles := given.get("rbac_roles"), list):
            organisation.rbac_roles = frozenset(map(str, rbac_roles))
        if isinstance(groups := given.get("groups"), dict):
            organisation.groups = {str(address).lower(): Group.of(group) for address, group in groups.items()}
        return {
            "consented": organisation.consented,
            "roles": list(organisation.graph_roles),
            "rbac_scope": sorted(organisation.rbac_scope),
            "unnoticed": organisation.unnoticed,
        }

    def put_delegate(self, given: Given) -> object:
        """The rights of `account` to the mailbox `address`: full_access, send_as, send_on_behalf."""
        user = self.world.directory.by_address(str(given["address"]))
        if user is None:
            raise KeyError(str(given["address"]))
        rights = given.get("rights")
        user.delegates[str(given["account"]).lower()] = set(rights) if isinstance(rights, list) else set()
        return {account: sorted(held) for account, held in user.delegates.items()}

    def get_sign_ins(self, given: Given) -> object:
        return [
            {"id": one.id, "refreshed": one.refreshed, "scopes": list(one.scopes), "revoked": one.is_revoked}
            for one in self._sign_ins(given)
        ]

    def revoke(self, given: Given) -> object:
        """At once, access tokens included."""
        chosen = self._sign_ins(given)
        for one in chosen:
            one.is_revoked = True
        return {"sign_ins": len(chosen)}

    def expire(self, given: Given) -> object:
        """Refresh tokens were not used for 90 days."""
        chosen = self._sign_ins(given)
        for one in chosen:
            one.is_expired = True
        return {"sign_ins": len(chosen)}

    def _organisation(self, given: Given) -> Organisation:
        return self.world.directory.organisations[str(given["tenant_id"]).lower()]

    def _sign_ins(self, given: Given) -> list[SignIn]:
        user = self.world.directory.by_address(str(given["address"]))
        return list(self.world.people.of_user(user.id)) if user else []
