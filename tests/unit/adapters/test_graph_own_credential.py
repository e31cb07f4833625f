"""When the application's own credential ends, by its kind."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.adapters.graph.own_credential import EntraCredential
from shared.adapters.graph.tokens import Certificate, ClientSecret, ManagedIdentity
from shared.domain.errors import Rejected

ENDS = datetime(2027, 3, 1, 12, tzinfo=UTC)


def pem(ends: datetime) -> str:
    """A private key and a certificate that ends then."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, ends - timedelta(days=365), ends)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return (private + public).decode()


def test_a_certificate_says_itself_when_it_ends() -> None:
    assert EntraCredential(Certificate(pem(ENDS))).expires_at() == ENDS


def test_a_secret_ends_when_its_setting_says() -> None:
    assert EntraCredential(ClientSecret("x"), ENDS).expires_at() == ENDS
    assert EntraCredential(ClientSecret("x")).expires_at() is None


def test_an_identity_does_not_end() -> None:
    assert EntraCredential(ManagedIdentity("id")).expires_at() is None


def test_half_a_certificate_is_refused() -> None:
    with pytest.raises(Rejected):
        EntraCredential(Certificate("nothing")).expires_at()
