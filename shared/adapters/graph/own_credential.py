"""When the application's own credential ends: read off the certificate, or told beside the client secret."""

from dataclasses import dataclass
from datetime import datetime

from shared.adapters.graph.tokens import Certificate, Credential, client_credential


@dataclass(frozen=True, slots=True)
class EntraCredential:
    """`secret_expires_at` stands beside a client secret, which does not say it itself."""

    credential: Credential
    secret_expires_at: datetime | None = None

    def expires_at(self) -> datetime | None:
        """Raises Rejected for a PEM that cannot serve as a certificate."""
        return _ends(self.credential) if isinstance(self.credential, Certificate) else self.secret_expires_at


def _ends(certificate: Certificate) -> datetime:
    from cryptography.x509 import load_pem_x509_certificate

    parts = client_credential(certificate)
    assert isinstance(parts, dict)
    return load_pem_x509_certificate(parts["public_certificate"].encode()).not_valid_after_utc
