"""The windows before: since when something is violated, and which version served then.

| input                                              | answer                                                         |
|----------------------------------------------------|----------------------------------------------------------------|
| violated windows in a row, up to the judged one    | since the first of them, with the version of that window       |
| ... with windows between that judged nothing of it | they neither end the row nor lengthen it                       |
| violated in every window that is known             | since the open alert's first window, else "or before"          |
| another version than in the window before          | a deployment, marked on the time axis                          |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from chalicelib.alerts.state import fingerprint
from chalicelib.constraints.measurement import Measurement
from chalicelib.records import Execution

WINDOWS = 30  # the judged one and those before it
Key = tuple[str, str]  # feature, check


@dataclass(frozen=True)
class Since:
    """The beginning of a row of violations."""

    at: datetime
    or_before: bool  # it was violated in every window that is known
    windows: int  # violated ones of the row; 0 when it began before the windows that are known
    version: str  # that served when it began; "" when it began before the windows that are known
    version_before: str  # that served in the clean window before; "" when none is known


@dataclass(frozen=True)
class History:
    """Executions of windows of one length, oldest first; the last one is the one that the page is about.

    `firing` holds, by fingerprint, since when an open alert goes on.
    """

    executions: tuple[Execution, ...]
    firing: Mapping[str, datetime]

    @classmethod
    def ending_with(cls, execution: Execution, before: Sequence[Execution], firing: Mapping[str, datetime]) -> History:
        """The last WINDOWS up to an execution: of each window the latest revision, and none that began later."""
        latest: dict[datetime, Execution] = {}
        for one in sorted(before, key=lambda one: (one.revision, one.judged_at)):
            if one.window_start < execution.window_start:
                latest[one.window_start] = one
        earlier = sorted(latest.values(), key=lambda one: one.window_start)
        return cls((*earlier[-(WINDOWS - 1) :], execution), firing)

    @cached_property
    def _found(self) -> list[dict[Key, Measurement]]:
        found: list[dict[Key, Measurement]] = []
        for execution in self.executions:
            by_key: dict[Key, Measurement] = {}
            for one in execution.measurements:
                key = (one.feature, one.check)
                if key not in by_key or one.violated:
                    by_key[key] = one
            found.append(by_key)
        return found

    @property
    def latest(self) -> Execution:
        """The one that the page is about."""
        return self.executions[-1]

    def measurements(self, feature: str, check: str) -> list[Measurement | None]:
        """What was measured in each window; None where nothing was."""
        return [window.get((feature, check)) for window in self._found]

    def since(self, feature: str, check: str) -> Since | None:
        """When the violations that the last window continues began; None when the last window has none."""
        measured = self.measurements(feature, check)
        if not measured:
            return None
        states = [None if one is None or not one.evaluated else one.violated for one in measured]
        told = self.firing.get(fingerprint(measured[-1])) if measured[-1] is not None else None
        return self._since(states, told)

    def verdict_since(self) -> Since | None:
        """Since when every window has had the verdict of the last one."""
        return self._since([one.verdict == self.latest.verdict for one in self.executions], None)

    def _since(self, states: Sequence[bool | None], told: datetime | None) -> Since | None:
        """The row of True that ends the states; None are skipped, but not at the end."""
        if not states[-1]:
            return None
        clean = max((i for i, state in enumerate(states) if state is False), default=-1)
        row = [i for i, state in enumerate(states) if state and i > clean]
        began = self.executions[row[0]]
        if clean < 0 and told is not None and told < began.window_start:
            return Since(told, False, 0, "", "")
        before = self.executions[clean].package_version if clean >= 0 else ""
        return Since(began.window_start, clean < 0, len(row), began.package_version, before)

    @property
    def deployments(self) -> list[int]:
        """The windows whose version is another than that of the window before."""
        versions = [execution.package_version for execution in self.executions]
        return [i for i in range(1, len(versions)) if versions[i] != versions[i - 1]]
