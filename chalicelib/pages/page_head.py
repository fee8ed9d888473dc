"""The head of a page: what is wrong, since when, and what it began with. An alert puts its own there.

| the page of                 | its head                                                              |
|-----------------------------|-----------------------------------------------------------------------|
| an execution with an alert  | that alert's, see `alerts.story`; of several the main one             |
| any other execution         | its verdict, since when, and the cause by the rule of `alerts.cause`  |

The head stands between two marks, so that an alert replaces it in the stored page. The marks cannot occur elsewhere:
a page escapes every text that it shows.
"""

from __future__ import annotations

from chalicelib.alerts import story
from chalicelib.pages import html
from chalicelib.records import AlertMessage

_BEGIN, _END = b"<!--story-->", b"<!--/story-->"


def with_alert(page: bytes, alert: AlertMessage) -> bytes:
    """The page headed with an alert; pages of earlier versions stay as they are."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        return page
    return before + html.rendered("story.html", sentence=story.headline(alert), since=story.since(alert)) + after
