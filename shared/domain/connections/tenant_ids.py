"""What a tenant id looks like: all that the webhook asks of an organisation, so it stands by itself."""

import re


def is_tenant_id(text: str) -> bool:
    """Whether a text is an Entra tenant id: a lower-case GUID."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
