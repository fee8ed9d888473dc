"""The time that an invocation has left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Deadline:
    """The moment at which an invocation must have ended, and the reserves that work must leave before it.

    Examples
    --------
    >>> Deadline.never().has_left(Deadline.WINDOW)
    True
    >>> Deadline.in_seconds(30).has_left(Deadline.WINDOW)
    False
    """

    ends_at: float  # seconds on the clock of time.perf_counter, which nothing sets back

    AFTER_CALL: ClassVar[float] = 5.0  # seconds after the worst case of the last AWS call
    VERDICT: ClassVar[float] = 20.0  # seconds to evaluate and write a verdict once its parts are added up
    WINDOW: ClassVar[float] = 40.0  # seconds that must be left to begin another window
    QUALITY_DAY: ClassVar[float] = 100.0  # seconds that must be left to begin a day of model quality
    JOB_OBJECT: ClassVar[float] = 60.0  # seconds that must be left to begin another output object of a transform job
    WHOLE_JOB_OBJECT: ClassVar[float] = 200.0  # an object that is not read within them is too large
    ENDPOINT: ClassVar[float] = 65.0  # seconds that must be left to begin another endpoint of a worker
    TASKS_AFTER_BACKLOG: ClassVar[float] = 1 / 3  # share of the sweep's time that its later tasks need

    @classmethod
    def of(cls, context: Any) -> Deadline:
        """The deadline of the invocation with this Lambda context."""
        return cls.in_seconds(context.get_remaining_time_in_millis() / 1000)

    @classmethod
    def in_seconds(cls, seconds: float) -> Deadline:
        """A deadline so many seconds from now."""
        return cls(time.perf_counter() + seconds)

    @classmethod
    def never(cls) -> Deadline:
        """No deadline: a command of the operator takes the time it needs."""
        return cls(math.inf)

    @property
    def seconds_left(self) -> float:
        """Seconds until the invocation must have ended; negative after that."""
        return self.ends_at - time.perf_counter()

    def has_left(self, reserve: float) -> bool:
        """Whether at least `reserve` seconds are left."""
        return self.seconds_left >= reserve

    def earlier_by_share(self, share: float) -> Deadline:
        """A deadline that leaves this share of the time left now to whatever comes after it."""
        return self if self.ends_at == math.inf else Deadline(self.ends_at - share * self.seconds_left)
