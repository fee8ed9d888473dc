"""Batch transform jobs: created, listed, described, stopped, and run when the clock turns.

A job takes `provisioning_minutes`, and then `minutes`; `container` predicts (aws-behaviour: transform-job-times).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chalicelib.capture.json_path import JsonPath
from chalicelib.capture.transform_job import manifest_places
from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.inference.predictors import BadRequest
from vedette.local.sagemaker.core import Listing, Parameters, Record, milliseconds, present, refusal
from vedette.local.sagemaker.hosting import Hosting
from vedette.local.sagemaker.transform_output import FailedTransform, Predict, transformed

JOBS = Listing(
    "TransformJobSummaries",
    "TransformJobName",
    (
        "TransformJobName",
        "TransformJobArn",
        "CreationTime",
        "TransformEndTime",
        "LastModifiedTime",
        "TransformJobStatus",
        "FailureReason",
    ),
    sort_keys={"Status": "TransformJobStatus"},
)
ANNOUNCED = (  # aws-behaviour: transform-event
    "TransformJobName",
    "TransformJobArn",
    "TransformJobStatus",
    "FailureReason",
    "ModelName",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "CreationTime",
    "TransformStartTime",
    "TransformEndTime",
)
TIMES = {"CreationTime", "TransformStartTime", "TransformEndTime"}
ENDED = {"Completed", "Failed", "Stopped"}
TEXT_TYPES = {"text/csv", "application/json", "application/jsonlines"}
Below = Callable[[str], dict[str, bytes]]  # the objects of S3 whose URI begins so


class Transform:
    """The batch transform jobs of the account."""

    def __init__(self, account: SimulatedAccount, hosting: Hosting):
        self._account, self._hosting = account, hosting
        self.jobs: dict[str, Record] = {}
        self.read_below: Below = lambda uri: {}
        self.write: Callable[[str, bytes], None] = lambda uri, body: None
        self.predict: Callable[[str], Predict] = lambda model: lambda body, kind, accept: body
        self.provisioning_minutes, self.minutes = 4.0, 3.0

    def CreateTransformJob(self, arguments: Parameters) -> Record:
        name = arguments["TransformJobName"]
        if name in self.jobs:
            raise AwsError("ResourceInUse", f"Job name must be unique within an AWS account and region: {name}")
        self._hosting.model(arguments["ModelName"])
        check_data_processing(arguments)
        arn = self._account.arn("transform-job", name)
        now = self._account.now()
        job = self.jobs[name] = {
            "Environment": {},
            **{key: value for key, value in arguments.items() if key != "Tags"},
            "TransformJobArn": arn,
            "TransformJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self._account.tag(arn, arguments.get("Tags"))
        self._announce(job)
        self._account.clock.after(timedelta(minutes=self.provisioning_minutes), lambda: self._start(job))
        return {"TransformJobArn": arn}

    def DescribeTransformJob(self, arguments: Parameters) -> Record:
        return {name: value for name, value in self._job(arguments).items() if name != "LastModifiedTime"}

    def ListTransformJobs(self, arguments: Parameters) -> Record:
        wanted = arguments.get("StatusEquals")
        return JOBS.page((job for job in self.jobs.values() if wanted in {None, job["TransformJobStatus"]}), arguments)

    def StopTransformJob(self, arguments: Parameters) -> Record:
        job = self._job(arguments)
        if job["TransformJobStatus"] != "InProgress":
            raise refusal(
                f"The request was rejected because the transform job is in status {job['TransformJobStatus']}."
            )
        self._become(job, "Stopping")
        self._account.clock.after(timedelta(minutes=1), lambda: self._finish(job, "Stopped"))
        return {}

    def _job(self, arguments: Parameters) -> Record:
        name = arguments["TransformJobName"]
        if name not in self.jobs:
            raise AwsError("ResourceNotFound", f"Could not find requested job with name: {name}")
        return self.jobs[name]

    # What a job does ------------------------------------------------------------------------------------------------

    def _start(self, job: Record) -> None:
        if job["TransformJobStatus"] == "InProgress":
            job["TransformStartTime"] = self._account.now()
            self._become(job, "InProgress")
            self._account.clock.after(timedelta(minutes=self.minutes), lambda: self._run(job))

    def _run(self, job: Record) -> None:
        if job["TransformJobStatus"] != "InProgress":
            return
        try:
            failed = self._transform(job)
        except FailedTransform as error:
            failed = str(error)
        self._finish(job, "Failed" if failed else "Completed", failed)

    def _transform(self, job: Record) -> str:
        """Write an output for every input that the model answers; why the job failed, "" if it did not.

        A job goes on with its other inputs (aws-behaviour: transform-failed-input).
        """
        source = job["TransformInput"]["DataSource"]["S3DataSource"]
        prefix, inputs = self._inputs(source)
        outputs, failures = [], []
        try:
            predict = self.predict(job["ModelName"])
        except BadRequest as error:
            raise FailedTransform(f"AlgorithmError: {error.message}") from error
        folder = prefix.rpartition("/")[0]
        for uri, body in inputs.items():
            name = uri.removeprefix(folder).lstrip("/")
            try:
                content = transformed(body, job, predict, self._account.ids.uuid)
            except FailedTransform as error:
                failures.append(f"{name}: {error}")
                continue
            outputs.append(f"{name}.out")
            self.write(f"{job['TransformOutput']['S3OutputPath'].rstrip('/')}/{name}.out", content)
        self._capture(job, folder, [uri.removeprefix(folder).lstrip("/") for uri in inputs], outputs)
        return f"ClientError: {failures[0]} See job logs for more information" if failures else ""

    def _inputs(self, source: Record) -> tuple[str, dict[str, bytes]]:
        """The prefix of the inputs, and their contents."""
        uri = source["S3Uri"]
        if source["S3DataType"] == "ManifestFile":
            manifest = manifest_places(self.read_below(uri).get(uri, b""))
            if manifest is None:
                raise FailedTransform(f"ClientError: The manifest {uri} cannot be read.")
            found = {place: body for place in manifest.places for body in [self.read_below(place).get(place)] if body}
            return manifest.prefix, found
        found = {place: body for place, body in self.read_below(uri).items() if not place.endswith("/")}
        if not found:
            raise FailedTransform(f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source.')
        return uri, found

    def _capture(self, job: Record, folder: str, inputs: list[str], outputs: list[str]) -> None:
        """Write the manifests of what was read and written (aws-behaviour: transform-capture)."""
        capture = job.get("DataCaptureConfig")
        if capture is None:
            return
        written = job["TransformOutput"]["S3OutputPath"].rstrip("/")
        hour = f"{job['TransformStartTime']:%Y/%m/%d/%H}"
        for side, prefix, names in (("input", folder, inputs), ("output", written, outputs)):
            uri = f"{capture['DestinationS3Uri'].rstrip('/')}/{side}/{hour}/{self._account.ids.uuid()}.json"
            self.write(uri, json.dumps([{"prefix": f"{prefix}/"}, *names]).encode())

    # Its states -----------------------------------------------------------------------------------------------------

    def _finish(self, job: Record, status: str, failure_reason: str = "") -> None:
        job.update(TransformEndTime=self._account.now(), **present(FailureReason=failure_reason[:1024] or None))
        self._become(job, status)

    def _become(self, job: Record, status: str) -> None:
        job.update(TransformJobStatus=status, LastModifiedTime=self._account.now())
        self._announce(job)

    def _announce(self, job: Record) -> None:
        detail: dict[str, Any] = {
            name: milliseconds(job[name]) if name in TIMES else job[name] for name in ANNOUNCED if name in job
        }
        tags = self._account.tags.get(job["TransformJobArn"], {})
        self._account.announce(
            "SageMaker Transform Job State Change", job["TransformJobArn"], {**detail, "Tags": dict(tags)}
        )


def check_data_processing(arguments: Parameters) -> None:
    """Refuse filters and joins that batch transform cannot apply (aws-behaviour: transform-filters).

    Raises
    ------
    AwsError
        With the reason.
    """
    processing = arguments.get("DataProcessing", {})
    for name in ("InputFilter", "OutputFilter"):
        if JsonPath.of(processing.get(name, "$")) is None:
            raise refusal(f"{name} {processing[name]} is not a supported JSONPath.")
    filtered = any(processing.get(name, "$") != "$" for name in ("InputFilter", "OutputFilter"))
    given, written = arguments["TransformInput"], arguments["TransformOutput"]
    if arguments.get("BatchStrategy") and given.get("SplitType", "None") == "None":
        raise refusal("BatchStrategy can be set only with a SplitType of Line, RecordIO or TFRecord.")
    if processing.get("JoinSource", "None") == "None" and not filtered:
        return
    kinds = {given.get("ContentType", ""), written.get("Accept", "")}
    if not kinds <= TEXT_TYPES:
        raise refusal(f"DataProcessing needs ContentType and Accept of {', '.join(sorted(TEXT_TYPES))}.")
    if "text/csv" in kinds and (given.get("SplitType"), written.get("AssembleWith")) != ("Line", "Line"):
        raise refusal("DataProcessing of text/csv needs SplitType and AssembleWith Line.")
