"""Tell a person once: change the alert book under a condition, publish what it owes, mark it.

| input                                              | handled                                                     |
|----------------------------------------------------|-------------------------------------------------------------|
| a decision that changes the book                   | one conditional write; on a conflict it is decided anew     |
| a message that is owed                             | leased, published, marked, one at a time                    |
| a message that another invocation holds            | NotReady: a later delivery takes it over if that one dies   |
| a message that SNS refuses                         | the others are sent; then the error rises                   |
"""

from collections.abc import Callable
from datetime import UTC, datetime

from chalicelib.alerts import outbox
from chalicelib.alerts.message import sns_message
from chalicelib.aws import messages, table
from chalicelib.errors import NotReady
from chalicelib.observability import count
from chalicelib.records import AlertBook, OutboxMessage

TRIES = 4


def tell(endpoint: str, variant: str, decide: Callable[[AlertBook], AlertBook]) -> list[str]:
    """Apply a decision to the alert book of an endpoint and variant, and send what it then owes; the ids sent.

    Raises
    ------
    NotReady
        When another invocation holds the lease on a message.
    """
    note(endpoint, variant, decide)
    return deliver(endpoint, variant)


def note(endpoint: str, variant: str, decide: Callable[[AlertBook], AlertBook]) -> AlertBook:
    """Apply a decision to the alert book; nothing is sent. `decide` is pure and may run more than once."""
    pk, sk = table.endpoint_key(endpoint), f"alerts#{variant}"
    for _ in range(TRIES):
        stored, revision = table.get_item(AlertBook, pk, sk)
        book = stored or AlertBook(endpoint=endpoint, variant=variant)
        changed = decide(book)
        if changed == book or table.put_item(changed, pk, sk, revision):
            return changed
    raise NotReady(f"The alert book of {endpoint} is being changed by others.")


def deliver(endpoint: str, variant: str) -> list[str]:
    """Send what the book owes, message by message; the ids sent."""
    sent: list[str] = []
    refused: list[Exception] = []
    while True:
        held: list[OutboxMessage] = []

        def lease(book: AlertBook, held: list[OutboxMessage] = held) -> AlertBook:
            held.clear()
            changed, taken = outbox.leased(book, datetime.now(UTC))
            held.extend(taken)
            return changed

        book = note(endpoint, variant, lease)
        if not held:
            break
        try:
            _publish(held[0])
        except Exception as error:  # noqa: BLE001 - it rises below, after the other messages were sent
            refused.append(error)
            continue
        sent.append(held[0].alert_id)
        note(endpoint, variant, lambda book, done=held[0].alert_id: outbox.delivered(book, done))  # type: ignore[misc]
    if refused:
        raise refused[0]
    if book.outbox:
        raise NotReady(f"A message about {endpoint} is being sent by another invocation.")
    return sent


def _publish(owed: OutboxMessage) -> None:
    message = owed.message
    attributes = {
        "severity": message.severity,
        "endpoint": message.endpoint,
        "kind": message.kind,
        "alert_id": message.alert_id,
    }
    messages.publish(owed.subject, sns_message(owed), attributes)
    count("AlertsSent")
