"""examples/records: every writer is read back by Vedette, and no request is lost without a word."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.capture.summary import summarize
from chalicelib.locations import capture_key
from tests.cli.watched_endpoint import CHURN, churn, lake, write_constraints
from tests.operations.installed_stage import installed

__all__ = ["lake"]
RECORDS = Path(__file__).parents[2] / "examples" / "records"
NINE = datetime(2026, 11, 22, 9, 34, 30, 683_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def examples(monkeypatch):
    """The folder of the examples, as a program has the module beside its own."""
    monkeypatch.syspath_prepend(RECORDS)
    names = [path.stem for path in RECORDS.glob("*.py")]
    yield
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def stage(monkeypatch):
    with installed(monkeypatch) as stage:
        yield stage


class Objects:
    """S3, as far as the writer uses it; it may fail."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.keys: list[str] = []  # of every attempt
        self.is_down = False

    def put_object(self, **request):
        self.keys.append(request["Key"])
        if self.is_down:
            raise EndpointConnectionError(endpoint_url="https://s3")
        self.objects[request["Key"]] = request["Body"]

    @property
    def events(self) -> list[dict]:
        return [json.loads(line) for content in self.objects.values() for line in content.splitlines()]


def writer_to(s3, **more):
    from capture_writer import CaptureWriter

    return CaptureWriter("s3://lake/records/", CHURN, "blue", **{"s3": s3, "is_background": False} | more)


# --- the writer -------------------------------------------------------------------------------------------------------


def test_an_object_has_the_name_and_the_lines_of_a_captured_one():
    s3 = Objects()
    writer = writer_to(s3)
    assert writer.record(b"1,2", b"0.5", inference_id="42", custom_attributes=["testing"], at=NINE)
    writer.flush()
    ((key, content),) = s3.objects.items()
    found = capture_key(key)
    assert (found.prefix, found.endpoint, found.variant) == ("records", CHURN, "blue")
    assert key.startswith("records/churn/blue/2026/11/22/09/34-30-683-")
    assert json.loads(content)["eventMetadata"] == {
        "eventId": json.loads(content)["eventMetadata"]["eventId"],
        "inferenceTime": "2026-11-22T09:34:30Z",
        "inferenceId": "42",
        "customAttributes": ["testing"],
    }
    summary = summarize([content])
    assert (summary.rows, summary.rejected_lines) == (1, 0)


def test_the_hour_is_that_of_utc_wherever_the_program_runs():
    s3 = Objects()
    writer = writer_to(s3)
    writer.record(b"1", b"2", at=NINE.astimezone(timezone(timedelta(hours=-5))))
    writer.flush()
    assert "/2026/11/22/09/34-30-" in s3.keys[0]


@pytest.mark.parametrize(
    ("payload", "content_type", "encoding"),
    [
        (b"1,2", "text/csv; charset=utf-8", "CSV"),
        (b'{"a": 1}', "application/json", "JSON"),
        (b'{"a": 1}\n{"a": 2}', "application/jsonlines", "JSON"),
        (b"1,2", "application/octet-stream", "BASE64"),
        (b"\xff\xfe", "text/csv", "BASE64"),
        (b"a\n1", "TEXT/CSV", "CSV"),
    ],
)
def test_a_payload_is_encoded_as_sagemaker_does(payload, content_type, encoding):
    s3 = Objects()
    writer = writer_to(s3)
    writer.record(payload, b"0.5", request_type=content_type)
    writer.flush()
    side = s3.events[0]["captureData"]["endpointInput"]
    assert (side["encoding"], side["mode"], side["observedContentType"]) == (encoding, "INPUT", content_type)


def test_what_s3_does_not_take_waits_and_is_written_later_under_the_same_key():
    s3 = Objects()
    writer = writer_to(s3, max_records=2)
    s3.is_down = True
    for number in range(3):
        assert writer.record(b"%d" % number, b"0")
    with pytest.raises(EndpointConnectionError):
        writer.flush()
    s3.is_down = False
    writer.flush()
    assert s3.keys[0] == s3.keys[1]
    assert sorted(one["captureData"]["endpointInput"]["data"] for one in s3.events) == ["0", "1", "2"]
    assert writer.lost == 0


def test_a_record_that_finds_no_room_is_counted_and_logged(monkeypatch, caplog):
    import capture_writer

    monkeypatch.setattr(capture_writer, "MAX_WAITING_BYTES", 1_000)
    writer = writer_to(Objects())
    added = [writer.record(b"1", b"0") for _ in range(10)]
    assert 0 < writer.lost == added.count(False) < 10
    assert "1 are lost by now" in caplog.text


def test_a_line_that_is_too_long_and_one_after_the_end_are_counted_and_logged(monkeypatch, caplog):
    import capture_writer

    monkeypatch.setattr(capture_writer, "MAX_LINE_BYTES", 1_000)
    s3 = Objects()
    writer = writer_to(s3)
    assert not writer.record(b"x" * 1_000, b"0")
    writer.record(b"1", b"0")
    writer.close()
    assert not writer.record(b"2", b"0")
    assert writer.lost == 2
    assert len(s3.events) == 1
    assert "a record is too long" in caplog.text
    assert "xxx" not in caplog.text


def test_the_sampled_share_is_recorded():
    drawn = iter([0.0, 0.19, 0.2, 0.9])
    s3 = Objects()
    writer = writer_to(s3, sampled_percentage=20, choose=lambda: next(drawn))
    assert [writer.record(b"1", b"0") for _ in range(4)] == [True, True, False, False]
    assert writer.lost == 0


def test_threads_share_a_writer_and_every_record_is_written_once():
    s3 = Objects()
    writer = writer_to(s3, is_background=True, max_records=7, max_seconds=0.01)

    def send(thread: int) -> None:
        for number in range(100):
            assert writer.record(b"%d" % (thread * 100 + number), b"0")

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    writer.close()
    sent = sorted(int(one["captureData"]["endpointInput"]["data"]) for one in s3.events)
    assert sent == list(range(800))
    assert len(s3.keys) == len(set(s3.keys)) > 1


def test_the_thread_goes_on_after_an_outage(caplog):
    s3 = Objects()
    s3.is_down = True
    writer = writer_to(s3, is_background=True, max_records=1, max_seconds=0.01)
    with caplog.at_level(logging.WARNING):
        writer.record(b"1", b"0")
        while "records wait" not in caplog.text:
            threading.Event().wait(0.01)
    s3.is_down = False
    writer.close()
    assert len(s3.events) == 1


def test_objects_that_come_too_late_for_their_window_cannot_be_configured():
    with pytest.raises(ValueError, match="max_seconds is 600; it must be above 0, and at most 240"):
        writer_to(Objects(), max_seconds=600)


# --- the examples, read back by Vedette -------------------------------------------------------------------------------


def watched(stage, tmp_path) -> None:
    write_constraints(tmp_path)
    place = f"s3://{stage.bucket}/data-capture"
    stage.done("watch", CHURN, "--records", place, "--baseline", tmp_path, "--mode", "alert", "--yes")


def test_a_serverless_endpoint_is_watched_by_the_records_of_its_client(stage, lake, tmp_path):
    from capture_writer import CaptureWriter
    from serverless_endpoint import Endpoint

    churn(stage, enabled=False)  # the AWS simulator makes real-time endpoints alone, which are called in the same way
    watched(stage, tmp_path)
    with_records = CaptureWriter(f"s3://{stage.bucket}/data-capture", CHURN, is_background=False)
    endpoint = Endpoint(CHURN, with_records)
    for _ in range(40):
        assert float(endpoint.invoke(b"1,2.5", inference_id="a")) in {0.0, 1.0}
    with_records.flush()
    place = f"s3://{stage.bucket}/data-capture/{CHURN}"
    stage.done("captured", place, "-o", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text().count("2.5") == 40
    assert "40 rows in 40 requests" in stage.done("summarize", place)
    stage.cloud.turn(hours=1, minutes=10)
    assert "b is not Integral in 100.0% of 40 rows" in stage.cloud.mailbox.mails[0].subject
    assert "b is not Integral in 100.0% of 40 rows" in stage.run("show", "violations", CHURN).output


def test_an_asynchronous_endpoint_is_watched_by_its_notifications(stage, tmp_path, monkeypatch):
    from async_endpoint import handler

    watched(stage, tmp_path)
    monkeypatch.setenv("RECORDS", f"s3://{stage.bucket}/data-capture")
    s3 = boto3.client("s3")
    s3.put_object(Bucket=stage.bucket, Key="async/in.csv", Body=b"1,2.5\n" * 40, ContentType="text/csv")
    s3.put_object(Bucket=stage.bucket, Key="async/out/1.out", Body=b"1\n" * 40)
    event = {"Records": [{"Sns": {"Message": json.dumps(notification(stage))}}]}
    assert handler(event, None) == {"recorded": 1}
    assert handler(event, None) == {"recorded": 1}  # SNS delivers it again
    failed = {**notification(stage), "invocationStatus": "Failed"}
    assert handler({"Records": [{"Sns": {"Message": json.dumps(failed)}}]}, None) == {"recorded": 0}
    stage.cloud.settle()
    stage.cloud.turn(hours=1, minutes=10)
    shown = stage.run("show", "violations", CHURN).output
    assert "40 rows of 1 captured requests, 0 lines rejected" in shown
    assert "b is not Integral in 100.0% of 40 rows" in shown


def notification(stage) -> dict:
    """The message of a SuccessTopic.

    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
    """
    now = stage.cloud.clock.now()
    return {
        "awsRegion": "eu-west-1",
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S}.608Z",
        "receivedTime": f"{now:%Y-%m-%dT%H:%M:%S}.455Z",
        "invocationStatus": "Completed",
        "requestParameters": {"endpointName": CHURN, "inputLocation": f"s3://{stage.bucket}/async/in.csv"},
        "responseParameters": {
            "contentType": "text/csv; charset=utf-8",
            "outputLocation": f"s3://{stage.bucket}/async/out/1.out",
        },
        "inferenceId": "11bb22cc-0000-4000-8000-55ddee66ff77",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


class Model(BaseHTTPRequestHandler):
    """A model server that answers 0.5 to every row, and an error to what is no CSV."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_good = self.headers["Content-Type"].startswith("text/csv")
        answer = b"0.5\n" * len(body.splitlines()) if is_good else b"no CSV\n"
        self.send_response(200 if is_good else 415)
        self.send_header("Content-Type", "text/csv; charset=utf-8" if is_good else "text/plain")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def model():
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/invocations"
        server.shutdown()
        thread.join()


def ask(body: bytes, content_type: str = "text/csv") -> tuple[str, bytes]:
    """A request to the proxy: the status, and what the client gets."""
    import proxy

    environ = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type, "HTTP_X_INFERENCE_ID": "42"}
    setup_testing_defaults(environ)
    answered = []
    content = b"".join(
        proxy.application({**environ, "wsgi.input": BytesIO(body)}, lambda *answer: answered.append(answer))
    )
    return answered[0][0], content


def test_a_proxy_passes_requests_on_and_its_records_are_watched(stage, tmp_path, monkeypatch, model):
    import proxy

    monkeypatch.setenv("MODEL", model)
    monkeypatch.setenv("RECORDS", f"s3://{stage.bucket}/data-capture")
    monkeypatch.setenv("NAME", CHURN)
    watched(stage, tmp_path)
    assert ask(b"1,2.5\n" * 40) == ("200 OK", b"0.5\n" * 40)
    assert ask(b"{}", "application/json") == ("415 Unsupported Media Type", b"no CSV\n")
    monkeypatch.setenv("MODEL", "http://127.0.0.1:9/none")
    assert ask(b"1,2\n") == ("502 Bad Gateway", b"the model does not answer\n")
    proxy.writer().close()
    stage.cloud.settle()
    stage.cloud.turn(hours=1, minutes=10)
    shown = stage.run("show", "violations", CHURN).output
    assert "40 rows of 1 captured requests, 0 lines rejected" in shown
    assert "b is not Integral in 100.0% of 40 rows" in shown
