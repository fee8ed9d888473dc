"""Which version is wanted: laws over generated registries, and the named cases of the table."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.records import FailedVersion, Pin
from chalicelib.registry.versions import PackageVersion, wanted

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
versions = st.lists(
    st.builds(PackageVersion, arn=st.just(""), version=st.integers(1, 8), approved=st.booleans(), usable=st.booleans()),
    max_size=8,
    unique_by=lambda v: v.version,
).map(lambda found: [PackageVersion(f"arn/{v.version}", v.version, v.approved, v.usable) for v in found])


def mark(version: int) -> FailedVersion:
    return FailedVersion(endpoint="site", package_arn=f"arn/{version}", config="c", reason="failed", at=NOW)


def pin(version: int, until: datetime | None = None) -> Pin:
    return Pin(endpoint="site", package_arn=f"arn/{version}", by="ann", reason="a test", at=NOW, until=until)


def approved(*numbers: int) -> list[PackageVersion]:
    return [PackageVersion(f"arn/{n}", n, True, True) for n in numbers]


@given(versions, st.sets(st.integers(1, 8)), st.randoms())
def test_the_order_of_the_listing_does_not_matter_and_only_approved_unmarked_versions_win(found, marked, random):
    marks = [mark(number) for number in marked]
    shuffled = list(found)
    random.shuffle(shuffled)
    result = wanted(found, None, marks, NOW)
    assert result == wanted(shuffled, None, marks, NOW)
    candidates = [v for v in found if v.approved and v.usable and v.version not in marked]
    assert result.version == max(candidates, key=lambda v: v.version, default=None)


@given(versions, st.integers(1, 8))
def test_a_pin_wins_exactly_when_its_version_is_approved(found, number):
    result = wanted(found, pin(number), [mark(number)], NOW)
    if any(v.version == number and v.approved and v.usable for v in found):
        assert result.version.version == number
        assert not result.pin_void
    else:
        assert result.version == wanted(found, None, [mark(number)], NOW).version
        assert result.pin_void


def test_rejecting_the_served_version_brings_back_the_one_before():
    both = approved(1, 2)
    assert wanted(both, None, [], NOW).version.version == 2
    rejected = [both[0], PackageVersion("arn/2", 2, False, True)]
    assert wanted(rejected, None, [], NOW).version.version == 1


def test_a_pin_ends_when_its_time_is_over():
    ended = pin(1, until=NOW - timedelta(seconds=1))
    result = wanted(approved(1, 2), ended, [], NOW)
    assert result.version.version == 2
    assert not result.pin_void


def test_a_version_that_failed_before_is_named_in_the_reason():
    result = wanted(approved(1, 2), None, [mark(2)], NOW)
    assert result.reason == "version 1 is the newest approved version; version 2 failed before"


def test_nothing_approved_and_everything_failed_are_distinguished():
    assert wanted([], None, [], NOW).reason == "the registry shows no approved version"
    assert wanted(approved(1), None, [mark(1)], NOW).reason == "every approved version has failed before"
