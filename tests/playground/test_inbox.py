"""The pages of the inbox: each mail as it is, the newest first, and links to nothing but reports of the stage."""

from datetime import UTC, datetime

import pytest
from markupsafe import escape

from tests.pages.samples import HOSTILE
from vedette.local.mailbox import Mail
from vedette.playground import inbox

BUCKET = "vedette-local-1"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
KEY = "monitoring/churn/AllTraffic/2026-11-22T09-00Z_60m/1/0001/report.html"


def mail(subject: str = "[critical] churn", text: str = "text", **attributes: str) -> Mail:
    return Mail("you@example.com", subject, text, attributes, NOW, "arn:aws:sns:eu-west-1:1:t")


def link(bucket: str = BUCKET, key: str = KEY) -> str:
    return f"https://eu-west-1.console.aws.amazon.com/s3/object/{bucket}?region=eu-west-1&prefix={key}"


def test_the_newest_mail_is_first_and_each_leads_to_its_page():
    mails = inbox.shown([mail("first"), mail("second")], BUCKET)
    page = inbox.inbox(mails, NOW).decode()
    assert page.index('/_vedette/mails/2">second') < page.index('/_vedette/mails/1">first')
    assert "second" in inbox.mail(mails, 2).decode()


def test_an_empty_inbox_says_how_a_mail_arrives():
    assert "vedette local send bad" in inbox.inbox([], NOW).decode()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_text(text):
    mails = inbox.shown([mail(text, text, kind=text)], BUCKET)
    for page in (inbox.inbox(mails, NOW), inbox.mail(mails, 1)):
        assert page.decode().count(escape(text)) >= 2
        assert "<" not in text or text not in page.decode()


@pytest.mark.parametrize(
    ("text", "report"),
    [
        (f"Report\n  {link()}\n", KEY),
        (link(key="monitoring/a%20b/report.html"), "monitoring/a b/report.html"),
        (link(bucket="another"), ""),
        (link(key="data-capture/churn/x.html"), ""),
        (link(key="monitoring/churn/statistics.json"), ""),
        ("no link", ""),
    ],
)
def test_a_report_of_the_stage_is_linked_and_nothing_else(text, report):
    assert inbox.report_of(mail(text=text), BUCKET) == report


@pytest.mark.parametrize(
    ("attributes", "tone"),
    [
        ({"severity": "critical", "state": "new"}, "bad"),
        ({"severity": "warning"}, "poor"),
        ({"severity": "critical", "state": "recovered"}, "good"),
        ({}, ""),
    ],
)
def test_a_mail_looks_as_its_severity_and_a_recovery_looks_good(attributes, tone):
    (one,) = inbox.shown([mail(**attributes)], BUCKET)
    assert one.tone == tone
