"""What a processing job of a monitoring schedule says, read as an execution."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.alerts import model_monitor
from chalicelib.alerts.wording import finding_sentence
from chalicelib.constraints.files import Violation, read_violations
from chalicelib.constraints.measurement import Measurement
from chalicelib.quality.constraints import file_violations, suggested_constraints
from chalicelib.quality.evaluation import evaluate_quality
from chalicelib.quality.files import quality_statistics, write_violations
from chalicelib.records import Execution
from tests.services.quality_days import BAD, BINARY, rows_of

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CREATED = datetime(2026, 3, 2, 13, 20, 5, 7, tzinfo=UTC)
BEGAN = datetime(2026, 3, 2, 14, 2, 5, 7, tzinfo=UTC)
ENDED = datetime(2026, 3, 2, 14, 9, tzinfo=UTC)
MODIFIED = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:monitoring-schedule/hourly"
REGISTRY = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/"
ENVIRONMENT = {
    "sagemaker_endpoint_name": "preferred-site",
    "sagemaker_monitoring_schedule_name": "hourly",
    "start_time": "2026-03-02T12:00:00Z",
    "end_time": "2026-03-02T13:00:00Z",
}
MERGER = {"AppSpecification": {"ImageUri": f"{REGISTRY}sagemaker-groundtruth-merger"}}
TWO = "CompletedWithViolations: Job completed successfully with 2 violations."
CLEAN = "Completed: Job completed successfully with no violations."
FOUND = Violation(subject="b", constraint_check_type="data_type_check", description="Only 50.0% of data is Integral.")


def job(status: str = "Completed", without: tuple[str, ...] = (), **changes) -> dict:
    described = {
        "ProcessingJobStatus": status,
        "ExitMessage": CLEAN,
        "CreationTime": CREATED,
        "ProcessingStartTime": BEGAN,
        "ProcessingEndTime": ENDED,
        "LastModifiedTime": MODIFIED,
        "MonitoringScheduleArn": ARN,
        "AppSpecification": {"ImageUri": f"{REGISTRY}sagemaker-model-monitor-analyzer"},
        "Environment": ENVIRONMENT,
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://b/monitor/1/"}}]},
    }
    return {name: value for name, value in (described | changes).items() if name not in without}


def failed(reason: str, **changes) -> dict:
    return job("Failed", without=("ExitMessage",), FailureReason=reason, **changes)


def made(**changes) -> Execution:
    """The execution of a clean job."""
    clean = Execution(
        endpoint="preferred-site",
        variant="schedule hourly",
        window_start=START,
        window_end=START + HOUR,
        window_closed=True,
        package_version="",
        revision=1,
        baseline="",
        verdict="OK",
        requests=0,
        rows=0,
        rejected={},
        measurements=(),
        parts=(),
        folder="s3://b/monitor/1",
        evaluated_at=ENDED,
        source="model monitor",
        notes=(CLEAN,),
    )
    return replace(clean, **changes)


def measured(**changes) -> Measurement:
    found = Measurement(
        feature="b",
        check="data_type_check",
        kind="hard",
        expected="",
        observed="",
        violated=True,
        severity="critical",
        description="Only 50.0% of data is Integral.",
    )
    return replace(found, **changes)


# --- which job it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({}, False),
        ({"Environment": None}, False),
        ({"Environment": {"start_time": "2026-03-02T12:00:00Z"}}, False),
        ({"MonitoringScheduleArn": ARN}, True),
        ({"Environment": {"sagemaker_monitoring_schedule_name": "hourly"}}, True),
    ],
)
def test_an_execution_is_a_job_that_names_its_schedule(described, expected):
    assert model_monitor.is_execution(described) is expected


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({}, False),
        ({"AppSpecification": {}}, False),
        (job(), False),
        (MERGER, True),
        ({"Environment": {"ground_truth_source": "s3://b/labels"}}, True),
    ],
)
def test_a_merge_is_known_by_its_image_or_its_environment(described, expected):
    assert model_monitor.is_merge(described) is expected


@pytest.mark.parametrize(
    ("described", "uri"),
    [
        ({}, ""),
        ({"ProcessingOutputConfig": {}}, ""),
        ({"ProcessingOutputConfig": {"Outputs": []}}, ""),
        ({"ProcessingOutputConfig": {"Outputs": [{}]}}, ""),
        ({"ProcessingOutputConfig": {"Outputs": [{"S3Output": {}}]}}, ""),
        (job(), "s3://b/monitor/1"),
        ({"ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": f"s3://b/{n}"}} for n in "12"]}}, "s3://b/1"),
    ],
)
def test_the_files_lie_in_the_first_output(described, uri):
    assert model_monitor.output_uri(described) == uri


@pytest.mark.parametrize(
    ("described", "endpoint", "schedule"),
    [
        ({}, "", ""),
        ({"MonitoringScheduleArn": ARN}, "", "hourly"),
        ({"MonitoringScheduleArn": "hourly"}, "", "hourly"),
        ({"MonitoringScheduleArn": ARN, "Environment": ENVIRONMENT}, "preferred-site", "hourly"),
        ({"MonitoringScheduleArn": ARN, "Environment": {"sagemaker_monitoring_schedule_name": "daily"}}, "", "daily"),
    ],
)
def test_endpoint_and_schedule_are_named_by_the_environment_or_the_arn(described, endpoint, schedule):
    assert model_monitor.endpoint_of(described) == endpoint
    assert model_monitor.schedule_of(described) == schedule


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (job(), False),
        (job(ExitMessage=TWO), False),
        (job(ExitMessage="done"), True),
        (job(without=("ExitMessage",)), True),
        (job("Failed", ExitMessage="done"), False),
    ],
)
def test_only_a_completed_job_that_says_nothing_of_violations_has_no_result(described, expected):
    assert model_monitor.has_no_result(described) is expected


@pytest.mark.parametrize(
    ("described", "status", "after", "expected"),
    [
        (job(ExitMessage=TWO), "", timedelta(seconds=119), True),
        (job(ExitMessage=TWO), "", timedelta(minutes=2), False),
        (job(ExitMessage=TWO, without=("ProcessingEndTime",)), "", timedelta(seconds=179), True),
        (job(ExitMessage=TWO, without=("ProcessingEndTime",)), "", timedelta(minutes=3), False),
        (job(), "CompletedWithViolations", timedelta(), True),
        (job(), "Completed", timedelta(), False),
        (job("Stopped", ExitMessage=TWO), "CompletedWithViolations", timedelta(), False),
    ],
)
def test_a_report_is_due_for_two_minutes_after_violations_were_announced(described, status, after, expected):
    assert model_monitor.report_is_due(described, status, ENDED + after) is expected


# --- an ended job -----------------------------------------------------------------------------------------------------


def test_a_clean_job_is_an_execution_without_measurements():
    assert model_monitor.execution(job(), ()) == made()


def test_each_violation_is_a_measurement_with_the_sentence_of_the_report():
    found = [FOUND, replace(FOUND, subject="a", description="a is missing.")]
    read = model_monitor.execution(job(ExitMessage=TWO), found)
    expected = (measured(), measured(feature="a", description="a is missing."))
    assert read == made(verdict="Violations", notes=(TWO,), measurements=expected)


@pytest.mark.parametrize(
    ("check", "kind", "severity"),
    [
        ("completeness_check", "hard", "critical"),
        ("baseline_drift_check", "drift", "warning"),
        ("feature_attribution_drift_check", "drift", "warning"),
        ("LessThanThreshold", "drift", "warning"),
        ("ThresholdOfRows", "hard", "critical"),
    ],
)
def test_drift_and_quality_below_a_threshold_are_warnings(check, kind, severity):
    read = model_monitor.execution(job(), [replace(FOUND, constraint_check_type=check)])
    assert read.measurements == (measured(check=check, kind=kind, severity=severity),)


@pytest.mark.parametrize(
    ("exit_message", "more", "check", "sentence"),
    [
        (TWO, {}, "report_missing", "2 violations were announced, but the report has no violations file"),
        (
            TWO,
            {"unreadable": "not JSON"},
            "report_unreadable",
            "2 violations were announced, but the report cannot be read: not JSON",
        ),
        (
            "with 1 violation",
            {},
            "report_missing",
            "1 violations were announced, but the report has no violations file",
        ),
        (
            "done",
            {"status": "CompletedWithViolations"},
            "report_missing",
            "Violations were announced, but the report has no violations file",
        ),
        (
            "done",
            {"unreadable": "not JSON"},
            "report_unreadable",
            "Violations were announced, but the report cannot be read: not JSON",
        ),
    ],
)
def test_a_report_without_its_violations_is_a_violation_of_its_own(exit_message, more, check, sentence):
    read = model_monitor.execution(job(ExitMessage=exit_message), (), **more)
    expected = measured(feature="report", check=check, description=sentence)
    assert read == made(verdict="Violations", notes=(exit_message,), measurements=(expected,))


COMPLETENESS = "Data completeness requirement is not met. Expected: {}%. Observed: Only {}%."
TYPE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%."
    " Observed: Only {}% of data is Integral."
)
VALUES = "Value: {} does not meet the constraint requirement! "


@pytest.mark.parametrize(
    ("check", "sentence", "severity"),
    [
        ("completeness_check", COMPLETENESS.format("100.0", "97.5"), "warning"),
        ("completeness_check", COMPLETENESS.format("100.0", "99.5"), "information"),
        ("completeness_check", COMPLETENESS.format("95.0", "92.0"), "warning"),
        ("completeness_check", COMPLETENESS.format("100.0", "80"), "critical"),
        ("completeness_check", "words that Model Monitor never wrote", "critical"),
        ("data_type_check", TYPE.format("99.64592817400101"), "information"),
        ("data_type_check", TYPE.format("95.0"), "warning"),
        ("data_type_check", TYPE.format("0.0"), "critical"),
        ("data_type_check", TYPE.format("1.0E-4"), "critical"),
        ("categorical_values_check", VALUES.format("0.95"), "warning"),
        ("categorical_values_check", VALUES.format("0.0"), "critical"),
        ("missing_column_check", "There are missing columns in current dataset.", "critical"),
        ("baseline_drift_check", "Baseline drift distance: 0.5 exceeds threshold: 0.1", "warning"),
    ],
)
def test_the_severity_is_that_of_vedettes_own_violations(check, sentence, severity):
    violation = Violation(subject="b", constraint_check_type=check, description=sentence)
    assert model_monitor.measurement_of(violation).severity == severity


METRIC = "Metric auc with {} was LessThanThreshold '{}'"


@given(st.text(max_size=60))
def test_any_sentence_has_a_severity(text):
    sentences = (text, COMPLETENESS.format(text, text), TYPE.format(text), VALUES.format(text))
    for sentence in (*sentences, METRIC.format(text, text)):
        for check in ("completeness_check", "data_type_check", "categorical_values_check", "LessThanThreshold"):
            found = model_monitor.measurement_of(
                Violation(subject="b", constraint_check_type=check, description=sentence)
            )
            assert found.severity in {"critical", "warning", "information"}


def test_every_violation_of_a_critical_feature_is_critical():
    low = Violation(subject="b", constraint_check_type="data_type_check", description=TYPE.format("99.9"))
    read = model_monitor.execution(
        job(ExitMessage=TWO), [low, Violation(**{**msgspec.structs.asdict(low), "subject": "a"})]
    )
    found = model_monitor.with_critical_features(read, ("b",))
    assert [(one.feature, one.severity) for one in found.measurements] == [("b", "critical"), ("a", "information")]


def test_a_job_without_words_is_ok_and_says_its_status():
    read = model_monitor.execution(job(without=("ExitMessage",)), ())
    assert read == made(notes=("Completed",))


@pytest.mark.parametrize(
    ("described", "verdict", "note"),
    [
        (failed("AlgorithmError: out of memory"), "MonitorFailed", "AlgorithmError: out of memory"),
        (failed("AlgorithmError: No data in the window"), "NoData", "AlgorithmError: No data in the window"),
        (failed("No S3 objects found under s3://b"), "NoData", "No S3 objects found under s3://b"),
        (job("Stopped", ExitMessage="stopped by a user"), "MonitorFailed", "stopped by a user"),
        (job("Stopped", without=("ExitMessage",)), "MonitorFailed", "Stopped"),
        (failed("out of disk", ExitMessage="1"), "MonitorFailed", "out of disk"),
        (
            failed("no data", **MERGER),
            "MonitorFailed",
            "the ground truth could not be merged with the captures, so nothing is analyzed: no data",
        ),
    ],
)
def test_a_job_that_failed_says_why_and_measures_nothing(described, verdict, note):
    assert model_monitor.execution(described, [FOUND]) == made(verdict=verdict, notes=(note,))


def test_what_the_job_does_not_name_is_given_or_taken_from_its_last_change():
    described = job(without=("Environment", "ProcessingEndTime", "ProcessingOutputConfig"))
    expected = made(
        endpoint="site", folder="", evaluated_at=MODIFIED, window_start=START + HOUR, window_end=START + 2 * HOUR
    )
    assert model_monitor.execution(described, (), endpoint="site") == expected
    assert model_monitor.execution(job(), (), endpoint="site") == made(endpoint="site")


@pytest.mark.parametrize(
    ("described", "start", "length"),
    [
        (job(Environment={"start_time": "2026-03-02T06:00:00Z", "end_time": "2026-03-02T12:00:00Z"}), 6, 6 * HOUR),
        (job(Environment={"start_time": "2026-03-02T06:00:00", "end_time": "2026-03-02T07:00:00"}), 6, HOUR),
        (job(Environment={"start_time": "2026-03- 02T06:00: 00Z", "end_time": "2026-03-02T07:00:00Z"}), 6, HOUR),
        (job(Environment={"start_time": "2026-03-02T08:00:00+02:00", "end_time": "2026-03-02T07:00:00Z"}), 6, HOUR),
        (job(Environment={"start_time": "2026-03-02T06:00:00Z"}), 13, HOUR),
        (job(Environment={"end_time": "2026-03-02T06:00:00Z"}), 13, HOUR),
        (job(Environment={"start_time": "yesterday", "end_time": "2026-03-02T06:00:00Z"}), 13, HOUR),
        (job(Environment={}, without=("ProcessingStartTime",)), 12, HOUR),
    ],
)
def test_the_window_is_that_of_the_environment_or_the_hour_before_the_job_began(described, start, length):
    read = model_monitor.execution(described, ())
    assert (read.window_start, read.window_end) == (START.replace(hour=start), START.replace(hour=start) + length)


# --- an execution without a job ---------------------------------------------------------------------------------------

SUMMARY = {
    "MonitoringScheduleName": "hourly",
    "ScheduledTime": START + HOUR,
    "LastModifiedTime": MODIFIED,
    "MonitoringExecutionStatus": "Failed",
    "EndpointName": "preferred-site",
    "FailureReason": "Job inputs had no data",
}


@pytest.mark.parametrize(
    ("without", "changes", "expected"),
    [
        ("", {}, {"verdict": "NoData", "notes": ("Job inputs had no data",)}),
        ("FailureReason", {}, {"verdict": "MonitorFailed", "notes": ("Failed",)}),
        ("", {"FailureReason": "no capacity"}, {"verdict": "MonitorFailed", "notes": ("no capacity",)}),
        ("EndpointName", {}, {"verdict": "NoData", "notes": ("Job inputs had no data",), "endpoint": ""}),
    ],
)
def test_an_execution_that_never_had_a_job_says_so_for_the_hour_before_it_was_due(without, changes, expected):
    summary = {name: value for name, value in (SUMMARY | changes).items() if name != without}
    notes = tuple(f"the execution never had a processing job: {note}" for note in expected["notes"])
    read = model_monitor.execution_without_job(summary)
    assert read == made(**(expected | {"notes": notes, "folder": "", "evaluated_at": MODIFIED}))


# --- model quality ----------------------------------------------------------------------------------------------------


def test_a_metric_of_a_report_reads_as_the_same_metric_that_vedette_evaluates():
    start = START.replace(hour=0)
    state, worse = rows_of(start).state(), [rows_of(start + timedelta(days=1), BAD).state()]
    good = quality_statistics(state, BINARY)
    constraints = suggested_constraints(good.values, BINARY.type)
    ours = {one.feature: one for one in evaluate_quality(worse, constraints, BINARY).measurements if one.violated}
    bad = quality_statistics(worse[0], BINARY)
    report = write_violations(file_violations(bad.values, bad.deviations, constraints))
    theirs = {one.subject: model_monitor.measurement_of(one) for one in read_violations(report, "report")}
    assert {"recall", "precision", "auc", "f1"} <= ours.keys()
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        same = theirs[name]
        for field in ("fingerprint", "kind", "expected", "value", "threshold", "description", "violated", "evaluated"):
            assert getattr(same, field) == getattr(one, field), (name, field)
        spread = same.observed.split(" +/- ")
        assert spread[0] == one.observed.split(" +/- ")[0]
        assert finding_sentence(same, 0) == f"{name} is {same.observed}, expected {one.expected}"


@pytest.mark.parametrize(
    ("values", "observed", "threshold"),
    [
        (("0.6111", "0.6661"), "0.6111", 0.6661),
        (("0.6111 +/- 0.0123", "0.6661"), "0.6111 +/- 0.012", 0.6661),
        (("-3.5E-4", "-1"), "-0.00035", -1.0),
        (("NaN", "0.5"), "", None),
        (("1e999", "0.5"), "", None),
    ],
)
@pytest.mark.parametrize("quoted", [True, False])
def test_the_numbers_of_a_metric_are_those_of_its_sentence(values, observed, threshold, quoted):
    sentence = METRIC.format(*values) if quoted else METRIC.format(*values).replace("'", "")
    found = model_monitor.measurement_of(
        Violation(subject="auc", constraint_check_type="LessThanThreshold", description=sentence)
    )
    assert (found.observed, found.threshold, found.description) == (observed, threshold, sentence)


def test_a_critical_metric_is_named_as_in_either_file_and_a_feature_exactly():
    def critical(subject: str, check: str, *names: str) -> bool:
        violation = Violation(subject=subject, constraint_check_type=check, description="")
        read = model_monitor.execution(job(ExitMessage=TWO), [violation])
        return model_monitor.with_critical_features(read, names).measurements[0].severity == "critical"

    assert critical("weightedF05", "LessThanThreshold", "weighted_f0_5")
    assert critical("weightedF05", "LessThanThreshold", "weightedF05")
    assert not critical("weightedF05", "LessThanThreshold", "f0_5")
    assert not critical("someName", "baseline_drift_check", "some_name")
