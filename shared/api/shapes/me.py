"""The person who calls, in JSON."""

from shared.api.models.me import MeModel
from shared.services.sending.me import Me


def me(found: Me) -> MeModel:
    return MeModel.model_validate(
        {
            "address": found.caller.address,
            "name": found.name,
            "roles": sorted(found.caller.roles),
            "organisation": {"name": found.organisation.name, "state": found.organisation.state},
            "mailboxes": [
                {"address": mailbox.address, "kind": mailbox.kind, "state": mailbox.shown_state}
                for mailbox in found.mailboxes
            ],
            "senders": [
                {"address": sender.address, "default": sender.default, "why": sender.why}
                for sender in found.senders
            ],
            "notices": found.notices,
            "signature": found.signature,
        }
    )
