"""250 hostile texts and more, in every field that reaches subject, mail, JSON, chat or page."""

import email
import json
import re
import string
from email.policy import default as modern
from html.parser import HTMLParser

import pytest

from chalicelib.alerts import email_text, endpoint_notifications, sns_payload
from chalicelib.pages.report import MonitoredExecution, execution_report
from chalicelib.records import AlertMessage, AlertState, Deployment, FailedVersion, FleetEntry, read
from tests.alerts.factories import NOON, drift, execution, said, sent, violation
from tests.alerts.hostile_text import CORPUS

OURS = (
    "https://eu-west-1.console.aws.amazon.com/sagemaker/home?",
    "https://eu-west-1.console.aws.amazon.com/s3/object/",
)
# Written without the code under test: what a mail client would make a link of.
LIVE = re.compile(
    r"(?i)(https?|ftp|file|ldap)\s*:\s*[\\/]|www\.\w|(?<![\w\]])[\w-]+\.(com|example|io|uk)\b|(javascript|data|mailto|tel|sms):\S"
    r"|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[:/]"
)
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
PRINTABLE = set(string.printable) - set("\r\n\t\x0b\x0c")
FIELDS = ("feature", "expected", "observed", "description", "check", "package_version", "note", "reason", "approver")


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 250


def message_with(field: str, text: str) -> AlertMessage:
    """A message in which a hostile text stands where `field` is quoted."""
    if field == "note":
        return said(execution(verdict="MonitorFailed", notes=(text,)))[0]
    if field == "package_version":
        return said(execution(violation(), package_version=text))[0]
    if field in {"reason", "approver"}:
        return notice_with(field, text)
    return said(execution(violation(**{field: text}), drift("a")))[0]


def notice_with(field: str, text: str) -> AlertMessage:
    attempt = Deployment(
        endpoint="preferred-site",
        package_arn="arn:aws:sagemaker:eu-west-1:123456789012:model-package/preferred-site/2",
        package_version="2",
        config="c",
        previous_config="",
        previous_package_arn="",
        requested_at=NOON,
        state="failed",
        approver=text,
    )
    known = AlertState(endpoint="preferred-site", variant="")
    if field == "reason":
        mark = FailedVersion(
            endpoint="preferred-site", package_arn=attempt.package_arn, config="c", reason=text, at=NOON
        )
        failed = endpoint_notifications.notify_deployment_failed(known, attempt, text, mark, "version 1 is served")
        return failed.outbox[0].message
    return (
        endpoint_notifications.notify_deployed(known, FleetEntry(endpoint="preferred-site"), attempt, "")
        .outbox[0]
        .message
    )


def is_plain(text: str) -> bool:
    """Whether a text is no more than a name, which a message shows as it is: the baseline in force has it."""
    return re.fullmatch(r"(?!www)[\w .-]+", text) is not None


def without_ours(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(OURS))


@pytest.mark.parametrize("field", FIELDS)
def test_no_hostile_text_breaks_a_rule_of_sns_adds_a_line_or_shows_a_live_link(field):
    shape = None
    for text in CORPUS:
        message = sent(message_with(field, text))
        subject, body = email_text.subject(message), email_text.text(message)
        assert 0 < len(subject) < 100, text
        assert set(subject) <= PRINTABLE, text
        assert not subject.startswith(" "), text
        if field == "feature" and is_plain(text):
            body, subject = (shown.replace(text, "NAME") for shown in (body, subject))
        assert not LIVE.search(without_ours(body)), (text, LIVE.search(without_ours(body)))
        assert not LIVE.search(subject), text
        assert not FORBIDDEN.search(body), repr(text)
        assert not re.search(r"(?im)^(bcc|subject|to|x-injected):", body), text
        assert max(map(len, without_ours(body).splitlines())) < 200, text
        blocks = [block.splitlines()[0].split(":")[0] for block in body.split("\n\n")][2:]
        shape = shape or [name for name in blocks if name in {"New", "What to do", "Links"}]
        assert [name for name in blocks if name in {"New", "What to do", "Links"}] == shape, text
        _read_by_programs(message, text)


def _read_by_programs(message: AlertMessage, text: str) -> None:
    body = sns_payload.sns_message(message)
    assert len(body.encode()) < sns_payload.MAX_MESSAGE_BYTES - sns_payload.ATTRIBUTE_BYTES, text
    forms = json.loads(body)
    assert read(AlertMessage, forms["default"].encode(), "message").alert_id == message.alert_id
    assert not FORBIDDEN.search(forms["default"]), text
    chat = json.loads(forms["https"])
    for shown in (chat["content"]["title"], *chat["content"]["nextSteps"], chat["metadata"]["summary"]):
        assert not re.search(r"[<>@\n]", shown), text
    assert not re.search(r"[<>@]", chat["content"]["description"]), text
    for value in sns_payload.message_attributes(message).values():
        assert not FORBIDDEN.search(value if isinstance(value, str) else "".join(value)), text


def test_a_mail_with_any_of_them_is_parsed_into_its_own_headers_and_no_other():
    from vedette.local.mailbox import Mail

    for text in CORPUS:
        message = sent(message_with("feature", text))
        written = (
            Mail("a@example.com", email_text.subject(message), email_text.text(message), {}, NOON, "")
            .as_email()
            .as_bytes()
        )
        parsed = email.message_from_bytes(written, policy=modern)
        assert parsed["Subject"] == email_text.subject(message)
        assert parsed.get_content() == email_text.text(message)
        assert parsed["Bcc"] is None
        assert parsed["X-Injected"] is None
        assert parsed.get_content_type() == "text/plain"


class Shape(HTMLParser):
    """Which tags a page has, with the names of their attributes, and where its links lead."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: set[tuple[str, ...]] = set()
        self.links: set[str] = set()
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add((tag, *(name for name, _ in attrs)))
        self.links |= {value or "" for name, value in attrs if name in {"href", "src", "action"}}
        self.scripts += tag == "script"


def page_of(text: str) -> str:
    found = violation(text, expected=text, observed=text, description=text)
    made = execution(found, notes=(text,), rejected={text: 1})
    return execution_report(MonitoredExecution(execution=made, stage="dev", bucket="vedette-dev"), None, None).decode()


def test_the_page_shows_every_one_of_them_as_text():
    harmless = Shape(page_of("b"))
    assert harmless.tags
    for text in CORPUS:
        page = page_of(text)
        shape = Shape(page)
        assert shape.tags <= harmless.tags, (text, shape.tags - harmless.tags)
        assert shape.scripts == harmless.scripts, text
        assert not [link for link in shape.links - harmless.links if not link.startswith("#")], text
        assert not FORBIDDEN.search(page), repr(text)
    assert "ünïcödé" in page_of("ünïcödé")
