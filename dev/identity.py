"""The made-up ids and keys of a local deployment: new for each run, or kept in a data directory."""

import json
import secrets
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from dev.processes import write_json


@dataclass(frozen=True, slots=True)
class Identity:
    """What a deployment would get from Entra ID and its key vault."""

    home_tenant_id: str
    client_id: str
    client_secret: str
    hash_key: str
    code_key: str
    token_key: str

    @classmethod
    def new(cls) -> "Identity":
        key = secrets.token_hex
        ids = str(uuid.uuid4()), str(uuid.uuid4())
        return cls(*ids, key(24), hash_key=key(32), code_key=key(32), token_key=key(32))


def identity_for(data_dir: Path | None) -> Identity:
    """A new identity, or the one that `data_dir`/up.json keeps; what it lacks is made and kept there."""
    if data_dir is None:
        return Identity.new()
    file = data_dir / "up.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    identity = Identity(**{**asdict(Identity.new()), **kept})
    if asdict(identity) == kept:
        return identity
    write_json(file, asdict(identity))
    file.chmod(0o600)
    return identity
