"""Tokens as Entra issues them, and refusals in its words; msal is the client."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dev.processes import PATIENCE
from dev.simulator.serve import Simulator, running_simulator
from tests.simulator.conftest import TENANT, token_for

pytestmark = pytest.mark.stack
SCOPE = ["https://graph.microsoft.com/.default"]
NEVER_CONSENTED = "22222222-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def certificate() -> tuple[str, str]:
    """(private key, certificate) in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "application")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    issued = builder.sign(key, hashes.SHA256())
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain).decode()
    return private, issued.public_bytes(encoding).decode()


@pytest.fixture(scope="module")
def simulator(certificate: tuple[str, str]) -> Iterator[Simulator]:
    with running_simulator(client_certificate=certificate[1]) as running:
        running.control.organisations(TENANT, "contoso.example")
        running.control.organisations(NEVER_CONSENTED, "shy.example", consented=False)
        running.control.users(TENANT, "bob@contoso.example", "Bob", roles=["Agent"])
        yield running


def acquire(simulator: Simulator, credential: object, tenant: str = TENANT) -> dict:
    app = msal.ConfidentialClientApplication(
        simulator.client_id,
        client_credential=credential,
        authority=f"{simulator.url}/{tenant}",
        instance_discovery=False,
        verify=simulator.ca_file,
    )
    return app.acquire_token_for_client(SCOPE)


@pytest.fixture(autouse=True)
def only_our_authority(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)


def test_msal_gets_a_token_with_roles_by_secret(simulator: Simulator) -> None:
    token = acquire(simulator, simulator.client_secret)["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["tid"], claims["appid"], claims["aud"]) == (
        TENANT,
        simulator.client_id,
        "https://graph.microsoft.com",
    )
    assert "Mail.ReadWrite" in claims["roles"]


def test_msal_gets_a_token_by_certificate(simulator: Simulator, certificate: tuple[str, str]) -> None:
    private, public = certificate
    assert "access_token" in acquire(simulator, {"private_key": private, "public_certificate": public})


def test_msal_gets_a_token_by_certificate_with_the_old_thumbprint(
    simulator: Simulator, certificate: tuple[str, str]
) -> None:
    thumbprint = x509.load_pem_x509_certificate(certificate[1].encode()).fingerprint(hashes.SHA1()).hex()
    assert "access_token" in acquire(simulator, {"private_key": certificate[0], "thumbprint": thumbprint})


def test_a_key_that_does_not_fit_the_certificate_is_refused(
    simulator: Simulator, certificate: tuple[str, str]
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    answer = acquire(simulator, {"private_key": private, "public_certificate": certificate[1]})
    assert answer["error"] == "invalid_client"


def managed_identity_token(simulator: Simulator, resource: str) -> str:
    answer = requests.get(
        f"{simulator.url}/msi/token",
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"x-identity-header": "any"},
        verify=simulator.ca_file,
        timeout=PATIENCE,
    )
    return answer.json()["access_token"]


def test_msal_gets_a_token_by_the_assertion_of_a_managed_identity(simulator: Simulator) -> None:
    def assertion() -> str:
        return managed_identity_token(simulator, "api://AzureADTokenExchange")

    assert "access_token" in acquire(simulator, {"client_assertion": assertion})


def test_a_managed_identity_token_for_something_else_is_no_assertion(simulator: Simulator) -> None:
    wrong = managed_identity_token(simulator, "https://storage.azure.com")
    assert acquire(simulator, {"client_assertion": wrong})["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("tenant", "form", "code"),
    [
        ("99999999-2222-4333-8444-555555555555", {}, "AADSTS90002"),
        (NEVER_CONSENTED, {}, "AADSTS700016"),
        (TENANT, {"client_secret": "wrong"}, "AADSTS7000215"),
        (TENANT, {"scope": "https://graph.microsoft.us/.default"}, "AADSTS500011"),
        (TENANT, {"client_id": "another", "grant_type": "refresh_token"}, "AADSTS700016"),
    ],
)
def test_refusals_carry_the_code_of_entra(
    simulator: Simulator, tenant: str, form: dict[str, str], code: str
) -> None:
    answer = token_for(simulator, tenant, **form)
    assert answer.status_code in (400, 401)
    assert answer.json()["error_description"].startswith(f"{code}:")
    assert answer.json()["error_codes"] == [int(code.removeprefix("AADSTS"))]


def test_an_api_token_of_a_user_verifies_against_the_published_keys(simulator: Simulator) -> None:
    token = simulator.control.tokens(TENANT, "bob@contoso.example")
    discovery = requests.get(
        f"{simulator.url}/{TENANT}/v2.0/.well-known/openid-configuration",
        verify=simulator.ca_file,
        timeout=PATIENCE,
    ).json()
    published = requests.get(discovery["jwks_uri"], verify=simulator.ca_file, timeout=PATIENCE).json()
    key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key.key, algorithms=["RS256"], audience=simulator.client_id, issuer=discovery["issuer"]
    )
    assert (claims["tid"], claims["scp"], claims["roles"]) == (TENANT, "access_as_user", ["Agent"])
    assert claims["preferred_username"] == "bob@contoso.example"


def test_an_app_only_token_says_so(simulator: Simulator) -> None:
    token = simulator.control.tokens(TENANT, client_id="crm-back-end", roles=["Service"])
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["idtyp"], claims["azp"], claims["roles"]) == ("app", "crm-back-end", ["Service"])
    assert "scp" not in claims


def test_a_token_can_be_minted_already_expired(simulator: Simulator) -> None:
    token = simulator.control.tokens(TENANT, "bob@contoso.example", expires_in=-60)
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, options={"verify_signature": False, "verify_exp": True, "verify_aud": False})


def test_consent_given_in_the_browser_lets_the_application_in(simulator: Simulator) -> None:
    tenant = "33333333-2222-4333-8444-555555555555"
    simulator.control.organisations(tenant, "new.example", consented=False)
    assert token_for(simulator, tenant).status_code == 400
    answer = requests.get(
        f"{simulator.url}/{tenant}/v2.0/adminconsent",
        params={"client_id": simulator.client_id, "redirect_uri": "https://app.example/back", "state": "s1"},
        allow_redirects=False,
        verify=simulator.ca_file,
        timeout=PATIENCE,
    )
    assert "admin_consent=True" in answer.headers["location"]
    assert "state=s1" in answer.headers["location"]
    assert token_for(simulator, tenant).status_code == 200
