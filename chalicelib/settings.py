"""Where an installation lives: the stage's environment variables as one frozen value.

VEDETTE_STAGE            dev, prod, ...: names the table and the source of our own events
VEDETTE_BUCKET           the stage's bucket
VEDETTE_TABLE            the stage's DynamoDB table
VEDETTE_TOPIC_ARN        the topic for alerts; its account and region are the ones whose events are accepted
VEDETTE_INCIDENTS_TOPIC_ARN  the topic for machines, one message for each incident (optional; without it, machines get
                         the events on the bus alone)
VEDETTE_TOPICS           the topics of teams: "team=arn" separated by commas (optional; every other team's alerts go to
                         VEDETTE_TOPIC_ARN); the topic of the reserved team "deployments" takes every message
                         about a deployment, of whichever team
VEDETTE_ROLE_ARN         the execution role given to models that Vedette creates (only needed to deploy)
VEDETTE_CAPTURE_SOURCES  other places where endpoints capture: "bucket/prefix" separated by commas (optional)
VEDETTE_GROUND_TRUTH_SOURCES  other places of labels: "bucket/prefix" separated by commas (optional)
VEDETTE_RUNBOOK_URL      the page that an alert links for the person on call (optional)
VEDETTE_TEAM_RUNBOOKS    those of teams: "team=https://..." separated by commas (optional)
VEDETTE_DIGEST           the time of the daily digest of every team, in UTC: "07:00", or "off" (optional)
VEDETTE_TEAM_DIGESTS     those of teams: "team=07:00" separated by commas (optional)
VEDETTE_IMAGE_ACCOUNTS   accounts whose ECR registries a deployed image may come from, separated by commas (optional;
                         without it, any registry that the execution role may pull from)
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from chalicelib.errors import MissingSetting
from chalicelib.locations import CAPTURE_PREFIX, GROUND_TRUTH_PREFIX

TOPIC_ARN = re.compile(r"arn:aws[\w-]*:sns:(?P<region>[\w-]+):(?P<account>\d{12}):[\w-]{1,256}")

DEPLOYMENTS = "deployments"  # the reserved team whose topic takes the messages about deployments

ACCOUNT = re.compile(r"[0-9]{12}")
NO_DIGEST = "off"
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# No user name, which hides the host; no comma, which separates the URLs of teams; printable ASCII of at most 500.
RUNBOOK_URL = re.compile(
    r"https://[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?"
    r"(?:[/?#][a-zA-Z0-9/?#._~:@!$&()*+;=%-]{0,500})?"
)

VARIABLES = (  # of the environment, that `from_environment` reads
    *("VEDETTE_STAGE", "VEDETTE_BUCKET", "VEDETTE_TABLE", "VEDETTE_TOPIC_ARN", "VEDETTE_INCIDENTS_TOPIC_ARN"),
    *("VEDETTE_TOPICS", "VEDETTE_ROLE_ARN", "VEDETTE_CAPTURE_SOURCES", "VEDETTE_GROUND_TRUTH_SOURCES"),
    *("VEDETTE_RUNBOOK_URL", "VEDETTE_TEAM_RUNBOOKS", "VEDETTE_DIGEST", "VEDETTE_TEAM_DIGESTS"),
    "VEDETTE_IMAGE_ACCOUNTS",
)


@dataclass(frozen=True)
class Settings:
    """One stage of one installation."""

    stage: str
    bucket: str
    table: str
    topic_arn: str
    role_arn: str
    region: str
    account: str
    capture_sources: tuple[tuple[str, str], ...] = ()
    image_accounts: tuple[str, ...] = ()
    topics: tuple[tuple[str, str], ...] = ()  # team and topic
    runbook_url: str = ""
    team_runbooks: tuple[tuple[str, str], ...] = ()  # team and URL
    incidents_topic_arn: str = ""
    digest: str = ""  # HH:MM in UTC; "" and "off" are none
    team_digests: tuple[tuple[str, str], ...] = ()  # team and time
    ground_truth_sources: tuple[tuple[str, str], ...] = ()

    @property
    def event_source(self) -> str:
        """The EventBridge source of our own events."""
        return f"vedette.{self.stage}"

    @property
    def partition(self) -> str:
        """The partition: aws, aws-cn, aws-us-gov."""
        return self.topic_arn.split(":")[1]

    def topic_of(self, team: str) -> str | None:
        """The topic of a team; None when the stage does not allow it one."""
        return dict(self.topics).get(team)

    def lacks_topic_of(self, team: str) -> bool:
        """Whether a team has no topic, in a stage that gives topics to teams; without those, a team is a label."""
        of_teams = [name for name, _ in self.topics if name != DEPLOYMENTS]
        return bool(team) and bool(of_teams) and self.topic_of(team) is None

    def runbook_of(self, team: str) -> str:
        """The runbook of a team, else that of the stage; "" without one."""
        return dict(self.team_runbooks).get(team) or self.runbook_url

    def digest_of(self, team: str) -> str:
        """The time of a team's daily digest, as "07:00" in UTC, else that of the stage; "" without one."""
        at = dict(self.team_digests).get(team) or self.digest
        return "" if at == NO_DIGEST else at

    @property
    def capture_places(self) -> tuple[tuple[str, str], ...]:
        """Bucket and key prefix of every place where endpoints capture, the stage's own bucket first."""
        return ((self.bucket, f"{CAPTURE_PREFIX}/"), *self.capture_sources)

    def names_place(self, bucket: str, key: str) -> bool:
        """Whether a key, or a prefix, of a bucket lies in one of these places: the functions may read nothing else."""
        return any(bucket == at and key.startswith(prefix) for at, prefix in self.capture_places)

    @property
    def ground_truth_places(self) -> tuple[tuple[str, str], ...]:
        """Bucket and key prefix of every place of labels, the stage's own bucket first."""
        return ((self.bucket, f"{GROUND_TRUTH_PREFIX}/"), *self.ground_truth_sources)

    def names_ground_truth(self, bucket: str, key: str) -> bool:
        """Whether a key, or a prefix, of a bucket lies in a place of labels: the functions may read no others."""
        return any(bucket == at and key.startswith(prefix) for at, prefix in self.ground_truth_places)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings of a stage.

    Raises
    ------
    MissingSetting
        Naming the variable, when one is missing or has the wrong form.

    Examples
    --------
    >>> settings = from_environment({
    ...     "VEDETTE_STAGE": "dev", "VEDETTE_BUCKET": "b", "VEDETTE_TABLE": "vedette-dev",
    ...     "VEDETTE_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:vedette-dev"})
    >>> settings.region, settings.account, settings.event_source
    ('eu-west-1', '123456789012', 'vedette.dev')
    """

    def needed(name: str) -> str:
        value = environment.get(name, "").strip()
        if not value:
            raise MissingSetting(
                f"The environment variable {name} is missing: set it for this stage in .chalice/config.json."
            )
        return value

    topic_arn = needed("VEDETTE_TOPIC_ARN")
    topic = TOPIC_ARN.fullmatch(topic_arn)
    if topic is None:
        raise MissingSetting(f"VEDETTE_TOPIC_ARN is not the ARN of an SNS topic: {topic_arn!r}.")
    return Settings(
        stage=needed("VEDETTE_STAGE"),
        bucket=needed("VEDETTE_BUCKET"),
        table=needed("VEDETTE_TABLE"),
        topic_arn=topic_arn,
        role_arn=environment.get("VEDETTE_ROLE_ARN", "").strip(),
        region=topic["region"],
        account=topic["account"],
        capture_sources=_sources(environment.get("VEDETTE_CAPTURE_SOURCES", "")),
        ground_truth_sources=_label_sources(environment.get("VEDETTE_GROUND_TRUTH_SOURCES", "")),
        image_accounts=_accounts(environment.get("VEDETTE_IMAGE_ACCOUNTS", "")),
        topics=_topics(environment.get("VEDETTE_TOPICS", ""), topic["region"]),
        runbook_url=_runbook("VEDETTE_RUNBOOK_URL", environment.get("VEDETTE_RUNBOOK_URL", "").strip()),
        team_runbooks=_team_runbooks(environment.get("VEDETTE_TEAM_RUNBOOKS", "")),
        digest=_digest_time("VEDETTE_DIGEST", environment.get("VEDETTE_DIGEST", "").strip()),
        team_digests=_team_digests(environment.get("VEDETTE_TEAM_DIGESTS", "")),
        incidents_topic_arn=_incidents_topic(environment.get("VEDETTE_INCIDENTS_TOPIC_ARN", ""), topic["region"]),
    )


def _incidents_topic(text: str, region: str) -> str:
    topic = TOPIC_ARN.fullmatch(text.strip())
    if text.strip() and (topic is None or topic["region"] != region):
        raise MissingSetting(f"VEDETTE_INCIDENTS_TOPIC_ARN is not the ARN of an SNS topic in {region}: {text!r}.")
    return text.strip()


def _sources(text: str) -> tuple[tuple[str, str], ...]:
    places = [place.strip().partition("/") for place in text.split(",") if place.strip()]
    return tuple((bucket, prefix) for bucket, _, prefix in places)


def _label_sources(text: str) -> tuple[tuple[str, str], ...]:
    sources = _sources(text)
    for bucket, prefix in sources:
        if (
            not prefix
        ):  # the rule of labels matches every object below a prefix, and would match all that Vedette writes
            raise MissingSetting(f"VEDETTE_GROUND_TRUTH_SOURCES holds {bucket!r}, which is a bucket without a prefix.")
    return sources


def _accounts(text: str) -> tuple[str, ...]:
    accounts = tuple(account.strip() for account in text.split(",") if account.strip())
    for account in accounts:
        if not ACCOUNT.fullmatch(account):
            raise MissingSetting(f"VEDETTE_IMAGE_ACCOUNTS holds {account!r}, which is not an account of twelve digits.")
    return accounts


def _topics(text: str, region: str) -> tuple[tuple[str, str], ...]:
    topics = []
    for given in filter(None, (part.strip() for part in text.split(","))):
        team, _, arn = (part.strip() for part in given.partition("="))
        topic = TOPIC_ARN.fullmatch(arn)
        if not team or topic is None or topic["region"] != region:
            raise MissingSetting(f"VEDETTE_TOPICS holds {given!r}, which is not team=ARN of an SNS topic in {region}.")
        topics.append((team, arn))
    return tuple(topics)


def is_runbook_url(text: str) -> bool:
    """Whether a text is an https URL without blanks, quotes and commas, as an alert may link it.

    Examples
    --------
    >>> [is_runbook_url(text) for text in ("https://wiki.example.com/ml?id=3", "http://x.com", "https://u@x.com/")]
    [True, False, False]
    """
    return RUNBOOK_URL.fullmatch(text) is not None


def _runbook(name: str, url: str) -> str:
    if url and not is_runbook_url(url):
        raise MissingSetting(f"{name} holds {url!r}, which is not an https URL of a runbook.")
    return url


def _team_runbooks(text: str) -> tuple[tuple[str, str], ...]:
    named = (part.strip().partition("=") for part in text.split(",") if part.strip())
    return tuple((team.strip(), _runbook("VEDETTE_TEAM_RUNBOOKS", url.strip() or "nothing")) for team, _, url in named)


def is_digest_time(text: str) -> bool:
    """Whether a text is a time of the day, or `off`.

    Examples
    --------
    >>> [is_digest_time(text) for text in ("07:00", "off", "7:00", "24:00")]
    [True, True, False, False]
    """
    return text == NO_DIGEST or TIME.fullmatch(text) is not None


def _digest_time(name: str, text: str) -> str:
    if text and not is_digest_time(text):
        raise MissingSetting(f"{name} holds {text!r}, which is neither a time like 07:00 nor off.")
    return text


def _team_digests(text: str) -> tuple[tuple[str, str], ...]:
    named = (part.strip().partition("=") for part in text.split(",") if part.strip())
    return tuple((team.strip(), _digest_time("VEDETTE_TEAM_DIGESTS", at.strip() or "nothing")) for team, _, at in named)


@cache
def settings() -> Settings:
    """The settings of this process, read on first use."""
    return from_environment(os.environ)
