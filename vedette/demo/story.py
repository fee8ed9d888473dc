"""The story, chapter by chapter: what people do, what Vedette's functions make of it, and what is checked.

    first look -> register, approve, deploy -> replace the model -> baseline and constraints -> good and bad traffic
    -> a day of the same -> recovery -> a silent roll-back -> a rejection -> a Model Monitor schedule -> deletion

Everything that deploys, reads, judges and tells is the code of chalicelib/, called through the functions of
chalice_app/app.py by events that match their patterns.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from chalicelib.aws import deployment, s3, store
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.records import Execution, FleetEntry, GoldenPayload
from chalicelib.registry.versions import version_of
from vedette.baselines import baseline_statistics
from vedette.demo import user_actions
from vedette.demo.console import DemoConsole
from vedette.demo.data import DataSet, half_spoilt, of_file, sites, spoilt
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.inference import train
from vedette.local.mailbox import Mail
from vedette.local.sagemaker.executions import Report
from vedette.local.smtp_server import smtp_server
from vedette.operations.deletion import delete, prepared

ENDPOINT = "preferred-site"
WATCHED = "first-look"
REQUESTS_AN_HOUR, ROWS_A_REQUEST = 24, 20
ROWS_AN_HOUR = REQUESTS_AN_HOUR * ROWS_A_REQUEST


@dataclass
class Story:
    """The stage of the story: a cloud with the functions in it, the data, and the one who tells."""

    cloud: Cloud
    tell: DemoConsole
    data: DataSet
    bucket: str
    entry: FleetEntry
    requests: int = 0

    @property
    def mails(self) -> list[Mail]:
        """Every mail so far."""
        return self.cloud.mailbox.mails

    @property
    def served(self) -> str:
        """The version that the endpoint serves now; "" when there is no endpoint."""
        found = deployment.served(ENDPOINT)
        return version_of(found.package_arn) if found else ""

    @property
    def config(self) -> str:
        """The config that the endpoint is on."""
        found = deployment.served(ENDPOINT)
        return found.config_name if found else ""

    def send(self, endpoint: str, *, bad: bool, requests: int = 1) -> str:
        """Requests of 20 rows each; the last answer."""
        answer = ""
        for _ in range(requests):
            self.requests += 1
            rows = self.data.traffic(self.requests, ROWS_A_REQUEST)
            answer = user_actions.predict(endpoint, half_spoilt(rows) if bad else rows)
        return answer

    def hour(self, *, bad: bool = False) -> None:
        """A burst of traffic each quarter of this hour, and on to ten past the next: this hour's window is judged."""
        for _ in range(4):
            self.send(ENDPOINT, bad=bad, requests=REQUESTS_AN_HOUR // 4)
            self.cloud.turn(minutes=15)
        self.to_ten_past()

    def to_ten_past(self) -> None:
        """On to ten minutes past an hour, unless it is that."""
        self.cloud.turn(minutes=(10 - self.cloud.clock.now().minute) % 60)

    def executions(self, endpoint: str = ENDPOINT) -> list[Execution]:
        """The verdicts of closed windows so far."""
        keys = [found.key for found in s3.list_objects(f"monitoring/{endpoint}/AllTraffic/2")]
        found = [s3.get_record(Execution, key) for key in keys if key.endswith("/execution.json")]
        return sorted((e for e in found if e is not None), key=lambda e: (e.window_start, e.revision))


def tell(content: bytes | None, place: str, keep: Path | None) -> bool:
    """Tell the whole story; whether every check held."""
    console = Console(file=sys.stdout, highlight=False)
    data = of_file(content, place) if content is not None else sites()
    with _quiet_functions(), smtp_server() as received, Cloud() as cloud:
        cloud.mailbox.smtp = received.address
        teller = DemoConsole(console, cloud.clock, received)
        teller.title()
        environment = cloud.install()
        cloud.run_functions(load_app(environment))
        golden = GoldenPayload(body=",".join(data.traffic(0, 1)[0]))
        entry = FleetEntry(
            endpoint=ENDPOINT,
            mode="deploy",
            package_group=ENDPOINT,
            golden_payload=golden,
            drift_window_minutes=60,  # the story has no time for days
        )
        story = Story(cloud, teller, data, environment["VEDETTE_BUCKET"], entry)
        for chapter in CHAPTERS:
            chapter(story)
        if keep is not None:
            console.print(
                f"The bucket, {cloud.copy_bucket(story.bucket, keep)} files, is kept in {keep}.", markup=False
            )
        sent = [(mail.subject, mail.text.splitlines()) for mail in cloud.mailbox.mails]
        came = [(mail["Subject"], mail.get_content().splitlines()) for mail in received.mails]
        teller.check(f"a mail server received each of the {len(sent)} mails as it was written", sent == came)
        teller.check("no event was given up on, in the whole story", not cloud.bus.failed)
        return teller.summary()


@contextmanager
def _quiet_functions() -> Iterator[None]:
    """Keep the log lines and metrics of the functions off the screen, and the environment as it was."""
    saved = dict(os.environ)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


# --- chapters ---------------------------------------------------------------------------------------------------------


def first_look(story: Story) -> None:
    """A bad request to an endpoint that Vedette did not deploy becomes a mail."""
    tell, cloud = story.tell, story.cloud
    tell.chapter("First look: a bad request becomes a mail")
    column = story.data.names[-1]
    _deploy_by_hand(story, WATCHED)
    user_actions.apply_fleet(FleetEntry(endpoint=WATCHED, mode="alert"))
    statistics = baseline_statistics([story.data.csv], "data set")
    user_actions.put_baseline_in_force(WATCHED, "v1", _edited(story, suggested_constraints(statistics)), statistics)
    tell.say(f"The endpoint {WATCHED} was deployed by somebody else. It captures its data, and Vedette watches it.")
    sent_at, deliveries = cloud.clock.now(), len(cloud.bus.deliveries)
    rows = half_spoilt(story.data.traffic(1, ROWS_A_REQUEST))
    user_actions.predict(WATCHED, rows)
    before, after = story.data.traffic(1, ROWS_A_REQUEST)[1][-1], rows[1][-1]
    tell.say(
        f"One request of {ROWS_A_REQUEST} rows; in half of them a client writes {column} as {after!r}, not {before!r}."
    )
    cloud.turn(minutes=4)
    if not story.mails:
        tell.check("the bad request became a mail", False)
        return
    mail = story.mails[-1]
    tell.say("SageMaker has written the captured file; Vedette has read it, judged it, and told a person:")
    tell.mail(mail)
    tell.say("Its commands are for an installed stage; the demo's ends with the demo.")
    minutes = (mail.time - sent_at).total_seconds() / 60
    work = [
        d for d in cloud.bus.deliveries[deliveries:] if d.function in {"on_data_captured", "on_monitoring_execution"}
    ]
    seconds = sum(delivery.seconds for delivery in work)
    tell.say(
        f"From the request to the mail: {minutes:.0f} minutes on the demo's clock, all of them SageMaker's own delay in"
        f" writing the file, and {seconds:.2f} s of real computing in the two functions."
    )
    tell.check(f"the bad request became a mail that names {column}", f": {column} is not" in mail.subject)


def approval(story: Story) -> None:
    """Two versions are registered; the first is approved, deployed and verified."""
    tell, cloud = story.tell, story.cloud
    tell.chapter("Register two models, approve the first")
    user_actions.apply_fleet(story.entry)
    arns = [
        user_actions.register(ENDPOINT, kind, story.data.training_csv, story.bucket)
        for kind in ("linear-learner", "knn")
    ]
    cloud.turn(minutes=20)
    tell.say("Registered: version 1, a linear learner, and version 2, a k-NN. Both are pending; nothing is deployed.")
    tell.check("nothing is deployed before an approval", story.served == "")
    user_actions.set_approval(arns[0], "Approved")
    tell.say("A person approves version 1 in the registry.")
    cloud.turn(minutes=10)
    tell.say(f"The endpoint {ENDPOINT} was created with data capture on, and verified with its golden request.")
    tell.check("version 1 is served", story.served == "1")
    tell.check(
        "a mail says that it is verified", story.mails[-1].subject.endswith("version 1 is deployed and verified")
    )
    described = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    tell.check("data capture has started", described["DataCaptureConfig"]["CaptureStatus"] == "Started")
    row = story.data.traffic(2, 1)
    answer = user_actions.predict(ENDPOINT, row, Accept="application/json")
    tell.say(f"A prediction: {','.join(row[0])} -> {answer.strip()}")
    tell.check("the endpoint answers as a linear learner does", "score" in json.loads(answer)["predictions"][0])


def replacement(story: Story) -> None:
    """The second version replaces the model behind the same endpoint."""
    tell, cloud = story.tell, story.cloud
    tell.chapter("Approve the second: the model behind the same endpoint is replaced")
    before = story.config
    user_actions.set_approval(_arn(2), "Approved")
    cloud.turn(minutes=10)
    row = story.data.traffic(3, 1)
    answer = user_actions.predict(ENDPOINT, row, Accept="application/json")
    tell.say(f"Version 2 is served. A prediction: {','.join(row[0])} -> {answer.strip()}")
    tell.check(
        "version 2 is served by the same endpoint, on another config", story.served == "2" != before != story.config
    )
    tell.check("the endpoint answers as a k-NN does", list(json.loads(answer)["predictions"][0]) == ["predicted_label"])
    cloud.turn(minutes=10)
    probes = sum(part.summary.probes for part in _parts(story))
    tell.check("the golden requests were captured, and count in no statistic", probes == 2)


def baseline(story: Story) -> None:
    """A baseline is suggested from the data set, and two constraints are edited by hand."""
    tell = story.tell
    tell.chapter("Suggest a baseline, edit the constraints")
    statistics = baseline_statistics([story.data.csv], "data set")
    suggested = suggested_constraints(statistics)
    tell.say(f"Suggested from {statistics.rows:,} rows x {len(statistics.names)} columns: " + _types(suggested))
    edited = _edited(story, suggested)
    user_actions.put_baseline_in_force(ENDPOINT, "v1", edited, statistics)
    tell.say("A person who knows better edits constraints.json:     " + _types(edited))
    _, stored = store.baseline_in_force(ENDPOINT)
    tell.check("the edited baseline is in force", stored is not None and stored.constraints == edited)


def traffic(story: Story) -> None:
    """An hour of good traffic; then an hour in which half of the rows are bad."""
    tell = story.tell
    tell.chapter("Good traffic, then good and bad, half and half")
    column = story.data.names[-1]
    story.to_ten_past()
    mails = len(story.mails)
    story.hour()
    verdict = story.executions()[-1]
    tell.say(f"An hour of good traffic: {verdict.rows} rows, verdict {verdict.verdict}.")
    tell.check(
        "good traffic gives the verdict OK and no mail",
        verdict.verdict == "OK" and len(story.mails) == mails,
    )
    story.send(ENDPOINT, bad=True, requests=REQUESTS_AN_HOUR)
    example = story.data.traffic(story.requests, ROWS_A_REQUEST)[1][-1]
    tell.say(
        f"Then {ROWS_AN_HOUR} rows within a minute; in half of them {column} is {spoilt(example)!r}, not {example!r}."
    )
    story.cloud.turn(minutes=4)
    tell.check("a mail came within minutes, before the hour was over", len(story.mails) == mails + 1)
    story.cloud.turn(minutes=30)
    story.to_ten_past()
    verdict = story.executions()[-1]
    _show(story, verdict)
    violated = [m for m in verdict.measurements if m.violated]
    tell.check(f"exactly one violation: {column}, data_type_check", _named(violated) == [(column, "data_type_check")])
    sentence = (
        "Data type match requirement is not met. Expected data type: {0}, Expected match: 100.0%."
        " Observed: Only 50.0% of data is {0}."
    ).format(violated[0].expected if violated else "")
    tell.check("the sentence is Model Monitor's", bool(violated) and violated[0].description == sentence)
    drift = [m for m in verdict.measurements if m.kind == "drift"]
    columns = [m for m in verdict.measurements if m.check.endswith("_column_check")]
    tell.check(
        f"drift was judged for {len(drift)} columns, and passed", bool(drift) and not any(m.violated for m in drift)
    )
    tell.check("the column counts were judged, and passed", len(columns) == 2 and not any(m.violated for m in columns))
    violations = json.loads(s3.get(verdict.folder + "constraint_violations.json") or b"{}")
    tell.say(f"s3://{story.bucket}/{verdict.folder}constraint_violations.json, in Model Monitor's format:")
    tell.show(json.dumps(violations, indent=2))
    page = (s3.get(verdict.folder + "report.html") or b"").decode()
    tell.say(f"Beside it the page that shows it, report.html ({len(page) // 1000} kB; `vedette report {ENDPOINT}`).")
    tell.check("the page says what is wrong, and that the model did not change", _NOT_THE_MODEL in page)
    tell.mail(story.mails[-1])


def a_day(story: Story) -> None:
    """Twenty-four windows of the same violation are one alert."""
    tell, mails = story.tell, len(story.mails)
    tell.chapter("A day of the same: one alert")
    with tell.progress("an hour of traffic each", 24) as bar:
        for _ in range(24):
            story.hour(bad=True)
            bar.advance(bar.task_ids[0])
    windows = [execution for execution in story.executions() if execution.verdict == "Violations"]
    tell.say(f"{len(windows)} windows were judged as violated. The alert was told when it began, and not again.")
    tell.check("24 windows or more were violated", len(windows) >= 24)
    tell.check("no further mail came", len(story.mails) == mails)


def recovery(story: Story) -> None:
    """Two clean windows recover."""
    tell = story.tell
    tell.chapter("The client is mended: recovery")
    mails = len(story.mails)
    for _ in range(2):
        story.hour()
    tell.say("Two clean windows in a row:")
    tell.mail(story.mails[-1])
    tell.check("one mail says that it recovered", [m.subject[:11] for m in story.mails[mails:]] == ["[recovered]"])


def silent_roll_back(story: Story) -> None:
    """A failing update comes back InService on the old config, and is caught."""
    tell, cloud = story.tell, story.cloud
    tell.chapter("An update that fails looks healthy; Vedette looks twice")
    story.hour()
    config, mails = story.config, len(story.mails)
    cloud.sagemaker.fail_next_update(
        ENDPOINT, "The primary container for production variant AllTraffic did not pass the ping health check."
    )
    user_actions.register(ENDPOINT, "linear-learner", story.data.training_csv, story.bucket, "Approved")
    story.hour()
    status = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"]
    tell.say(
        f"Version 3 is approved; its update fails. SageMaker says: {ENDPOINT} is {status}. It is, on its old config."
    )
    tell.mail(story.mails[-1])
    tell.check("the endpoint is InService on the config from before", (status, story.config) == ("InService", config))
    told = [mail.subject for mail in story.mails[mails:]]
    tell.check("the roll-back was told, once", len(told) == 1 and "version 3 could not be deployed" in told[0])


def rejection(story: Story) -> None:
    """The second version is rejected, and the first is served again."""
    tell = story.tell
    tell.chapter("Reject the second version: the first is served again")
    user_actions.set_approval(_arn(3), "Rejected")
    user_actions.set_approval(_arn(2), "Rejected")
    story.cloud.turn(minutes=20)
    tell.say(f"Versions 3 and 2 are rejected in the registry. {ENDPOINT} serves version {story.served}.")
    tell.check("version 1 is served again", story.served == "1")
    user_actions.set_approval(_arn(2), "Approved")
    story.cloud.turn(minutes=20)
    tell.say("Version 2 is approved anew, and served again.")
    tell.check("version 2 is served again", story.served == "2")


def model_monitor(story: Story) -> None:
    """A schedule of Model Monitor gives the same kind of alert."""
    tell, cloud = story.tell, story.cloud
    tell.chapter("An existing Model Monitor schedule gives the same alerts")
    story.to_ten_past()
    mails = len(story.mails)
    content = {
        "violations": [
            {
                "feature_name": story.data.names[1],
                "constraint_check_type": "completeness_check",
                "description": _COMPLETENESS,
            }
        ]
    }
    report = Report(violations=1, files={"constraint_violations.json": json.dumps(content).encode()})
    cloud.sagemaker.monitoring.monitor = lambda execution: report
    _schedule(story)
    for _ in range(2):
        story.hour()
    found = [mail for mail in story.mails[mails:] if "completeness_check" in mail.text]
    tell.say(f"An hourly schedule of Model Monitor ran {len(_jobs())} time(s) and found one violation.")
    if found:
        tell.mail(found[0])
    tell.check("its violation was told like one of Vedette's own, once", len(found) == len(story.mails) - mails == 1)


def deletion(story: Story) -> None:
    """The monitors go first, then the endpoint, then what it was made of."""
    tell, cloud, mails = story.tell, story.cloud, len(story.mails)
    tell.chapter("Delete the monitors, then the endpoint")
    done: list[str] = []
    for endpoint in (ENDPOINT, WATCHED):
        found = prepared(endpoint, everything=endpoint == WATCHED)
        delete(found, lambda seconds: cloud.turn(seconds=seconds), done.append)
    tell.say("As `vedette delete` does it, by exact names, what runs awaited; the other one only as it was asked for:")
    for line in done:
        tell.show(line)
    cloud.turn(hours=2)
    sagemaker = boto3.client("sagemaker")
    left = (
        sagemaker.list_endpoints()["Endpoints"] + sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    )
    tell.check("no endpoint and no schedule is left", left == [])
    parts = sagemaker.list_endpoint_configs()["EndpointConfigs"] + sagemaker.list_models()["Models"]
    tell.check("no config and no model is left", parts == [])
    tell.check("nothing was created again, and nobody was woken", story.served == "" and len(story.mails) == mails)


CHAPTERS = (
    first_look,
    approval,
    replacement,
    baseline,
    traffic,
    a_day,
    recovery,
    silent_roll_back,
    rejection,
    model_monitor,
    deletion,
)

# --- helpers ----------------------------------------------------------------------------------------------------------

_NOT_THE_MODEL = "Version 2 had passed before: the data changed, not the model."
_COMPLETENESS = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 97.5%."


def _arn(version: int) -> str:
    sagemaker = boto3.client("sagemaker")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=ENDPOINT)["ModelPackageSummaryList"]
    return next(str(found["ModelPackageArn"]) for found in listed if found["ModelPackageVersion"] == version)


def _deploy_by_hand(story: Story, name: str) -> None:
    """An endpoint as somebody else's Terraform would make it: no registry, capture into the stage's bucket."""
    sagemaker = boto3.client("sagemaker")
    key = f"models/{name}/model.tar.gz"
    boto3.client("s3").put_object(Bucket=story.bucket, Key=key, Body=train("knn", story.data.training_csv))
    role = os.environ["VEDETTE_ROLE_ARN"]
    container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": f"s3://{story.bucket}/{key}"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    capture: dict[str, Any] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{story.bucket}/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    story.cloud.turn(minutes=6)


def _schedule(story: Story) -> None:
    """An hourly data-quality schedule, as an existing customer of Model Monitor has it."""
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_data_quality_job_definition(
        JobDefinitionName=ENDPOINT,
        DataQualityAppSpecification={
            "ImageUri": "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
        },
        DataQualityJobInput={
            "EndpointInput": {"EndpointName": ENDPOINT, "LocalPath": "/opt/ml/processing/input/endpoint"}
        },
        DataQualityJobOutputConfig={
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": f"s3://{story.bucket}/reports", "LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        JobResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        RoleArn=os.environ["VEDETTE_ROLE_ARN"],
    )
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=ENDPOINT,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinitionName": ENDPOINT,
            "MonitoringType": "DataQuality",
        },
    )


def _jobs() -> list[Any]:
    return list(boto3.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"])


def _parts(story: Story) -> list[Any]:
    keys = [found.key for found in s3.list_objects(f"parts/{ENDPOINT}/")]
    return list(store.parts(keys))


def _edited(story: Story, suggested: Constraints) -> Constraints:
    """The constraints with the type that clients really send: whole numbers where the data are whole."""
    sent = story.data.traffic(0, 500)
    for position, name in enumerate(story.data.names[1:]):
        whole = all(row[position].lstrip("+-").isdigit() for row in sent)
        suggested = suggested.with_type(name, "Integral" if whole else "Fractional")
    return suggested


def _types(constraints: Constraints) -> str:
    return ", ".join(f"{feature.name} {feature.inferred_type}" for feature in constraints.features)


def _named(measurements: list[Any]) -> list[tuple[str, str]]:
    return [(m.feature, m.check) for m in measurements]


def _show(story: Story, execution: Execution) -> None:
    """Everything that was measured in a window."""
    tell = story.tell
    start: datetime = execution.window_start
    tell.say(
        f"The window of {start:%H:%M} is closed: {execution.rows} rows, {len(execution.measurements)} values measured:"
    )
    for m in execution.measurements:
        mark = "VIOLATED" if m.violated else "passed  "
        tell.show(f"{mark}  {m.feature:<16}{m.check:<24}{m.observed}, expected {m.expected}")
