"""The control calls about the submission server beside the simulator: what left by it, and what it says next."""

from collections.abc import Callable

from dev.simulator.control_weather import Refusal
from dev.simulator.smtp_sink import Sink

Given = dict[str, object]


class SmtpControl:
    """Raises Refusal where there is no such server on this machine."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink

    @property
    def calls(self) -> dict[tuple[str, str], Callable[[Given], object]]:
        return {
            ("GET", "smtp_outbound"): self.get_outbound,
            ("DELETE", "smtp_outbound"): self.delete_outbound,
            ("PUT", "smtp"): self.put,
        }

    @property
    def sink(self) -> Sink:
        if self._sink is None:
            raise Refusal("There is no submission server: it stands beside an IMAP server; install Dovecot.")
        return self._sink

    def get_outbound(self, _: Given) -> object:
        """Every mail that it took, with its envelope, in order."""
        return self.sink.taken

    def delete_outbound(self, _: Given) -> object:
        self.sink.taken.clear()
        return {}

    def put(self, given: Given) -> object:
        """`rcpt`: replies by recipient; `answers`: replies behind the next mails; `files_sent_copy`."""
        replies, recipients = given.get("answers") or [], given.get("rcpt") or {}
        if not isinstance(replies, list) or not isinstance(recipients, dict):
            raise Refusal("'answers' is a list of replies, 'rcpt' maps recipients to replies.")
        sink = self.sink
        sink.replies = [str(reply) for reply in replies]
        sink.recipients = {str(address).lower(): str(reply) for address, reply in recipients.items()}
        sink.files_sent_copy = bool(given.get("files_sent_copy"))
        return {"files_sent_copy": sink.files_sent_copy}
