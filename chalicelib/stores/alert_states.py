"""Alert states with their outboxes, and mutes.

| pk                  | sk               | record                                                      |
|---------------------|------------------|-------------------------------------------------------------|
| endpoint#{endpoint} | alerts#{variant} | AlertState; the variant "" holds the endpoint's own notices |
| endpoint#           | alerts#{team}    | TeamAlertState                                              |
| digest#{team}       | line#{endpoint}  | DigestEntry: while something of it is open or ended lately  |
| mutes               | mute#{id}        | Mute: it has an end, and never expires                      |
| departed            | left#{endpoint}  | DepartedEndpoint: until nothing of it is pending            |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from chalicelib.aws.dynamodb import Table
from chalicelib.locations import endpoint_partition
from chalicelib.records import AlertState, DepartedEndpoint, DigestEntry, Mute, TeamAlertState

_STATE, _MUTES, _MUTE = "alerts#", "mutes", "mute#"
_DIGEST, _LINE = "digest#", "line#"
_DEPARTED, _LEFT = "departed", "left#"
TEAM = ""  # the endpoint under which the states of teams are kept; the variant is the team
TEAM_CHANGE_ATTEMPTS = 12  # many endpoints of a team may begin to alert at the same time


@dataclass(frozen=True)
class AlertStateStore:
    """Items of the stage's table."""

    table: Table

    def get(self, endpoint: str, variant: str) -> tuple[AlertState | None, int]:
        """The alert state of an endpoint and variant, and its revision; (None, 0) when there is none."""
        return self.table.get(AlertState, endpoint_partition(endpoint), _STATE + variant)

    def change(self, endpoint: str, variant: str, change: Callable[[AlertState], AlertState]) -> AlertState:
        """Change an alert state in one conditional write; the state as it is then. Raises as `Table.change`."""
        state = AlertState(endpoint=endpoint, variant=variant)
        if endpoint == TEAM:
            return self.change_team(variant, change)
        return self.table.change(state, endpoint_partition(endpoint), _STATE + variant, change)

    def change_team(self, team: str, change: Callable[[TeamAlertState], AlertState]) -> AlertState:
        """The same for the alert state of a team, which many endpoints may change at the same time."""
        state: AlertState = TeamAlertState(endpoint=TEAM, variant=team)
        of_team = cast(Callable[[AlertState], AlertState], change)
        return self.table.change(state, endpoint_partition(TEAM), _STATE + team, of_team, TEAM_CHANGE_ATTEMPTS)

    def teams(self) -> dict[str, TeamAlertState]:
        """The alert states of every team that has one, by team: one query."""
        found = self.table.query(TeamAlertState, endpoint_partition(TEAM), _STATE)
        return {state.variant: state for state in found.values()}

    def of_endpoint(self, endpoint: str) -> list[AlertState]:
        """Every alert state of an endpoint, by variant."""
        return list(self.table.query(AlertState, endpoint_partition(endpoint), _STATE).values())

    def change_digest_entry(self, team: str, endpoint: str, change: Callable[[DigestEntry], DigestEntry]) -> None:
        """Change what an endpoint has for the digest of its team, in one conditional write."""
        self.table.change(DigestEntry(endpoint=endpoint), _DIGEST + team, _LINE + endpoint, change)

    def digest_entries(self, team: str) -> list[DigestEntry]:
        """What the endpoints of a team have for its digest; nothing of those without an open or ended alert."""
        return list(self.table.query(DigestEntry, _DIGEST + team, _LINE).values())

    def forget_digest_entry(self, team: str, known: DigestEntry) -> None:
        """Delete what an endpoint has for a digest, unless it has changed."""
        stored, revision = self.table.get(DigestEntry, _DIGEST + team, _LINE + known.endpoint)
        if stored == known:
            self.table.delete(_DIGEST + team, _LINE + known.endpoint, revision)

    def delete(self, endpoint: str, variant: str) -> None:
        """Delete an alert state."""
        self.table.delete(endpoint_partition(endpoint), _STATE + variant)

    def mutes(self) -> list[Mute]:
        """Every mute of the stage, ended ones too."""
        return list(self.table.query(Mute, _MUTES, _MUTE).values())

    def put_mute(self, mute: Mute, expected_revision: int = 0) -> bool:
        """Write a mute; False when another writer was first."""
        return self.table.put(mute, _MUTES, _MUTE + mute.mute_id, expected_revision)

    def mute(self, mute_id: str) -> tuple[Mute | None, int]:
        """A mute by its id, and its revision."""
        return self.table.get(Mute, _MUTES, _MUTE + mute_id)

    def delete_mute(self, mute_id: str) -> None:
        """End a mute at once."""
        self.table.delete(_MUTES, _MUTE + mute_id)

    def departed(self) -> list[DepartedEndpoint]:
        """Every endpoint that left the fleet and may have something pending."""
        return list(self.table.query(DepartedEndpoint, _DEPARTED, _LEFT).values())

    def departed_endpoint(self, endpoint: str) -> DepartedEndpoint | None:
        """One of them; None when it did not leave, or nothing of it was pending any more."""
        return self.table.get(DepartedEndpoint, _DEPARTED, _LEFT + endpoint)[0]

    def put_departed(self, departed: DepartedEndpoint) -> None:
        """Remember that an endpoint leaves; the latest one wins."""
        endpoint = departed.entry.endpoint
        _, revision = self.table.get(DepartedEndpoint, _DEPARTED, _LEFT + endpoint)
        self.table.put(departed, _DEPARTED, _LEFT + endpoint, revision)

    def forget_departed(self, endpoint: str) -> None:
        """Forget it."""
        self.table.delete(_DEPARTED, _LEFT + endpoint)
