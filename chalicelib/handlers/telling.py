"""Tell a person once: change the alert book under a condition, publish what it owes, mark it.

| input                                              | handled                                                     |
|----------------------------------------------------|-------------------------------------------------------------|
| a decision that changes the book                   | one conditional write; on a conflict it is decided anew     |
| a message that is owed                             | leased by that same write, published, marked, one at a time |
| a message that another invocation holds            | NotReady: a later delivery takes it over if that one dies   |
| topic gone, nobody subscribed, key or role refused | metric, error log, the reason in the book; the sweep repeats|
| SNS throttles or fails                             | the others are sent; then the error rises                   |
| an endpoint of a team with a topic of its own      | goes there; a team that the stage does not know: metric,    |
|                                                    | error log, the stage's default topic                        |
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from chalicelib.alerts import email_text, outbox, sns_payload
from chalicelib.aws import messages, store, table
from chalicelib.errors import NotReady, Undeliverable
from chalicelib.observability import count, logger
from chalicelib.records import AlertMessage, AlertState, OutboxMessage
from chalicelib.settings import settings

TRIES = 4
MOST_REFUSALS = 5  # of one run: the messages of a book go to one topic, and the sweep comes again
Decision = Callable[[AlertState], AlertState]


def tell(endpoint: str, variant: str, decide: Decision) -> list[str]:
    """Apply a decision to the alert book of an endpoint and variant, and send what it then owes; the ids sent.

    Raises
    ------
    NotReady
        When another invocation holds the lease on a message.
    """
    sent: list[str] = []
    tried: set[str] = set()
    failed: list[Exception] = []
    refusals = 0
    while True:
        book, held = _leased(endpoint, variant, decide)
        if held is None:
            break
        tried.add(held.alert_id)
        try:
            _publish(held.message)
        except Undeliverable as error:
            count("AlertsUndelivered")
            logger.error(
                "an alert could not be published",
                endpoint=endpoint,
                alert_id=held.alert_id,
                tries=held.attempts,
                reason=str(error),
            )
            decide = partial(outbox.record_failure, alert_id=held.alert_id, reason=str(error))
            refusals += 1
            if refusals == MOST_REFUSALS:
                book = note(endpoint, variant, decide)
                break
        except Exception as error:  # noqa: BLE001 - it rises below, after the other messages were sent
            failed.append(error)
            decide = _nothing
        else:
            count("AlertsSent")
            sent.append(held.alert_id)
            decide = partial(outbox.acknowledge, alert_id=held.alert_id)
    if failed:
        raise failed[0]
    if not refusals and any(message.alert_id not in tried and not message.last_error for message in book.outbox):
        raise NotReady(f"A message about {endpoint} is being sent by another invocation.")
    return sent


def deliver(endpoint: str, variant: str) -> list[str]:
    """Send what the book owes, message by message; the ids sent."""
    return tell(endpoint, variant, _nothing)


def note(endpoint: str, variant: str, decide: Decision) -> AlertState:
    """Apply a decision to the alert book; nothing is sent. `decide` is pure and may run more than once."""
    pk, sk = table.endpoint_key(endpoint), f"alerts#{variant}"
    for _ in range(TRIES):
        stored, revision = table.get_item(AlertState, pk, sk)
        book = stored or AlertState(endpoint=endpoint, variant=variant)
        changed = decide(book)
        if changed == book or table.put_item(changed, pk, sk, revision):
            return changed
    raise NotReady(f"The alert book of {endpoint} is being changed by others.")


def _nothing(book: AlertState) -> AlertState:
    return book


def _leased(endpoint: str, variant: str, decide: Decision) -> tuple[AlertState, OutboxMessage | None]:
    """Apply a decision, and take a lease on the next message that is owed, in one write."""
    held: OutboxMessage | None = None

    def step(book: AlertState) -> AlertState:
        nonlocal held
        changed, held = outbox.lease_next(decide(book), datetime.now(UTC))
        return changed

    return note(endpoint, variant, step), held


def _publish(owed: AlertMessage) -> None:
    entry = store.fleet().entry(owed.endpoint)
    team = entry.team if entry else ""
    place = sns_payload.Installation(
        settings().stage, settings().bucket, settings().region, settings().account, settings().partition
    )
    message = sns_payload.with_routing(owed, team, place)
    body = sns_payload.sns_message(message)
    messages.publish(
        _topic(team, owed.endpoint), email_text.subject(message), body, sns_payload.message_attributes(message)
    )


def _topic(team: str, endpoint: str) -> str:
    """The topic of a team; an alert of a team without one still reaches somebody."""
    topic = settings().topic_of(team)
    if team and topic is None and settings().topics:
        count("UnknownTeams")
        logger.error(
            "the stage allows this team no topic; its alert goes to the default topic", team=team, endpoint=endpoint
        )
    return topic or settings().topic_arn
