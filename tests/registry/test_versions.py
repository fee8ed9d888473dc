"""Which version is wanted: laws over generated registries, and the named cases of the table."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.records import FailedVersion, Pin
from chalicelib.registry.versions import PackageVersion, Wanted, WantedReason, version_of, void_failures, wanted

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
GROUP = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/site"
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


ONE, TWO, THREE = approved(1, 2, 3)
LATER = NOW + timedelta(hours=1)
PINNED_ONE = Wanted(ONE, WantedReason.PINNED, "version 1 is pinned by ann: a test")
NEWEST_TWO = Wanted(TWO, WantedReason.NEWEST_APPROVED, "version 2 is the newest approved version")
NONE_APPROVED = Wanted(None, WantedReason.NONE_APPROVED, "the registry shows no approved version", pin_void=True)
ALL_FAILED = Wanted(None, WantedReason.ALL_FAILED, "every approved version has failed before", pin_void=True)
VOID_TWO = Wanted(TWO, WantedReason.NEWEST_APPROVED, NEWEST_TWO.reason, pin_void=True)
SKIPPED = Wanted(
    ONE, WantedReason.NEWEST_APPROVED, "version 1 is the newest approved version; version 3, 2 failed before"
)
FAILED_SINCE = Wanted(
    None, WantedReason.PINNED_VERSION_FAILED, "version 1, pinned by ann, has failed since", pin_void=False
)


@pytest.mark.parametrize(
    ("found", "pinned", "marks", "expected"),
    [
        ([ONE, TWO], None, [], NEWEST_TWO),
        ([ONE, TWO, THREE], None, [mark(2), mark(3)], SKIPPED),
        ([ONE, TWO], None, [replace(mark(2), retry_at=NOW)], NEWEST_TWO),
        ([ONE, TWO], pin(1), [], PINNED_ONE),
        ([ONE, TWO], pin(1, until=LATER), [], PINNED_ONE),
        ([ONE, TWO], pin(1, until=NOW), [], NEWEST_TWO),
        ([ONE, TWO], pin(1), [mark(1)], PINNED_ONE),
        ([ONE, TWO], pin(1), [replace(mark(2), at=LATER)], PINNED_ONE),
        ([ONE, TWO], pin(1), [replace(mark(1), at=LATER, retry_at=NOW)], PINNED_ONE),
        ([ONE, TWO], pin(1), [replace(mark(1), at=LATER)], FAILED_SINCE),
        ([ONE, TWO], pin(3), [], VOID_TWO),
        ([], pin(1), [], NONE_APPROVED),
        ([ONE], pin(2), [mark(1)], ALL_FAILED),
    ],
)
def test_the_rows_of_the_table(found, pinned, marks, expected):
    assert wanted(found, pinned, marks, NOW) == expected


def test_only_versions_of_the_stage_that_is_required_count():
    staged = [dataclasses.replace(ONE, stage="Production"), dataclasses.replace(TWO, stage="Staging")]
    assert wanted(staged, None, [], NOW, ("Production",)).version == staged[0]
    assert wanted(staged, None, [], NOW).version == staged[1]
    nothing = Wanted(None, WantedReason.NONE_APPROVED, "the registry shows no approved version in stage Test")
    assert wanted(staged, None, [], NOW, ("Test",)) == nothing


SUMMARY = {
    "ModelPackageArn": f"{GROUP}/7",
    "ModelPackageVersion": "7",
    "ModelApprovalStatus": "Approved",
    "ModelPackageStatus": "Completed",
    "ModelLifeCycle": {"Stage": "Production"},
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, PackageVersion(f"{GROUP}/7", 7, True, True, "Production")),
        ({"ModelApprovalStatus": "Rejected"}, PackageVersion(f"{GROUP}/7", 7, False, True, "Production")),
        ({"ModelPackageStatus": "Pending"}, PackageVersion(f"{GROUP}/7", 7, True, False, "Production")),
        ({"ModelLifeCycle": None}, PackageVersion(f"{GROUP}/7", 7, True, True, "")),
        ({"ModelLifeCycle": {"StageStatus": "x"}}, PackageVersion(f"{GROUP}/7", 7, True, True, "")),
    ],
)
def test_a_summary_of_the_registry_is_read(changed, expected):
    assert PackageVersion.from_summary({**SUMMARY, **changed}) == expected


@pytest.mark.parametrize(
    ("arn", "version"),
    [
        (f"{GROUP}/12", "12"),
        (GROUP, "unversioned"),
        (f"{GROUP}/2/3", "unversioned"),
        (f"{GROUP}/two", "unversioned"),
        ("arn:model-package//2", "unversioned"),
        ("arn:model-package/a:model-package/site/2", "unversioned"),
        ("site/2", "unversioned"),
        ("", "unversioned"),
    ],
)
def test_the_version_in_the_arn_of_a_package(arn, version):
    assert version_of(arn) == version


@pytest.mark.parametrize(
    ("shown", "void"),
    [
        ([], False),
        ([PackageVersion("arn/1", 1, False, True)], False),
        ([PackageVersion("arn/2", 2, True, True)], False),
        ([PackageVersion("arn/2", 2, True, True, created_at=NOW - timedelta(days=1))], False),
        ([PackageVersion("arn/2", 2, False, True)], True),
        ([PackageVersion("arn/2", 2, True, True, created_at=NOW + timedelta(seconds=1))], True),
    ],
)
def test_a_failure_is_void_only_when_the_registry_shows_its_version_not_approved_or_another_one(shown, void):
    assert void_failures([mark(2)], shown) == ((mark(2),) if void else ())


def test_what_came_after_a_failure_is_told_by_the_registrys_clock_where_that_is_known():
    ours_is_ahead = replace(mark(2), package_modified_at=NOW - timedelta(minutes=5))
    assert ours_is_ahead.is_before(NOW - timedelta(minutes=4))
    assert not ours_is_ahead.is_before(NOW - timedelta(minutes=5))
    assert not mark(2).is_before(NOW - timedelta(minutes=4))
