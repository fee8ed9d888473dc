"""What a page shares with its alert: what is wrong, since when, what it began with, and what to do.

| the page of                 | its head                                                              |
|-----------------------------|-----------------------------------------------------------------------|
| an execution with an alert  | that alert's, see `alerts.story`; of several the main one             |
| any other execution         | its verdict, since when, and the cause by the rule of `alerts.cause`  |

Head and steps each stand between two marks, so that an alert replaces them in the stored page. The marks cannot occur
elsewhere: a page escapes every text that it shows.
"""

from __future__ import annotations

from chalicelib.alerts import email_text, story
from chalicelib.pages import html
from chalicelib.records import AlertMessage


def with_alert(page: bytes, alert: AlertMessage) -> bytes:
    """The page with the head and the steps of an alert; pages of earlier versions keep what they have no marks for."""
    page = _replaced(
        page, b"story", html.rendered("story.html", sentence=story.headline(alert), since=story.since(alert))
    )
    return _replaced(page, b"steps", html.rendered("steps.html", steps=email_text.steps(alert)))


def _replaced(page: bytes, name: bytes, content: bytes) -> bytes:
    """The page with other content between the marks of this name, which the content brings along."""
    before, begin, rest = page.partition(b"<!--" + name + b"-->")
    _, end, after = rest.partition(b"<!--/" + name + b"-->")
    return before + content + after if begin and end else page
