"""The receivers of the examples, as their public documentation describes what they accept and what they do with it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1)]
Url = Annotated[str, Meta(pattern=r"^https://\S+$")]
Strict = {"forbid_unknown_fields": True, "kw_only": True}


# --- PagerDuty: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ ------------------------------------


class PagerDutyLink(msgspec.Struct, **Strict):
    href: Url
    text: str = ""


class PagerDutyPayload(msgspec.Struct, **Strict):
    summary: Annotated[str, Meta(min_length=1, max_length=1024)]
    source: Text
    severity: Literal["critical", "error", "warning", "info"]
    timestamp: datetime
    component: str = ""
    group: str = ""
    class_: str = msgspec.field(default="", name="class")
    custom_details: dict[str, Any] = {}


class PagerDutyEvent(msgspec.Struct, **Strict):
    routing_key: Annotated[str, Meta(min_length=32, max_length=32)]
    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: Annotated[str, Meta(min_length=1, max_length=255)]
    payload: PagerDutyPayload
    client: str = ""
    client_url: Url
    links: list[PagerDutyLink] = []


class PagerDuty:
    """Open incidents by key. A trigger of an open one is appended; a resolve of none does nothing.

    Source: https://support.pagerduty.com/main/docs/event-management
    """

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.open: dict[str, list[str]] = {}  # key -> severities of its triggers

    def receive(self, event: PagerDutyEvent) -> None:
        if event.event_action == "resolve":
            self.open.pop(event.dedup_key, None)
            return
        if event.dedup_key not in self.open:
            self.opened.append(event.dedup_key)
        self.open.setdefault(event.dedup_key, []).append(event.payload.severity)


# --- Jira Service Management: https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events
# Its limits: https://docs.opsgenie.com/docs/alert-api


class JiraAlert(msgspec.Struct, **Strict):
    message: Annotated[str, Meta(min_length=1, max_length=130)]
    alias: Annotated[str, Meta(min_length=1, max_length=512)]
    description: Annotated[str, Meta(max_length=15_000)]
    entity: Annotated[str, Meta(max_length=512)]
    source: Annotated[str, Meta(max_length=100)]
    priority: Literal["P1", "P2", "P3", "P4", "P5"]
    tags: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(max_length=20)]
    details: dict[str, str]


class JiraClose(msgspec.Struct, **Strict):
    source: Annotated[str, Meta(max_length=100)]
    note: Annotated[str, Meta(max_length=25_000)]


# --- Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
# and https://docs.slack.dev/reference/block-kit/blocks


class SlackPlain(msgspec.Struct, tag_field="type", tag="plain_text", **Strict):
    text: Annotated[str, Meta(min_length=1, max_length=3000)]


class SlackMarkdown(msgspec.Struct, tag_field="type", tag="mrkdwn", **Strict):
    text: Annotated[str, Meta(min_length=1, max_length=3000)]


class SlackSection(msgspec.Struct, tag_field="type", tag="section", **Strict):
    text: SlackPlain | SlackMarkdown


class SlackContext(msgspec.Struct, tag_field="type", tag="context", **Strict):
    elements: Annotated[list[SlackPlain | SlackMarkdown], Meta(min_length=1, max_length=10)]


class SlackMessage(msgspec.Struct, **Strict):
    text: Annotated[str, Meta(min_length=1, max_length=40_000)]
    blocks: Annotated[list[SlackSection | SlackContext], Meta(max_length=50)]


# --- Teams: https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook
# and https://adaptivecards.io/explorer/RichTextBlock.html


class TeamsRun(msgspec.Struct, tag_field="type", tag="TextRun", rename="camel", **Strict):
    text: str
    weight: Literal["Lighter", "Default", "Bolder"] = "Default"
    is_subtle: bool = False


class TeamsBlock(msgspec.Struct, tag_field="type", tag="RichTextBlock", **Strict):
    inlines: Annotated[list[TeamsRun], Meta(min_length=1)]


class TeamsLink(msgspec.Struct, tag_field="type", tag="Action.OpenUrl", **Strict):
    title: Text
    url: Url


class TeamsCard(msgspec.Struct, tag_field="type", tag="AdaptiveCard", **Strict):
    schema: Literal["http://adaptivecards.io/schemas/adaptive-card.json"] = msgspec.field(name="$schema")
    version: Literal["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]
    body: list[TeamsBlock]
    actions: list[TeamsLink]


class TeamsAttachment(msgspec.Struct, rename="camel", **Strict):
    content_type: Literal["application/vnd.microsoft.card.adaptive"]
    content: TeamsCard


class TeamsMessage(msgspec.Struct, tag_field="type", tag="message", **Strict):
    attachments: Annotated[list[TeamsAttachment], Meta(min_length=1)]
