"""The analyzer image of Model Monitor, computed by Vedette's own pure code.

| job                          | input                                  | files                                     |
|------------------------------|----------------------------------------|-------------------------------------------|
| CreateProcessingJob          | a data set, CSV or JSON lines          | statistics.json, constraints.json         |
| data quality, with baseline  | the captures of an hour                | the same, and constraint_violations.json  |

See aws-behaviour: analyzer-job, analyzer-execution.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePosixPath

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.column_alignment import aligned_table
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import read_constraints, read_violations, write_constraints, write_violations
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.errors import VedetteError
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.table import Table
from vedette.data_sets import data_set_statistics, with_label_first
from vedette.input_sources import Source
from vedette.local.sagemaker.core import Record
from vedette.local.sagemaker.executions import Execution, Report

IMAGE = "sagemaker-model-monitor-analyzer"
SUFFIXES = {"csv": ".csv", "json": ".jsonl"}
Below = Callable[[str], dict[str, bytes]]  # the objects of S3 whose URI begins so


class NoObjects(VedetteError):
    """An input of a job that is not there, which SageMaker finds before the container starts."""

    def __init__(self, uri: str) -> None:
        super().__init__(f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source.')


def baseline(job: Record, below: Below) -> Report:
    """The result of a job that CreateProcessingJob started: statistics and constraints, if its image is the analyzer.

    Without data, or with data that cannot be read, the job fails.
    """
    image = job["AppSpecification"]["ImageUri"]
    if image.rpartition("/")[2].partition(":")[0] != IMAGE:
        return Report(failure_reason=f"AlgorithmError: The AWS simulator has no container for image {image}.")
    try:
        variables = job.get("Environment", {})
        found = _input(below, _source(job, variables["dataset_source"]))
        table = _data_set(found, json.loads(variables["dataset_format"]))
    except NoObjects as missing:
        return Report(failure_reason=str(missing))
    except KeyError as missing:
        return Report(failure_reason=f"AlgorithmError: The job has no {missing.args[0]}.")
    except (VedetteError, ValueError) as error:
        return Report(failure_reason=f"AlgorithmError: {error}")
    return Report(files={"statistics.json": write_statistics(table), "constraints.json": _suggested(table)})


def execution(one: Execution, below: Below) -> Report:
    """The result of an execution: the captures of its hour against the baseline of its schedule.

    Only data quality is evaluated, against constraints; any other execution finds no violations. Without captures it
    fails (aws-behaviour: execution-without-data).
    """
    try:
        captures = _input(below, one.capture_uri).values()
        if one.monitoring_type != "DataQuality" or not one.constraints_uri:
            return Report(files={"constraint_violations.json": write_violations(())})
        options = CaptureOptions(sketch_k=BASELINE_K)
        summary = CaptureSummary.total(summarize([body], options=options) for body in captures)
        constraints = read_constraints(_file(below, one.constraints_uri), one.constraints_uri)
        statistics = one.statistics_uri and read_statistics(_file(below, one.statistics_uri), one.statistics_uri)
        return _report(summary, Baseline(constraints=constraints, statistics=statistics or None))
    except NoObjects as missing:
        return Report(failure_reason=str(missing))
    except VedetteError as error:
        return Report(failure_reason=f"AlgorithmError: {error}")


def _input(below: Below, uri: str) -> dict[str, bytes]:
    found = below(uri)
    if not found:
        raise NoObjects(uri)
    return found


def _file(below: Below, uri: str) -> bytes:
    found = below(uri)
    if uri not in found:
        raise NoObjects(uri)
    return found[uri]


def _report(summary: CaptureSummary, baseline: Baseline) -> Report:
    table = aligned_table(summary.tables, baseline.constraints, baseline.statistics)
    if table is None:
        return Report(failure_reason="AlgorithmError: no rows could be read")
    # Model Monitor evaluates however few rows there are.
    evaluation = evaluate(summary, baseline, minimum_rows=1, minimum_drift_rows=1)
    violations = write_violations(evaluation.violations)
    files = {
        "statistics.json": write_statistics(table),
        "constraints.json": _suggested(table),
        "constraint_violations.json": violations,
    }
    return Report(violations=len(read_violations(violations, "constraint_violations.json")), files=files)


def _suggested(table: Table) -> bytes:
    return write_constraints(suggested_constraints(table))


def _source(job: Record, local_path: str) -> str:
    """The S3 URI of the input that lies at a path in the container."""
    inputs = {one["S3Input"]["LocalPath"]: one["S3Input"]["S3Uri"] for one in job.get("ProcessingInputs", ())}
    if local_path not in inputs:
        raise ValueError(f"no input of the job lies at {local_path}")
    return str(inputs[local_path])


def output_uri(job: Record) -> str:
    """Where the files of a job go: the output that lies at the container's output_path."""
    outputs = [one["S3Output"] for one in job["ProcessingOutputConfig"]["Outputs"]]
    wanted = job.get("Environment", {}).get("output_path", outputs[0]["LocalPath"])
    chosen = next((one for one in outputs if PurePosixPath(one["LocalPath"]) == PurePosixPath(wanted)), outputs[0])
    return str(chosen["S3Uri"]).rstrip("/")


def _data_set(found: dict[str, bytes], dataset_format: Record) -> Table:
    kind = next(iter(dataset_format), "")
    if kind not in SUFFIXES:
        raise ValueError(f"the AWS simulator reads data sets as {' or '.join(SUFFIXES)}, not as {kind or 'nothing'}")
    options = dataset_format[kind]
    tables = [
        data_set_statistics(_named(uri, body, SUFFIXES[kind]), lambda size: None, header=options.get("header", True))
        for uri, body in found.items()
    ]
    table = Table.total(tables)
    last = options.get("output_columns_position") == "END"
    return with_label_first(table, "last", next(iter(found))) if last else table


def _named(uri: str, body: bytes, suffix: str) -> Source:
    """An object under a name whose suffix tells its format, as the job tells it."""
    return Source(uri if uri.endswith(suffix) else uri + suffix, len(body), lambda: iter([body]))
