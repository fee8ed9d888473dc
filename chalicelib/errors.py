"""The errors of Vedette, and what a Lambda function and a command do about each.

    VedetteError
    |-- RejectedEvent        this event can never work: one log line with the reason, one count, no retry
    |   |-- ForeignEvent     from another account, region or source
    |   |-- MalformedEvent   a field is missing or has the wrong form
    |   `-- UnexpectedTest   it asks for a test alert that `vedette alerts test` did not announce
    |-- RejectedRecord       one line of a captured file cannot be read: counted by its reason, the rest goes on
    |-- AccessDenied         S3 or KMS denies access: the owner of the place has to allow it; of one object: remembered
    |   `-- NoBucket         there is no such bucket: the same
    |-- SourceAccessDenied   the functions may not read what an endpoint captures: notified while it lasts
    |-- RequestRejected      SageMaker rejects a request for its content or a quota; the same request fails again
    |-- UnreadableFile       a file (constraints, statistics, fleet) cannot be read: place and cause in one sentence
    |-- Undeliverable        SNS refuses a message, or nobody would receive it: counted, logged, the sweep tries again
    |-- NotReady             not possible at this moment: propagates, so that the platform delivers it again
    |-- OutOfTime            a call might outlive the function, so it is not begun: propagates, for the next delivery
    `-- MissingSetting       the installation is incomplete: the import fails with one sentence

Everything else propagates unchanged, so that Lambda retries. A violation is a result, not an error.
A command prints the sentence of a VedetteError, without a traceback, and exits with code 2.
No message ever holds a captured payload: place (bucket, key, line, byte range, field name) and cause only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.capture.rejection_reasons import RejectionReason


class VedetteError(Exception):
    """Base of everything that Vedette raises on purpose; its text is one clear sentence."""


class RejectedEvent(VedetteError):
    """An event that no retry can make work."""


class ForeignEvent(RejectedEvent):
    """An event from another account, region or source."""


class MalformedEvent(RejectedEvent):
    """An event without its fields, or with a field of the wrong form."""


class UnexpectedTest(RejectedEvent):
    """An event that asks for a test alert, which no operator has announced in the table."""


class RejectedRecord(VedetteError):
    """One line of a captured file cannot be read; the text is the reason, never the line."""

    def __init__(self, reason: RejectionReason) -> None:
        super().__init__(reason)
        self.reason = reason


class AccessDenied(VedetteError):
    """S3 or KMS denies access; the text is `place: cause`."""


class NoBucket(AccessDenied):
    """There is no such bucket; as where access is denied, a person has to act. The text is `place: cause`."""


class SourceAccessDenied(VedetteError):
    """The functions may not read, or not decrypt, what an endpoint captures; the text says what to do."""


class RequestRejected(VedetteError):
    """SageMaker rejects a request for its content or for a quota; `code` is SageMaker's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class UnreadableFile(VedetteError):
    """A file cannot be read; the text is `place: cause`."""


class Undeliverable(VedetteError):
    """A message cannot be published now, and trying again at once will not mend it; the text is the reason."""


class OutOfTime(VedetteError):
    """A call to AWS whose worst case would not end before the function must."""


class NotReady(VedetteError):
    """Another invocation holds the lease; delivering the event again will succeed."""


class MissingSetting(VedetteError):
    """An environment variable of the stage is missing or has the wrong form."""
