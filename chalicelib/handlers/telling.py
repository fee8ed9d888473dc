"""Tell a person once: change the alert book under a condition, publish what it owes, mark it."""

from collections.abc import Callable
from datetime import UTC, datetime

from chalicelib import records
from chalicelib.alerts import outbox
from chalicelib.aws import messages, table
from chalicelib.errors import NotReady
from chalicelib.observability import count
from chalicelib.records import AlertBook, OutboxMessage

TRIES = 4


def tell(endpoint: str, variant: str, decide: Callable[[AlertBook], AlertBook]) -> list[str]:
    """Apply a decision to the alert book of an endpoint and variant, and send what it then owes.

    Returns the ids of the messages sent. `decide` is pure and may run more than once.

    Raises
    ------
    NotReady
        When another invocation holds the lease on a message: if it dies, a later delivery takes the message over.
    """
    held = _decided(endpoint, variant, decide)
    for message in held:
        _publish(message)
        _decided(endpoint, variant, lambda book, sent=message.alert_id: outbox.delivered(book, sent), lease=False)  # type: ignore[misc]
    return [message.alert_id for message in held]


def _decided(
    endpoint: str, variant: str, decide: Callable[[AlertBook], AlertBook], *, lease: bool = True
) -> tuple[OutboxMessage, ...]:
    pk, sk = table.endpoint_key(endpoint), f"alerts#{variant}"
    for _ in range(TRIES):
        stored, revision = table.get_item(AlertBook, pk, sk)
        book = stored or AlertBook(endpoint=endpoint, variant=variant)
        changed = decide(book)
        held: tuple[OutboxMessage, ...] = ()
        if lease:
            changed, held = outbox.leased(changed, datetime.now(UTC))
        if changed == book:
            if lease and book.outbox:
                raise NotReady(f"A message about {endpoint} is being sent by another invocation.")
            return ()
        if table.put_item(changed, pk, sk, revision):
            return held
    raise NotReady(f"The alert book of {endpoint} is being changed by others.")


def _publish(owed: OutboxMessage) -> None:
    message = owed.message
    messages.publish(
        owed.subject,
        owed.text,
        records.write(message).decode(),
        {
            "severity": message.severity,
            "endpoint": message.endpoint,
            "kind": message.kind,
            "alert_id": message.alert_id,
        },
    )
    count("AlertsSent")
