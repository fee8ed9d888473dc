"""What is left when everything has come to rest: all that must not depend on faults or on the order of events."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import locations, records
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.quality.joined import join
from chalicelib.records import AlertState, Deployment, Execution
from chalicelib.registry.versions import version_of
from tests.proof.stage import ENDPOINT, Stage
from vedette.local.recorder import AWS, calling_as

VARIANTS = ("", "AllTraffic")


@dataclass(frozen=True)
class Final:
    """The state without times, and the messages."""

    state: dict[str, Any]
    mails: tuple[tuple[str, str], ...]  # subject and alert id, in order

    @property
    def facts(self) -> Counter[str]:
        """How many messages there are about each fact; copies with the same alert id are one."""
        return Counter(subject for subject, _ in dict.fromkeys(self.mails))

    @property
    def copies(self) -> int:
        """How many messages were sent again, with the same alert id."""
        return len(self.mails) - len(set(self.mails))

    def differences(self, other: "Final") -> list[str]:
        """Where another final state differs, in words."""
        found = [
            f"{name}: {self.state[name]!r} became {other.state[name]!r}"
            for name in self.state
            if self.state[name] != other.state[name]
        ]
        if self.facts != other.facts:
            found.append(f"mails: {dict(self.facts)} became {dict(other.facts)}")
        return found


def final(stage: Stage) -> Final:
    """Read what is left."""
    with calling_as(AWS):
        mails = tuple((mail.subject, mail.attributes["alert_id"]) for mail in stage.cloud.mailbox.mails)
        return Final({**_hosting(stage), **_records(), **_seen(stage), **_quality(), **_platform(stage)}, mails)


def _hosting(stage: Stage) -> dict[str, Any]:
    hosting, endpoint = stage.cloud.sagemaker.hosting, stage.cloud.sagemaker.endpoints.endpoints.get(ENDPOINT)
    return {
        "served": (endpoint.config_name, endpoint.status) if endpoint else None,
        "version": served_version(stage),
        "models": sorted(hosting.models),
        "configs": sorted(hosting.configs),
        "changes": endpoint_changes(stage),
    }


def served_version(stage: Stage) -> str:
    """The version behind the endpoint; "" when there is none."""
    hosting, endpoint = stage.cloud.sagemaker.hosting, stage.cloud.sagemaker.endpoints.endpoints.get(ENDPOINT)
    if endpoint is None:
        return ""
    model = hosting.models[hosting.configs[endpoint.config_name]["ProductionVariants"][0]["ModelName"]]
    return version_of(model["Containers"][0]["ModelPackageName"])


def endpoint_changes(stage: Stage) -> list[str]:
    """Every status that the endpoint went through: one update is one UPDATING."""
    return [
        event["detail"]["EndpointStatus"]
        for event in stage.cloud.bus.events
        if event["detail-type"] == "SageMaker Endpoint State Change"
    ]


def _records() -> dict[str, Any]:
    stores = stage_stores()
    stored = stores.deployments.get(ENDPOINT)
    states = [stores.alert_states.get(ENDPOINT, variant)[0] for variant in VARIANTS]
    baseline = stores.baselines.in_force(ENDPOINT)
    failed = stored.failed_versions
    return {
        "deployment": _attempt(stored.latest) if stored.latest else None,
        "history": sorted(map(_attempt, stored.history)),
        "marks": sorted((version_of(m.package_arn), m.config, m.tries, m.retry_at is None) for m in failed),
        "pin": stored.pin.package_arn if stored.pin else None,
        "alerts": [_alerts(state) for state in states if state],
        "baseline": baseline.version if baseline else None,
    }


def _attempt(record: Deployment) -> tuple[str, ...]:
    return record.package_version, record.config, record.previous_config, record.state, record.reason


def _alerts(book: AlertState) -> dict[str, Any]:
    return {
        "states": {name: (s.state, s.severity, s.recent) for name, s in book.fingerprints.items()},
        "pending": len(book.outbox),
        "reported": len(book.sent_ids),
        "last window": book.last_closed_window_end,
    }


def _seen(stage: Stage) -> dict[str, Any]:
    captured = [
        s3_object.key for s3_object in stage_stores().bucket.list_objects(f"{locations.CAPTURE_PREFIX}/{ENDPOINT}/")
    ]
    parts = [s3_object.key for s3_object in stage_stores().bucket.list_objects(f"parts/{ENDPOINT}/")]
    keys = [
        found.key
        for found in stage_stores().bucket.list_objects(f"monitoring/{ENDPOINT}/")
        if found.key.endswith("/execution.json")
    ]
    executions = [found for key in keys if (found := stage_stores().bucket.get_record(Execution, key)) is not None]
    return {
        "not summarized": len(captured) - len(parts),
        "rows": sum(part.summary.rows for part in stage_stores().parts.read(parts)),
        "executions": sorted((*_window(e), e.window_closed, e.verdict, e.rows) for e in executions),
    }


def _window(execution: Execution) -> tuple[datetime, datetime]:
    """Its time; an open window ends when it is evaluated, which is later where a fault needs a retry."""
    return execution.window_start, execution.window_end if execution.window_closed else execution.window_start


def _quality() -> dict[str, Any]:
    """The bytes of every prediction part and label part, and of both joined; empty without model quality."""
    stores, entry = stage_stores(), stage_stores().fleet.entry(ENDPOINT)
    if entry is None or entry.quality is None:
        return {}
    parts = EndpointRun.without_deadline(entry).quality_parts
    keys = {kind: [found.key for found in stores.bucket.list_objects(f"{kind}/")] for kind in ("predictions", "labels")}
    joined = join(parts.read_predictions(keys["predictions"]), parts.read_labels(keys["labels"]), entry.quality)
    stored = {key: stores.bucket.get(key) or b"" for key in (*keys["predictions"], *keys["labels"])}
    return {
        "quality parts": {key: hashlib.sha256(content).hexdigest() for key, content in stored.items()},
        "joined": hashlib.sha256(records.write(joined)).hexdigest(),
        "labelled": sum(state.labelled for state in joined.states),
        "corrected": joined.corrected,
        "late": parts.late(ENDPOINT).parts,
        "unreadable labels": [one.key for one in stores.unreadable_labels.get(ENDPOINT)[0].objects],
    }


def _platform(stage: Stage) -> dict[str, Any]:
    given_up = [f"{failed.function}: {failed.errors[-1]}" for failed in stage.cloud.bus.failed]
    return {"given up": given_up, "under way": stage.cloud.bus.waiting}
