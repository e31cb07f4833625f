"""Tokens that prove nothing open no route, whatever they claim."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.builders import AGENT, TENANT
from tests.security.served import every_operation
from tests.unit.api.tokens import AUTHORITY, OTHER, Issuer
from tests.unit.api.wiring import Api

ALGORITHMS = (
    "none",
    "None",
    "nOnE",
    "",
    "RS384",
    "PS256",
    "ES256",
    "EdDSA",
    "HS256",
    "RS256 ",
    None,
    7,
    ["RS256"],
)
KEY_IDS = (
    *(
        "../../keys/other",
        "/dev/null",
        "' or 1=1",
        "key-1\x00",
        "KEY-1",
        "",
        "x" * 9_000,
        "https://evil.example",
    ),
    *(None, 7, ["key-1"], {"kid": "key-1"}, True),
)


def own_header(own: Issuer, claims: Mapping[str, Any], **header: Any) -> str:
    """A token under a header of the attacker's choice, signed with a key that has the genuine one's name."""
    parts = [{"typ": "JWT", "alg": "RS256", "kid": own.kid, **header}, {**claims, "scp": "access_as_user"}]
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = own.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def bad_tokens(issuer: Issuer) -> dict[str, str | None]:
    """Everything that proves nothing."""
    claims = issuer.claims(TENANT, ("Agent", "Admin", "Service"))
    person = {"scp": "access_as_user", "preferred_username": AGENT}
    now = int(time.time())
    genuine = issuer.sign(claims)
    own = Issuer(issuer.kid)
    return {
        "none at all": None,
        "empty": "",
        "malformed": "abc.def",
        "nested too deep": "eyJhbGciOiJSUzI1NiJ9." + "W1tb" * 3_000 + ".c2ln",
        "alg none": issuer.unsigned("Agent", "Admin"),
        "HS256 with the public key": issuer.confused("Agent", "Admin"),
        "expired": issuer.sign({**claims, "exp": now - 120}),
        "not valid yet": issuer.sign({**claims, "nbf": now + 600}),
        "no expiry": issuer.sign({**claims, "exp": None}),
        "wrong audience": issuer.sign({**claims, "aud": "https://graph.microsoft.com"}),
        "no audience": issuer.sign({**claims, "aud": None}),
        "another authority": issuer.sign({**claims, "iss": f"https://evil.example/{TENANT}/v2.0"}),
        "another tenant's issuer": issuer.sign({**claims, "iss": f"{AUTHORITY}/{OTHER}/v2.0"}),
        "version 1.0": issuer.sign({**claims, "iss": f"https://sts.windows.net/{TENANT}/"}),
        "version 1.0 under the other's issuer": issuer.sign({**claims, **person, "ver": "1.0"}),
        "an ID token": issuer.sign({**claims, "nonce": "n", "preferred_username": AGENT}),
        "another scope": issuer.sign({**claims, "scp": "User.Read openid profile"}),
        "an audience among others'": issuer.sign(
            {**claims, **person, "aud": ["https://graph.microsoft.com"]}
        ),
        "an expiry that is no time": issuer.sign({**claims, **person, "exp": "soon"}),
        "tenant is a path": issuer.sign({**claims, "tid": "../x", "iss": f"{AUTHORITY}/../x/v2.0"}),
        "no tenant": issuer.sign({**claims, "tid": None}),
        "nobody": issuer.sign({**claims, "oid": None, "azp": None}),
        "another key of that name": Issuer(issuer.kid).sign(claims),
        "unknown key": Issuer("key-9").sign(claims),
        **{f"algorithm {name}": own_header(own, claims, alg=name) for name in ALGORITHMS},
        **{f"key id {kid!r:.20}": own_header(own, claims, kid=kid) for kid in KEY_IDS},
        "the key along with it": own_header(own, claims, jwk=own.published("")["keys"][0]),
        "the key's address along with it": own_header(
            own, claims, jku="https://evil.example/keys", x5u="https://evil"
        ),
        "a header that must be understood": own_header(own, claims, crit=["exp"], b64=False),
        "a token within a token": own_header(own, claims, cty="JWT"),
        "signature cut": genuine[:-20],
        "another payload": ".".join(
            (
                genuine.split(".")[0],
                issuer.sign({**claims, "roles": ["Operator"]}).split(".")[1],
                genuine.split(".")[2],
            )
        ),
    }


SPREAD = 7


@pytest.mark.parametrize("part", range(SPREAD))
def test_a_token_that_proves_nothing_opens_no_route(api: Api, issuer: Issuer, part: int) -> None:
    """The parts together try every token on every route."""
    for number, (what, token) in enumerate(bad_tokens(issuer).items()):
        for name, method, path in every_operation()[(part + number) % SPREAD :: SPREAD]:
            answer = api.call(method, path, token, json={})
            assert answer.status_code == 401, (what, name, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer"), (what, name)
            assert answer.headers["content-type"] == "application/problem+json", (what, name)


def test_no_body_is_read_before_the_token(api: Api) -> None:
    answer = api.put("organisation", content=b"{broken", headers={"content-type": "application/json"})
    assert answer.status_code == 401


def test_the_attacks_on_tokens_would_work_with_the_genuine_key(api: Api, issuer: Issuer) -> None:
    """Otherwise they might be refused for what is not meant."""
    claims = issuer.claims(TENANT, ("Agent", "Admin"))
    assert api.get("records", own_header(issuer, claims)).status_code == 200
    assert api.get("records", own_header(issuer, claims, kid="KEY-1")).status_code == 401


@pytest.mark.parametrize("place", ["access_token", "token", "code"])
def test_a_token_in_the_address_is_none(api: Api, issuer: Issuer, place: str) -> None:
    token = issuer.user("Admin")
    assert api.get(f"records?{place}={token}").status_code == 401
    assert api.get("records", headers={"cookie": f"{place}={token}"}).status_code == 401


def test_no_attack_on_tokens_has_the_keys_asked_for_more_than_once_a_minute(api: Api, issuer: Issuer) -> None:
    issuer.asked.clear()
    for token in bad_tokens(issuer).values():
        api.get("records", token)
    assert len(issuer.asked) <= 2
    assert all(url.startswith(AUTHORITY) for url in issuer.asked)
