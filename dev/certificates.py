"""Throw-away TLS for one run: an authority, a loopback certificate, and a bundle that trusts it."""

from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the authority, the server's certificate and key, and the public authorities plus ours."""

    ca: Path
    certificate: Path
    key: Path
    bundle: Path


def make_certificates(directory: Path) -> Certificates:
    """Make a new authority and a certificate for localhost in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    files = Certificates(
        directory / "ca.pem", directory / "cert.pem", directory / "key.pem", directory / "bundle.pem"
    )
    authority = trustme.CA(organization_name="Postledger development")
    server = authority.issue_cert("localhost", "127.0.0.1", "::1", organization_name="Postledger development")
    authority.cert_pem.write_to_path(str(files.ca))
    server.private_key_pem.write_to_path(str(files.key))
    for number, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(str(files.certificate), append=number > 0)
    files.key.chmod(0o600)
    files.bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + files.ca.read_bytes())
    return files
