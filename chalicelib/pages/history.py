"""Earlier windows: since when something is violated, and where another version began to serve.

| input                                              | answer                                                         |
|----------------------------------------------------|----------------------------------------------------------------|
| violated windows in a row, up to the page's window | since the first of them, with the version of that window       |
| ... with windows between that did not evaluate it  | they neither end the row nor lengthen it                       |
| an alert of it is open                             | since that alert's first window, as its message says           |
| violated in every known window, without an alert   | since the first of them "or before"                            |
| another version than in the window before          | a deployment, marked on the time axis                          |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from chalicelib.constraints.measurement import Fingerprint, Measurement
from chalicelib.records import Execution

WINDOWS = 30  # the page's window and those before it


@dataclass(frozen=True)
class Since:
    """The start of a row of violated windows."""

    at: datetime
    or_before: bool  # violated in every known window
    windows: int  # known violated windows in the row


@dataclass(frozen=True)
class History:
    """Executions of windows of one length, oldest first; the last one is the page's.

    `firing` holds the first window of each open alert.
    """

    executions: tuple[Execution, ...]
    firing: Mapping[Fingerprint, datetime]

    @classmethod
    def ending_with(
        cls, execution: Execution, before: Sequence[Execution], firing: Mapping[Fingerprint, datetime]
    ) -> History:
        """The last WINDOWS windows up to an execution, each in its latest revision."""
        latest: dict[datetime, Execution] = {}
        for one in sorted(before, key=lambda one: (one.revision, one.evaluated_at)):
            if one.window_start < execution.window_start:
                latest[one.window_start] = one
        earlier = sorted(latest.values(), key=lambda one: one.window_start)
        return cls((*earlier[-(WINDOWS - 1) :], execution), firing)

    @cached_property
    def _measured(self) -> list[dict[Fingerprint, Measurement]]:
        measured: list[dict[Fingerprint, Measurement]] = []
        for execution in self.executions:
            window: dict[Fingerprint, Measurement] = {}
            for one in execution.measurements:
                if one.violated or one.fingerprint not in window:
                    window[one.fingerprint] = one
            measured.append(window)
        return measured

    @property
    def latest(self) -> Execution:
        """The execution of the page."""
        return self.executions[-1]

    def measurements(self, fingerprint: Fingerprint) -> list[Measurement | None]:
        """What was measured in each window; None where nothing was."""
        return [window.get(fingerprint) for window in self._measured]

    def since(self, fingerprint: Fingerprint) -> Since | None:
        """When the present row of violations began; None when the last window has no violation."""
        measured = self.measurements(fingerprint)
        if not measured:
            return None
        states = [None if one is None or not one.evaluated else one.is_proven for one in measured]
        return self._since(states, self.firing.get(fingerprint))

    def verdict_since(self) -> Since | None:
        """Since when every window has the verdict of the last one."""
        return self._since([one.verdict == self.latest.verdict for one in self.executions], None)

    def _since(self, states: Sequence[bool | None], alert_since: datetime | None) -> Since | None:
        """The row of True at the end of the states; None is skipped, except at the end."""
        if not states[-1]:
            return None
        clean = max((i for i, state in enumerate(states) if state is False), default=-1)
        row = [i for i, state in enumerate(states) if state and i > clean]
        began = self.executions[row[0]]
        if alert_since is not None and alert_since < self.latest.window_end:  # a later one is of another episode
            return Since(alert_since, False, len(row))
        return Since(began.window_start, clean < 0, len(row))

    @property
    def deployments(self) -> list[int]:
        """The positions of the windows whose version differs from the window before."""
        versions = [execution.package_version for execution in self.executions]
        return [i for i in range(1, len(versions)) if versions[i] != versions[i - 1]]
