"""Since when, with which version, and where another version began to serve."""

from datetime import datetime, timedelta

import msgspec
import pytest

from chalicelib.constraints.measurement import Fingerprint
from chalicelib.pages.history import WINDOWS, History
from tests.pages.samples import HOUR, START, sample

KEY = Fingerprint("data_type_check", "age_1")


def history(states: str, versions: str = "", firing: datetime | None = None) -> History:
    """V violated, . passed, - not evaluated, and a blank for a window that measured nothing of it."""
    one = sample(2, windows=1, violated=1).monitored.execution
    measured = next(m for m in one.measurements if m.fingerprint == KEY)
    made = []
    for i, state in enumerate(states):
        found = msgspec.structs.replace(measured, violated=state == "V", evaluated=state in "V.")
        made.append(
            msgspec.structs.replace(
                one,
                window_start=START + i * HOUR,
                window_end=START + (i + 1) * HOUR,
                package_version=(versions or "1" * len(states))[i],
                measurements=() if state == " " else (found,),
            )
        )
    return History.ending_with(made[-1], made[:-1], {measured.fingerprint: firing} if firing else {})


@pytest.mark.parametrize(
    ("states", "first", "windows", "or_before"),
    [
        ("...V", 3, 1, False),
        ("..VVV", 2, 3, False),
        (".V-V V", 1, 3, False),  # what was not evaluated neither ends a row nor lengthens it
        ("V.V", 2, 1, False),
        ("VVV", 0, 3, True),
        ("--V", 2, 1, True),
    ],
)
def test_a_row_of_violations_begins_at_its_first_window(states, first, windows, or_before):
    found = history(states).since(KEY)
    assert found is not None
    assert (found.at, found.windows, found.or_before) == (START + first * HOUR, windows, or_before)


@pytest.mark.parametrize("states", ["V.", "V-", "V ", "..", "."])
def test_what_the_last_window_does_not_violate_has_no_beginning(states):
    assert history(states).since(KEY) is None


def test_an_open_alert_says_since_when_as_its_message_does():
    reported = START - timedelta(days=3)
    found = history("VVV", firing=reported).since(KEY)
    assert (found.at, found.or_before) == (reported, False)
    assert history(".VV", firing=reported).since(KEY).at == reported  # a clean window ends no alert
    later = START + timedelta(hours=9)
    assert history(".VV", firing=later).since(KEY).at == START + HOUR  # that alert is of another episode


def test_another_version_is_a_deployment():
    assert history(".....", "11223").deployments == [2, 4]
    assert history(".").deployments == []


def test_of_each_window_the_latest_revision_counts_and_none_that_came_later():
    last = sample(2, windows=1, violated=1).monitored.execution
    earlier = [
        msgspec.structs.replace(last, window_start=START - n * HOUR, revision=revision)
        for n in range(-3, 50)
        for revision in (2, 1)
    ]
    found = History.ending_with(last, earlier, {}).executions
    assert len(found) == WINDOWS
    assert found[-1] is last
    starts = [one.window_start for one in found]
    assert starts == sorted(set(starts))
    assert {one.revision for one in found[:-1]} == {2}
