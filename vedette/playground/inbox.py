"""The e-mails of the account, as their receivers see them: as pages, and as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from vedette.local.mailbox import SENDER, Mail
from vedette.page_templates import page_template

# The link to a report in a mail leads to the console of AWS, where there is nothing.
_CONSOLE_LINK = re.compile(r"/s3/object/(?P<bucket>[^\s?]+)\?region=[^\s&]+&prefix=(?P<key>\S+\.html)")
_REPORT = re.compile(r"monitoring/[^?#]+\.html")
_TONES = {"critical": "bad", "warning": "poor"}


@dataclass(frozen=True)
class ShownMail:
    """A mail of the inbox: its number in the order of arrival, and the key of the report page that it links, if any."""

    number: int
    mail: Mail
    report: str

    @property
    def kind(self) -> str:
        """What the mail is about, such as `violations`."""
        return self.mail.attributes.get("kind", "mail")

    @property
    def tone(self) -> str:
        """How it looks: bad, poor, good, or neither."""
        if self.mail.attributes.get("state") == "recovered":
            return "good"
        return _TONES.get(self.mail.attributes.get("severity", ""), "")


def shown(mails: Sequence[Mail], bucket: str) -> list[ShownMail]:
    """All mails, in the order of arrival."""
    return [ShownMail(number, mail, report_of(mail, bucket)) for number, mail in enumerate(mails, 1)]


def is_report(key: str) -> bool:
    """Whether a key of the stage's bucket is that of a page that the functions wrote.

    Examples
    --------
    >>> is_report("monitoring/churn/AllTraffic/2026/11/22/10/report.html"), is_report("data-capture/churn/x.html")
    (True, False)
    """
    return _REPORT.fullmatch(key) is not None


def report_of(mail: Mail, bucket: str) -> str:
    """The key of the report page that a mail links; "" if it links none."""
    found = _CONSOLE_LINK.search(mail.text)
    key = unquote(found["key"]) if found and found["bucket"] == bucket else ""
    return key if is_report(key) else ""


def as_data(mails: Sequence[ShownMail]) -> list[dict[str, Any]]:
    """Mails as JSON has them."""
    return [
        {
            "number": one.number,
            "time": one.mail.time.isoformat(),
            "receiver": one.mail.receiver,
            "subject": one.mail.subject,
            "text": one.mail.text,
        }
        for one in mails
    ]


def inbox(mails: Sequence[ShownMail], now: datetime) -> bytes:
    """The page of all mails, the newest first."""
    return page_template(__package__, "inbox.html").render(mails=mails[::-1], now=now).encode()


def mail(mails: Sequence[ShownMail], number: int) -> bytes:
    """The page of one mail."""
    template = page_template(__package__, "mail.html")
    return template.render(one=mails[number - 1], sender=SENDER, count=len(mails)).encode()
