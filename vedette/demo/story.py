"""The demo, chapter by chapter: user actions, the reactions of Vedette's functions, and checks of the results.

    first look -> register, approve, deploy -> replace the model -> baseline and constraints -> good and bad traffic
    -> a day of the same -> recovery -> a silent roll-back -> a rejection -> a Model Monitor schedule -> deletion

All deployment, capture processing, evaluation and alerting is done by the code of chalicelib/, which runs in the
functions of chalice_app/app.py when events match their patterns.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from chalicelib.aws import sagemaker
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Execution, FleetEntry, GoldenPayload, Mode
from chalicelib.registry.plan import Served
from vedette.data_sets import baseline_statistics
from vedette.demo import user_actions
from vedette.demo.console import DemoConsole
from vedette.demo.data import DataSet, corrupted, from_file, half_corrupted, sites
from vedette.local import Cloud
from vedette.local.application import load_app
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
    """What all chapters share: the simulated cloud with the functions, the data, and the console."""

    cloud: Cloud
    console: DemoConsole
    data: DataSet
    bucket: str
    entry: FleetEntry
    requests: int = 0

    @property
    def mails(self) -> list[Mail]:
        """All e-mails so far."""
        return self.cloud.mailbox.mails

    @property
    def served(self) -> str:
        """The version that the endpoint serves now; "" if there is no endpoint."""
        found = Served.of(sagemaker.describe_served(ENDPOINT))
        return found.version if found else ""

    @property
    def config(self) -> str:
        """The endpoint's current config; "" if there is no endpoint."""
        found = Served.of(sagemaker.describe_served(ENDPOINT))
        return found.config_name if found else ""

    def send(self, endpoint: str, *, bad: bool, requests: int = 1) -> str:
        """Send requests of 20 rows each; returns the last response."""
        answer = ""
        for _ in range(requests):
            self.requests += 1
            rows = self.data.traffic(self.requests, ROWS_A_REQUEST)
            answer = user_actions.predict(endpoint, half_corrupted(rows) if bad else rows)
        return answer

    def hour(self, *, bad: bool = False) -> None:
        """Send traffic for an hour, then advance to ten past the next hour, when its window is evaluated."""
        for _ in range(4):
            self.send(ENDPOINT, bad=bad, requests=REQUESTS_AN_HOUR // 4)
            self.cloud.turn(minutes=15)
        self.to_ten_past()

    def to_ten_past(self) -> None:
        """Advance the clock to ten minutes past an hour."""
        self.cloud.turn(minutes=(10 - self.cloud.clock.now().minute) % 60)

    def executions(self, endpoint: str = ENDPOINT) -> list[Execution]:
        """The executions of all closed windows so far."""
        bucket = stage_stores().bucket
        keys = [found.key for found in bucket.list_objects(f"monitoring/{endpoint}/AllTraffic/2")]
        found = [bucket.get_record(Execution, key) for key in keys if key.endswith("/execution.json")]
        return sorted((e for e in found if e is not None), key=lambda e: (e.window_start, e.revision))


def run(content: bytes | None, place: str, keep: Path | None) -> bool:
    """Run all chapters; returns whether every check passed."""
    console = Console(file=sys.stdout, highlight=False)
    data = from_file(content, place) if content is not None else sites()
    with _quiet_functions(), smtp_server() as received, Cloud() as cloud:
        cloud.mailbox.smtp = received.address
        demo = DemoConsole(console, cloud.clock, received)
        demo.title()
        environment = cloud.install()
        cloud.run_functions(load_app(environment))
        golden = GoldenPayload(body=",".join(data.traffic(0, 1)[0]))
        entry = FleetEntry(
            endpoint=ENDPOINT,
            mode=Mode.DEPLOY,
            package_group=ENDPOINT,
            golden_payload=golden,
            drift_window_minutes=60,  # instead of days, to keep the demo short
        )
        story = Story(cloud, demo, data, environment["VEDETTE_BUCKET"], entry)
        for chapter in CHAPTERS:
            chapter(story)
        if keep is not None:
            files, mails = cloud.copy_bucket(story.bucket, keep), kept_mails(cloud.mailbox.mails, keep / "mails")
            console.print(
                f"Copied {files} files of the bucket to {keep}, and {mails} e-mails to {keep / 'mails'}.", markup=False
            )
        sent = [(mail.subject, mail.text.splitlines()) for mail in cloud.mailbox.mails]
        arrived = [(mail["Subject"], mail.get_content().splitlines()) for mail in received.mails]
        demo.check(f"a mail server received each of the {len(sent)} e-mails unchanged", sent == arrived)
        demo.check("every event was processed", not cloud.bus.failed)
        return demo.summary()


@contextmanager
def _quiet_functions() -> Iterator[None]:
    """Hide the logs and metrics of the functions, and restore the environment at the end."""
    saved = dict(os.environ)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


# --- chapters ---------------------------------------------------------------------------------------------------------


def first_look(story: Story) -> None:
    """A bad request to an endpoint that Vedette did not deploy raises an alert."""
    console, cloud = story.console, story.cloud
    console.chapter("First look: a bad request raises an alert")
    column = story.data.names[-1]
    user_actions.deploy_by_hand(WATCHED, "knn", story.data.training_csv, story.bucket)
    story.cloud.turn(minutes=6)
    user_actions.apply_fleet(FleetEntry(endpoint=WATCHED, mode=Mode.ALERT))
    statistics = baseline_statistics([story.data.csv], "data set")
    user_actions.put_baseline_in_force(WATCHED, "v1", _edited(story, suggested_constraints(statistics)), statistics)
    console.say(f"The endpoint {WATCHED} was not deployed by Vedette. It captures its data, and Vedette watches it.")
    sent_at, deliveries = cloud.clock.now(), len(cloud.bus.deliveries)
    rows = half_corrupted(story.data.traffic(1, ROWS_A_REQUEST))
    user_actions.predict(WATCHED, rows)
    before, after = story.data.traffic(1, ROWS_A_REQUEST)[1][-1], rows[1][-1]
    console.say(f"A client sends {ROWS_A_REQUEST} rows. In half of them {column} is {after!r}, not {before!r}.")
    cloud.turn(minutes=4)
    if not story.mails:
        console.check("the bad request raised an alert", False)
        return
    mail = story.mails[-1]
    console.say("SageMaker writes the captured file. Vedette reads it, evaluates it, and sends this e-mail:")
    console.mail(mail)
    console.say("The commands in the e-mail need an installed stage; the stage of the demo ends with the demo.")
    minutes = (mail.time - sent_at).total_seconds() / 60
    work = [
        d for d in cloud.bus.deliveries[deliveries:] if d.function in {"on_data_captured", "on_monitoring_execution"}
    ]
    seconds = sum(delivery.seconds for delivery in work)
    console.say(
        f"The e-mail is sent {minutes:.0f} minutes after the request on the demo's clock, which is the time"
        f" that SageMaker takes to write the file. The two functions ran for {seconds:.2f} s of real time."
    )
    console.check(f"the bad request raised an alert about {column}", f": {column} is not" in mail.subject)


def approval(story: Story) -> None:
    """Two versions are registered; the first is approved, deployed and verified."""
    console, cloud = story.console, story.cloud
    console.chapter("Register two models and approve the first")
    user_actions.apply_fleet(story.entry)
    arns = [
        user_actions.register(ENDPOINT, kind, story.data.training_csv, story.bucket)
        for kind in ("linear-learner", "knn")
    ]
    cloud.turn(minutes=20)
    console.say("Version 1, a linear learner, and version 2, a k-NN, are registered and not yet approved.")
    console.check("nothing is deployed before an approval", story.served == "")
    user_actions.set_approval(arns[0], "Approved")
    console.say("A user approves version 1 in the registry.")
    cloud.turn(minutes=10)
    console.say(f"Vedette creates the endpoint {ENDPOINT} with data capture, and verifies it with its golden request.")
    console.check("version 1 is served", story.served == "1")
    console.check(
        "an e-mail confirms the verified deployment",
        story.mails[-1].subject.endswith("version 1 is deployed and verified"),
    )
    described = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    console.check("data capture has started", described["DataCaptureConfig"]["CaptureStatus"] == "Started")
    row = story.data.traffic(2, 1)
    answer = user_actions.predict(ENDPOINT, row, Accept="application/json")
    console.say(f"A prediction of the endpoint: {','.join(row[0])} -> {answer.strip()}")
    console.check("the endpoint is a linear learner", "score" in json.loads(answer)["predictions"][0])


def replacement(story: Story) -> None:
    """The second version replaces the model behind the same endpoint."""
    console, cloud = story.console, story.cloud
    console.chapter("Approve the second version: the same endpoint gets the new model")
    before = story.config
    user_actions.set_approval(_arn(2), "Approved")
    cloud.turn(minutes=10)
    row = story.data.traffic(3, 1)
    answer = user_actions.predict(ENDPOINT, row, Accept="application/json")
    console.say(f"The endpoint serves version 2. A prediction: {','.join(row[0])} -> {answer.strip()}")
    console.check("the same endpoint serves version 2 with a new config", story.served == "2" != before != story.config)
    console.check("the endpoint is a k-NN", list(json.loads(answer)["predictions"][0]) == ["predicted_label"])
    cloud.turn(minutes=10)
    probes = sum(part.summary.probes for part in _parts(story))
    console.check("the golden requests were captured, and are not in the statistics", probes == 2)


def baseline(story: Story) -> None:
    """A baseline is suggested from the data set, and two constraints are edited by hand."""
    console = story.console
    console.chapter("Suggest a baseline and edit its constraints")
    statistics = baseline_statistics([story.data.csv], "data set")
    suggested = suggested_constraints(statistics)
    console.say(f"Suggested from {statistics.rows:,} rows and {len(statistics.names)} columns: " + _types(suggested))
    edited = _edited(story, suggested)
    user_actions.put_baseline_in_force(ENDPOINT, "v1", edited, statistics)
    console.say("A user edits the types in constraints.json: " + _types(edited))
    stored = stage_stores().baselines.get_in_force(ENDPOINT)
    console.check("the edited baseline is the current one", stored is not None and stored.content.constraints == edited)


def traffic(story: Story) -> None:
    """An hour of good traffic; then an hour in which half of the rows are bad."""
    console = story.console
    console.chapter("Good traffic, then half good and half bad traffic")
    column = story.data.names[-1]
    story.to_ten_past()
    mails = len(story.mails)
    story.hour()
    verdict = story.executions()[-1]
    console.say(f"After an hour of good traffic with {verdict.rows} rows, the verdict is {verdict.verdict}.")
    console.check("good traffic is OK and raises no alert", verdict.verdict == "OK" and len(story.mails) == mails)
    story.send(ENDPOINT, bad=True, requests=REQUESTS_AN_HOUR)
    example = story.data.traffic(story.requests, ROWS_A_REQUEST)[1][-1]
    console.say(f"Then {ROWS_AN_HOUR} rows arrive. In half, {column} is {corrupted(example)!r}, not {example!r}.")
    story.cloud.turn(minutes=4)
    console.check("an alert was sent within minutes, before the end of the hour", len(story.mails) == mails + 1)
    story.cloud.turn(minutes=30)
    story.to_ten_past()
    verdict = story.executions()[-1]
    _show(story, verdict)
    violated = [m for m in verdict.measurements if m.violated]
    console.check(f"only {column} is violated", _named(violated) == [(column, "data_type_check")])
    sentence = (
        "Data type match requirement is not met. Expected data type: {0}, Expected match: 100.0%."
        " Observed: Only 50.0% of data is {0}."
    ).format(violated[0].expected if violated else "")
    console.check("its description is Model Monitor's", bool(violated) and violated[0].description == sentence)
    drift = [m for m in verdict.measurements if m.kind == "drift"]
    columns = [m for m in verdict.measurements if m.check.endswith("_column_check")]
    console.check(f"drift of {len(drift)} columns passed", bool(drift) and not any(m.violated for m in drift))
    console.check("the column counts passed", len(columns) == 2 and not any(m.violated for m in columns))
    violations = json.loads(stage_stores().bucket.get(verdict.folder + "constraint_violations.json") or b"{}")
    console.say(f"s3://{story.bucket}/{verdict.folder}constraint_violations.json has Model Monitor's format:")
    console.show(json.dumps(violations, indent=2))
    page = (stage_stores().bucket.get(verdict.folder + "report.html") or b"").decode()
    console.say(f"The same folder has report.html ({len(page) // 1000} kB), which `vedette report {ENDPOINT}` writes.")
    console.check("the report shows the violation, and that the model did not change", _NOT_THE_MODEL in page)
    console.mail(story.mails[-1])


def a_day(story: Story) -> None:
    """Twenty-four windows of the same violation are one alert, which is repeated after a day because it is critical."""
    console, mails = story.console, len(story.mails)
    console.chapter("A day of bad traffic is one alert")
    with console.progress("hours of traffic", 24) as bar:
        for _ in range(24):
            story.hour(bad=True)
            bar.advance(bar.task_ids[0])
    windows = [execution for execution in story.executions() if execution.verdict == "Violations"]
    subjects = [mail.subject for mail in story.mails[mails:]]
    console.say(f"{len(windows)} windows are violated. After a day, one e-mail says: {'; '.join(subjects)}.")
    console.check("at least 24 windows are violated", len(windows) >= 24)
    console.check("one e-mail repeats the alert after a day", len(subjects) == 1 and "still violated" in subjects[0])


def recovery(story: Story) -> None:
    """Two clean windows resolve the alert."""
    console = story.console
    console.chapter("The client is fixed, and the alert recovers")
    mails = len(story.mails)
    for _ in range(2):
        story.hour()
    console.say("After two clean windows in a row, Vedette sends this e-mail:")
    console.mail(story.mails[-1])
    console.check("one e-mail reports the recovery", [m.subject[:11] for m in story.mails[mails:]] == ["[recovered]"])


def silent_roll_back(story: Story) -> None:
    """A failed update returns to InService with the old config; Vedette detects it."""
    console, cloud = story.console, story.cloud
    console.chapter("A failed update looks healthy, and Vedette detects it")
    story.hour()
    config, mails = story.config, len(story.mails)
    cloud.sagemaker.fail_next_update(
        ENDPOINT, "The primary container for production variant AllTraffic did not pass the ping health check."
    )
    user_actions.register(ENDPOINT, "linear-learner", story.data.training_csv, story.bucket, "Approved")
    story.hour()
    status = boto3.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"]
    console.say(
        f"Version 3 is approved, but its update fails. SageMaker says: {ENDPOINT} is {status}, with its old config."
    )
    console.mail(story.mails[-1])
    console.check("the endpoint is InService with its previous config", (status, story.config) == ("InService", config))
    subjects = [mail.subject for mail in story.mails[mails:]]
    console.check("one e-mail says so", len(subjects) == 1 and "version 3 could not be deployed" in subjects[0])


def rejection(story: Story) -> None:
    """The second version is rejected, and the first is served again."""
    console = story.console
    console.chapter("Reject the second version, and the first is served again")
    user_actions.set_approval(_arn(3), "Rejected")
    user_actions.set_approval(_arn(2), "Rejected")
    story.cloud.turn(minutes=20)
    console.say(f"A user rejects versions 3 and 2 in the registry. {ENDPOINT} now serves version {story.served}.")
    console.check("version 1 is served again", story.served == "1")
    user_actions.set_approval(_arn(2), "Approved")
    story.cloud.turn(minutes=20)
    console.say("A user approves version 2 again, and it is served again.")
    console.check("version 2 is served again", story.served == "2")


def model_monitor(story: Story) -> None:
    """A Model Monitor schedule raises the same kind of alert."""
    console, cloud = story.console, story.cloud
    console.chapter("An existing Model Monitor schedule raises the same alerts")
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
    runs = len(_jobs())
    console.say(f"An hourly Model Monitor schedule ran {runs} time{'' if runs == 1 else 's'} and found one violation.")
    if found:
        console.mail(found[0])
    console.check(
        "its violation was reported once, like a violation that Vedette finds",
        len(found) == len(story.mails) - mails == 1,
    )


def deletion(story: Story) -> None:
    """Delete the monitors first, then the endpoint, then its configs and models."""
    console, cloud, mails = story.console, story.cloud, len(story.mails)
    console.chapter("Delete the monitors, then the endpoints")
    done: list[str] = []
    for endpoint in (ENDPOINT, WATCHED):
        found = prepared(endpoint, everything=endpoint == WATCHED)
        delete(found, lambda seconds: cloud.turn(seconds=seconds), done.append)
    console.say("`vedette delete` deletes both endpoints by exact names, after running jobs have ended:")
    for line in done:
        console.show(line)
    cloud.turn(hours=2)
    sagemaker = boto3.client("sagemaker")
    left = (
        sagemaker.list_endpoints()["Endpoints"] + sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    )
    console.check("no endpoint and no schedule remains", left == [])
    parts = sagemaker.list_endpoint_configs()["EndpointConfigs"] + sagemaker.list_models()["Models"]
    console.check("no config and no model remains", parts == [])
    console.check("nothing was created again, and no alert was sent", story.served == "" and len(story.mails) == mails)


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

_NOT_THE_MODEL = ": the data changed, not the model."
_COMPLETENESS = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 97.5%."


def kept_mails(mails: Sequence[Mail], folder: Path) -> int:
    """Write each e-mail to a file that mail programs open, numbered in the order of arrival; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, mail in enumerate(mails, 1):
        kind = mail.attributes.get("kind", "mail").replace(" ", "-")
        (folder / f"{number:03}-{kind}.eml").write_bytes(bytes(mail.as_email()))
    return len(mails)


def _arn(version: int) -> str:
    sagemaker = boto3.client("sagemaker")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=ENDPOINT)["ModelPackageSummaryList"]
    return next(str(found["ModelPackageArn"]) for found in listed if found["ModelPackageVersion"] == version)


def _schedule(story: Story) -> None:
    """Create an hourly data-quality schedule, as an existing user of Model Monitor has."""
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
    keys = [found.key for found in stage_stores().bucket.list_objects(f"parts/{ENDPOINT}/")]
    return list(stage_stores().parts.read(keys))


def _edited(story: Story, suggested: Constraints) -> Constraints:
    """The constraints with the types that clients send: Integral for columns of whole numbers."""
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
    """Print everything that was measured in a window."""
    console = story.console
    start: datetime = execution.window_start
    console.say(f"The window of {start:%H:%M} is closed. {len(execution.measurements)} values were measured:")
    for m in execution.measurements:
        mark = "VIOLATED" if m.violated else "passed  "
        console.show(f"{mark}  {m.feature:<16}{m.check:<28}{m.observed}, expected {m.expected}")
