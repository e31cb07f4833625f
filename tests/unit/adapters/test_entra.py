"""Tokens of Entra ID: what they say once proven, and how often keys are asked for."""

import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from shared.adapters.entra import EntraTokens, SigningKeys
from shared.domain.errors import Forbidden, Unavailable
from shared.domain.privacy.callers import InvalidToken
from tests.builders import AGENT, TENANT
from tests.unit.api.tokens import AUDIENCE, AUTHORITY, CLIENT, OID, OTHER, Issuer

KEYS_URL = f"{AUTHORITY}/{TENANT}/discovery/v2.0/keys"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


class Entra:
    """Publishes the keys of some issuers; `seconds` is its clock, `down` whether it answers."""

    def __init__(self, *issuers: Issuer) -> None:
        self.issuers = list(issuers)
        self.asked: list[str] = []
        self.seconds = 0.0
        self.down = False
        self.more: list[Any] = []

    def fetch(self, url: str) -> Mapping[str, Any]:
        self.asked.append(url)
        if self.down:
            raise Unavailable("down")
        return {"keys": [*self.more, *(key for one in self.issuers for key in one.published(url)["keys"])]}

    def tokens(self, *known: str) -> EntraTokens:
        keys = SigningKeys(AUTHORITY, fetch=self.fetch, clock=lambda: self.seconds)
        audiences = frozenset({AUDIENCE, f"api://{AUDIENCE}"})
        served = known or (TENANT, OTHER)
        return EntraTokens(
            authority=f"{AUTHORITY}/", audiences=audiences, is_known_tenant=served.__contains__, keys=keys
        )


def test_a_person_s_token_says_who_it_is(issuer: Issuer) -> None:
    claims = Entra(issuer).tokens().verify(issuer.user("Agent", "Admin"))
    assert (claims.tenant_id, claims.oid, claims.name) == (TENANT, OID, "Ann Agent")
    assert (claims.address, claims.client_id, claims.app_only) == (AGENT, CLIENT, False)
    assert claims.roles == {"Agent", "Admin"}


def test_both_spellings_of_the_audience_hold(issuer: Issuer) -> None:
    tokens = Entra(issuer).tokens()
    assert tokens.verify(issuer.app("Service", aud=f"api://{AUDIENCE}")).roles == {"Service"}


@pytest.mark.parametrize(
    ("claims", "app_only"),
    [
        ({"idtyp": "app"}, True),
        ({"idtyp": "user", "scp": "access_as_user"}, False),
        ({"idtyp": None, "scp": "access_as_user"}, False),
        ({"idtyp": None, "scp": "openid access_as_user"}, False),
    ],
)
def test_an_application_s_token_is_told_from_a_person_s(
    issuer: Issuer, claims: dict[str, Any], app_only: bool
) -> None:
    assert Entra(issuer).tokens().verify(issuer.app("Service", **claims)).app_only is app_only


@pytest.mark.parametrize(
    "claims",
    [
        {"idtyp": None},
        {"idtyp": "user"},
        {"idtyp": None, "nonce": "n", "preferred_username": "ann@contoso.example"},
        {"idtyp": None, "scp": "User.Read"},
        {"idtyp": None, "scp": "access_as_user_2"},
        {"idtyp": None, "scp": ["access_as_user"]},
        {"idtyp": "device", "scp": "access_as_user"},
        {"ver": "1.0"},
        {"ver": None},
    ],
)
def test_a_token_that_was_not_issued_to_call_this_api_is_refused(
    issuer: Issuer, claims: dict[str, Any]
) -> None:
    """An ID token of the same app has the same signature, issuer and audience."""
    with pytest.raises(InvalidToken):
        Entra(issuer).tokens().verify(issuer.app("Admin", **claims))


@pytest.mark.parametrize("roles", [None, "Admin", {"Admin": 1}, [["Admin"]], 7])
def test_roles_that_are_no_list_of_names_are_none(issuer: Issuer, roles: Any) -> None:
    token = issuer.sign({**issuer.claims(TENANT, ()), "idtyp": "app", "roles": roles})
    assert Entra(issuer).tokens().verify(token).roles == frozenset()


def test_a_minute_s_difference_of_clocks_is_forgiven(issuer: Issuer) -> None:
    tokens, now = Entra(issuer).tokens(), int(time.time())
    tokens.verify(issuer.user("Agent", nbf=now + 50, iat=now + 50))
    with pytest.raises(InvalidToken, match="expired"):
        tokens.verify(issuer.user("Agent", exp=now - 70))
    # It has its second half for the way from here to there.
    tokens.verify(issuer.user("Agent", exp=int(time.time()) - 30))


@pytest.mark.parametrize("claims", [{"exp": "soon"}, {"exp": 1e400}, {"nbf": "x"}, {"aud": 7}, {"aud": [7]}])
def test_claims_of_odd_types_are_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        Entra(issuer).tokens().verify(issuer.user("Agent", **claims))


def test_keys_are_asked_for_once_per_tenant_and_day(issuer: Issuer) -> None:
    entra = Entra(issuer)
    tokens = entra.tokens()
    for _ in range(3):
        tokens.verify(issuer.user("Agent"))
    assert entra.asked == [KEYS_URL]
    tokens.verify(issuer.user("Agent", tenant=OTHER))
    assert len(entra.asked) == 2
    entra.seconds = 24 * 3600.0
    tokens.verify(issuer.user("Agent"))
    assert len(entra.asked) == 3


def test_a_tenant_that_is_not_served_is_never_asked(issuer: Issuer) -> None:
    entra = Entra(issuer)
    with pytest.raises(Forbidden, match="not enabled"):
        entra.tokens(OTHER).verify(issuer.user("Agent"))
    assert entra.asked == []


def test_a_new_key_is_found_and_an_unknown_one_asks_once_a_minute(issuer: Issuer) -> None:
    entra, newer = Entra(issuer), Issuer("key-2")
    tokens = entra.tokens()
    tokens.verify(issuer.user("Agent"))
    entra.issuers.append(newer)
    for seconds, asked in ((30.0, 1), (59.0, 1)):
        entra.seconds = seconds
        with pytest.raises(InvalidToken, match="does not publish"):
            tokens.verify(newer.user("Agent"))
        assert len(entra.asked) == asked
    entra.seconds = 60.0
    tokens.verify(newer.user("Agent"))
    assert len(entra.asked) == 2


def test_keys_that_cannot_be_fetched_are_no_reason_to_refuse_for_good(issuer: Issuer) -> None:
    entra = Entra(issuer)
    entra.down, tokens = True, entra.tokens()
    for seconds, asked in ((0.0, 1), (4.0, 1), (5.0, 2)):
        entra.seconds = seconds
        with pytest.raises(Unavailable):
            tokens.verify(issuer.user("Agent"))
        assert len(entra.asked) == asked
    entra.down, entra.seconds = False, 10.0
    assert tokens.verify(issuer.user("Agent")).tenant_id == TENANT


def test_a_known_key_goes_on_while_an_unknown_one_cannot_be_asked_for(issuer: Issuer) -> None:
    entra = Entra(issuer)
    tokens = entra.tokens()
    tokens.verify(issuer.user("Agent"))
    entra.down, entra.seconds = True, 60.0
    with pytest.raises(Unavailable):
        tokens.verify(Issuer("key-9").user("Agent"))
    assert tokens.verify(issuer.user("Agent")).tenant_id == TENANT


def test_only_the_tenant_s_own_rsa_signing_keys_count(issuer: Issuer) -> None:
    entra, other = Entra(issuer), Issuer("key-2")
    (key,) = other.published("")["keys"]
    for foreign in (
        {**key, "issuer": f"{AUTHORITY}/{OTHER}/v2.0"},
        {**key, "use": "enc"},
        {"kty": "oct", "kid": "key-2", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "key-2", "n": "!", "e": "!"},
        "key-2",
    ):
        entra.more = [foreign]
        with pytest.raises(InvalidToken):
            entra.tokens().verify(other.user("Agent"))
        assert entra.tokens().verify(issuer.user("Agent")).tenant_id == TENANT
    entra.more = [{**key, "issuer": AUTHORITY + "/{tenantid}/v2.0"}]
    assert entra.tokens().verify(other.user("Agent")).tenant_id == TENANT


def test_a_token_without_kid_or_too_long_is_refused_before_anything_is_asked(issuer: Issuer) -> None:
    entra = Entra(issuer)
    nameless = jwt.encode(issuer.claims(TENANT, ("Agent",)), issuer.key, algorithm="RS256")
    for token in (nameless, issuer.user("Agent", padding="x" * 20_000), "", "...", "é.é.é"):
        with pytest.raises(InvalidToken):
            entra.tokens().verify(token)
    assert entra.asked == []
