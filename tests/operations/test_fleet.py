"""A fleet.toml: what is refused, with the place and the cause; and what differs between two fleets."""

import subprocess
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import UnreadableFile
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.records import JOB_THRESHOLDS, Fleet, FleetEntry, GoldenPayload, Thresholds
from vedette.operations import fleet

TWO = b"""
[endpoints.site]
mode = "deploy"
package_group = "site"
capture_percentage = 50
critical_features = ["a", "b"]
golden_payload = { body = "60,70" }

[endpoints.other]
mode = "alert"
"""
NIGHTLY = b'[endpoints.nightly]\ntransform_jobs = "nightly-"\n'
REFUSED = {
    "jobs with a group": (
        NIGHTLY + b'package_group = "g"',
        "package_group: nightly is a name for transform jobs, not an endpoint; leave it out",
    ),
    "jobs with records": (NIGHTLY + b'records = "s3://lake/r"', "records and transform_jobs name two sources"),
    "jobs with a capture place": (NIGHTLY + b'capture_uri = "s3://lake/c"', "capture_uri: nightly is a name for"),
    "jobs with a golden request": (
        NIGHTLY + b'golden_payload = { body = "1" }',
        "golden_payload: nightly is a name for",
    ),
    "jobs with quality": (
        NIGHTLY + b'quality = { problem_type = "BinaryClassification", prediction = "0" }',
        "quality: nightly is a name for transform jobs, not an endpoint; leave it out",
    ),
    "jobs with a test marker": (
        NIGHTLY + b'test_marker = "synthetic"',
        "test_marker: nightly is a name for transform jobs, not an endpoint; leave it out",
    ),
    "jobs that are deployed": (NIGHTLY + b'mode = "deploy"', "mode"),
    "a prefix that is no name": (b'[endpoints.n]\ntransform_jobs = "a_b"', "how the name of a transform job can begin"),
    "a prefix twice": (
        NIGHTLY + b'[endpoints.other]\ntransform_jobs = "nightly-"',
        "nightly and other name the same transform_jobs, nightly-",
    ),
    "not TOML": (b"endpoints", "f: not TOML: "),
    "not UTF-8": (b"\xff", "f: not TOML: "),
    "another table": (b"[fleet]", "f: fleet: no such key; a fleet has [endpoints.NAME] tables"),
    "no tables": (b"endpoints = 3", "f: endpoints: needs a table for each endpoint"),
    "a twin": (b"[endpoints.a]\n[endpoints.a]", "f: not TOML: Cannot declare ('endpoints', 'a') twice"),
    "an unknown key": (b"[endpoints.a]\nmoed='alert'", "f: endpoints.a.moed: no such key; did you mean mode?"),
    "its own name": (b"[endpoints.a]\nendpoint='b'", "f: endpoints.a.endpoint: no such key;"),
    "an unknown key within": (
        b"[endpoints.a]\ngolden_payload={bdy='1'}",
        "f: endpoints.a.golden_payload.bdy: no such key; did you mean body?",
    ),
    "an unknown mode": (b"[endpoints.a]\nmode='watch'", "f: endpoints.a.mode: Invalid enum value 'watch'"),
    "a word for a number": (b"[endpoints.a]\nwindow_minutes='60'", "f: endpoints.a.window_minutes: Expected `int`"),
    "more than everything": (
        b"[endpoints.a]\ncapture_percentage=101",
        "f: endpoints.a.capture_percentage: 101 is not 0 to 100",
    ),
    "less than nothing": (
        b"[endpoints.a]\ncapture_percentage=-1",
        "f: endpoints.a.capture_percentage: -1 is not 0 to 100",
    ),
    "a repetition after more than a month": (
        b"[endpoints.a]\nrepeat_interval_hours=721",
        "f: endpoints.a.repeat_interval_hours: 721 is not 0 to 720",
    ),
    "no instances": (b"[endpoints.a]\ninstance_count=0", "f: endpoints.a.instance_count: 0 is not 1 to 10000"),
    "a bad name": (b"[endpoints.a_b]", "f: endpoints.a_b: not a SageMaker name"),
    "a long name": (b"[endpoints." + b"a" * 64 + b"]", "not a SageMaker name"),
    "a bad group": (b"[endpoints.a]\npackage_group='a_b'", "f: endpoints.a.package_group: 'a_b' is not 1 to 63"),
    "a quality table without a problem type": (
        b"[endpoints.a.quality]\nprediction='0'",
        "f: endpoints.a.quality: Object missing required field `problem_type`",
    ),
    "an unknown problem type": (
        b"[endpoints.a.quality]\nproblem_type='Ranking'",
        "f: endpoints.a.quality.problem_type: Invalid enum value 'Ranking'",
    ),
    "an unknown key of quality": (
        b"[endpoints.a.quality]\nproblem_typ='Regression'",
        "f: endpoints.a.quality.problem_typ: no such key; did you mean problem_type?",
    ),
    "settings of quality that contradict": (
        b"[endpoints.a.quality]\nproblem_type='Regression'\nscore='0'",
        "f: endpoints.a.quality: a Regression has a prediction, and neither score nor classes",
    ),
    "labels in a whole bucket": (
        b"[endpoints.a.quality]\nproblem_type='Regression'\nground_truth=['s3://lake']",
        "f: endpoints.a.quality.ground_truth: 's3://lake' is not a place like s3://bucket/prefix",
    ),
    "labels that come after their predictions have expired": (
        b"[endpoints.a.quality]\nproblem_type='Regression'\nlabel_limit_hours=2160",
        "f: endpoints.a.quality.label_limit_hours: 2160 is above 1920",
    ),
    "a prediction that is private": (
        b"[endpoints.a]\nprivate=['_c0']\n[endpoints.a.quality]\nproblem_type='BinaryClassification'\nscore='0'",
        "f: endpoints.a.quality.score: 0 is private, and model quality stores each prediction",
    ),
    "two groups": (
        b"[endpoints.a]\npackage_group=['a','b']",
        "f: endpoints.a.package_group: Expected `str`, got `array`",
    ),
    "a group twice": (
        b"[endpoints.a]\nmode='deploy'\npackage_group='g'\n[endpoints.b]\nmode='deploy'\npackage_group='g'",
        "f: a and b would both deploy each version of the group g that is approved; give them different stages",
    ),
    "the reserved team": (b"[endpoints.a]\nteam='deployments'", "f: endpoints.a.team: deployments is not a team"),
    "nothing to deploy": (b"[endpoints.a]\nmode='deploy'", "f: endpoints.a.package_group: missing; mode deploy needs"),
    "windows too short": (b"[endpoints.a]\nwindow_minutes=5", "f: endpoints.a.window_minutes: 5 is not 15 to 1440"),
    "windows that leave a rest": (
        b"[endpoints.a]\nwindow_minutes=50",
        "f: endpoints.a.window_minutes: 50 does not divide a day; 15, 30, 60,",
    ),
    "drift windows that leave a rest": (
        b"[endpoints.a]\ndrift_window_minutes=700",
        "f: endpoints.a.drift_window_minutes: 700 does not divide a day",
    ),
    "an unknown threshold": (
        b"[endpoints.a]\nthresholds={hard_violate=1}",
        "f: endpoints.a.thresholds.hard_violate: no such key; did you mean hard_violated?",
    ),
    "names that differ in case": (
        b"[endpoints.Site]\n[endpoints.site]",
        "f: Site and site are the same endpoint in SageMaker, which ignores case",
    ),
    "a content type with parameters": (
        b"[endpoints.a]\ncapture_csv_content_types=['text/csv; charset=utf-8']",
        "f: endpoints.a.capture_csv_content_types: 'text/csv; charset=utf-8' is not a content type like text/csv,",
    ),
    "a content type that is CSV and JSON": (
        b"[endpoints.a]\ncapture_csv_content_types=['text/x']\ncapture_json_content_types=['text/x']",
        "f: endpoints.a.capture_json_content_types: text/x is in capture_csv_content_types too",
    ),
    "a content type twice": (
        b"[endpoints.a]\ncapture_json_content_types=['text/x', 'text/x']",
        "f: endpoints.a.capture_json_content_types: text/x is twice there",
    ),
    "eleven content types": (
        b"[endpoints.a]\ncapture_json_content_types=[" + b",".join(b"'a/x%d'" % n for n in range(11)) + b"]",
        "f: endpoints.a.capture_json_content_types: 11 content types; SageMaker takes 10",
    ),
    "no side": (
        b"[endpoints.a]\ncapture_modes=[]",
        "f: endpoints.a.capture_modes: it names no side; capture_percentage = 0 turns capture off",
    ),
    "a side twice": (
        b"[endpoints.a]\ncapture_modes=['Input','Input']",
        "f: endpoints.a.capture_modes: it names a side twice",
    ),
    "an unknown side": (
        b"[endpoints.a]\ncapture_modes=['input']",
        "f: endpoints.a.capture_modes[0]: Invalid enum value",
    ),
    "a local place": (b"[endpoints.a]\ncapture_uri='/tmp'", "f: endpoints.a.capture_uri: '/tmp' is not a place like"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_is_refused_with_place_and_cause(case):
    content, words = REFUSED[case]
    with pytest.raises(UnreadableFile) as raised:
        fleet.parse(content, "f")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_job_is_enough_for_an_alert_unless_the_entry_says_otherwise():
    (found,) = fleet.parse(NIGHTLY, "f")
    assert found.thresholds == JOB_THRESHOLDS
    (again,) = fleet.parse(fleet.as_toml([found]).encode(), "f")
    assert again == found
    (usual,) = fleet.parse(NIGHTLY + b"thresholds = { drift_violated = 2, drift_of = 3, recovery_clean = 2 }", "f")
    assert usual.thresholds == Thresholds()


def test_a_fleet_that_can_be_is_read_whole():
    site, other = fleet.parse(TWO, "f")
    assert site.golden_payload == GoldenPayload(body="60,70")
    assert (site.capture_percentage, site.critical_features, other.mode) == (50, ("a", "b"), "alert")


@given(st.binary(max_size=80))
def test_any_bytes_are_a_fleet_or_refused_in_one_sentence(content):
    with suppress(UnreadableFile):
        assert fleet.parse(b"[endpoints.a]\n" + content, "f")


def test_managing_an_endpoint_keeps_what_is_not_given_and_refuses_a_second_group():
    stored = Fleet(entries=fleet.parse(TWO, "f"))
    site, other = fleet.managed(stored, "site", "site", {"capture_percentage": 10})
    assert (site.capture_percentage, site.mode, site.golden_payload) == (10, "deploy", GoldenPayload(body="60,70"))
    assert other == stored.entries[1]
    with pytest.raises(UnreadableFile, match="site: it serves the group site; it cannot serve cars too"):
        fleet.managed(stored, "cars", "site", {})
    with pytest.raises(UnreadableFile, match="site and third would both deploy each version of the group site"):
        fleet.managed(stored, "site", "third", {"mode": "deploy"})
    assert len(fleet.managed(stored, "cars", "other", {"mode": "deploy"})) == 2


def test_the_difference_between_two_fleets_names_every_field_that_changes_and_nothing_else():
    before = fleet.parse(TWO, "f")
    after = (msgspec.structs.replace(before[0], capture_percentage=5), FleetEntry(endpoint="new", mode="alert"))
    assert [str(change) for change in fleet.differences(before, after)] == [
        "site: capture_percentage: 50 -> 5",
        "other: removed; the endpoint itself stays",
        "new: added",
        'new: mode: "observe" -> "alert"',
    ]
    assert fleet.differences(before, before) == []


def test_the_commit_of_a_file_says_when_the_file_is_not_as_committed(tmp_path):
    file = tmp_path / "fleet.toml"
    file.write_text("")
    assert fleet.commit_of(file) == ""
    for command in (
        ["init", "-q"],
        ["add", "fleet.toml"],
        ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)  # noqa: S607
    commit = fleet.commit_of(file)
    assert len(commit) == 40
    file.write_text("[endpoints.a]")
    assert fleet.commit_of(file) == f"{commit}-changed"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ENTRIES = st.builds(
    FleetEntry,
    endpoint=st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,10}", fullmatch=True),
    mode=st.sampled_from(["observe", "alert"]),
    capture_uri=st.sampled_from(["", "s3://lake", "s3://lake/a b/\u00fc/"]),
    capture_percentage=st.integers(0, 100),
    capture_csv_content_types=st.sampled_from([None, (), ("text/csv", "text/x-csv")]),
    capture_modes=st.sampled_from([None, ("Input",), ("Input", "Output")]),
    recreate_failed=st.booleans(),
    window_minutes=st.sampled_from([15, 20, 60, 1440]),
    critical_features=st.lists(TEXTS, max_size=3).map(tuple),
    test_marker=TEXTS,
    private=st.lists(TEXTS, max_size=3).map(tuple),
    golden_payload=st.none() | st.builds(GoldenPayload, body=TEXTS, accept=TEXTS),
    thresholds=st.builds(Thresholds, drift_of=st.integers(3, 9)),
    quality=st.none()
    | st.builds(
        QualitySettings,
        problem_type=st.just(ProblemType.REGRESSION),
        label=TEXTS,
        ground_truth=st.sampled_from([(), ("s3://lake/labels/\u00fc",)]),
        label_delay_hours=st.integers(1, 720),
    ),
)


@given(st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.endpoint.lower()))
def test_any_fleet_is_written_as_the_file_that_it_is_read_from(entries):
    assert fleet.parse(fleet.as_toml(entries).encode(), "f") == tuple(entries)


GATES = """
[endpoints.a]
mode = "deploy"
package_group = "g"
{first}

[endpoints.b]
mode = "{mode}"
package_group = "g"
{second}
"""


@pytest.mark.parametrize(
    ("first", "second", "mode", "allowed"),
    [
        ("", "", "deploy", False),
        ("", "", "alert", True),
        ("", 'model_life_cycle_stage = "Production"', "deploy", True),
        (
            'model_life_cycle_stage = ["Staging", "Production"]',
            'model_life_cycle_stage = "Production"',
            "deploy",
            True,
        ),
        (
            'model_life_cycle_stage = ["Staging", "Production"]',
            'model_life_cycle_stage = ["Production", "Staging"]',
            "deploy",
            False,
        ),
        ("shared_gate = true", "shared_gate = true", "deploy", True),
        ("shared_gate = true", "", "deploy", False),
    ],
)
def test_two_endpoints_of_a_group_need_different_gates_or_say_that_they_share_one(first, second, mode, allowed):
    content = GATES.format(first=first, second=second, mode=mode).encode()
    if allowed:
        found = fleet.parse(content, "f")
        assert fleet.parse(fleet.as_toml(found).encode(), "f") == found
    else:
        with pytest.raises(UnreadableFile, match="f: a and b would both deploy each version of the group g"):
            fleet.parse(content, "f")
