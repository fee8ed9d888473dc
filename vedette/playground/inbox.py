"""The e-mails of the account, as their receivers see them: as pages, and as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from vedette.local.mailbox import SENDER, Mail
from vedette.page_templates import page_template

# The link to a report in a mail leads to the console of AWS, where there is nothing.
_CONSOLE_LINK = re.compile(r"/s3/object/(?P<bucket>[^\s?]+)\?region=[^\s&]+&prefix=(?P<key>\S+\.html)")
_REPORT = re.compile(r"monitoring/[^?#]+\.html")


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


def as_data(mails: Sequence[Mail]) -> list[dict[str, Any]]:
    """All mails, numbered in the order of arrival."""
    return [
        {
            "number": number,
            "time": mail.time.isoformat(),
            "receiver": mail.receiver,
            "subject": mail.subject,
            "text": mail.text,
        }
        for number, mail in enumerate(mails, 1)
    ]


def inbox(mails: Sequence[Mail], bucket: str, now: datetime) -> bytes:
    """The page of all mails, the newest first."""
    numbered = [(number, one, report_of(one, bucket)) for number, one in enumerate(mails, 1)]
    return page_template(__package__, "inbox.html").render(mails=numbered[::-1], now=now).encode()


def mail(mails: Sequence[Mail], number: int, bucket: str) -> bytes:
    """The page of one mail."""
    one = mails[number - 1]
    return (
        page_template(__package__, "mail.html")
        .render(mail=one, sender=SENDER, number=number, count=len(mails), report=report_of(one, bucket))
        .encode()
    )
