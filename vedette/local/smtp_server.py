"""A mail server on 127.0.0.1 that parses the e-mails that it receives.

    with smtp_server() as received:
        cloud.mailbox.smtp = received.address
        ...
        received.mails[-1]["Subject"]

This shows that subject and text pass through SMTP unchanged. It does not show the e-mails of SNS itself.
"""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Received:
    """The received e-mails, raw and parsed."""

    address: tuple[str, int] = ("", 0)
    raw: list[bytes] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Receive one message; called by aiosmtpd."""
        self.raw.append(envelope.original_content)
        parsed = email.message_from_bytes(envelope.original_content, policy=default)
        assert isinstance(parsed, EmailMessage)  # noqa: S101 - the policy says so
        self.mails.append(parsed)
        return "250 OK"


@contextmanager
def smtp_server() -> Iterator[Received]:
    """Run a mail server until the end of the context."""
    with socket.create_server(("127.0.0.1", 0)) as free:  # the controller needs a port before it starts
        host, port = free.getsockname()
    received = Received((host, port))
    controller = Controller(received, hostname=host, port=port, enable_SMTPUTF8=False)
    controller.start()
    try:
        yield received
    finally:
        controller.stop()
