"""Register a model as the next version of its group, with its baseline and sample payload.

They are uploaded to the stage's bucket, with keys derived from their content, so the same files are the same objects.
`DriftCheckBaselines` can be set only when a version is created, so the baseline is part of the registration.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib import locations
from chalicelib.aws import s3
from chalicelib.constraints.files import read_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.settings import settings
from chalicelib.statistics.files import read_statistics
from vedette.input_sources import is_s3, join, read_bytes
from vedette.operations import aws
from vedette.operations.fleet import NAME

Uploads = dict[str, tuple[bytes, str]]  # key -> content and content type


@dataclass(frozen=True)
class Registration:
    """A prepared registration: the request, and the objects to upload before it."""

    request: dict[str, Any]
    uploads: Uploads
    new_group: bool


def prepare(
    group: str,
    image: str,
    model_data: str,
    *,
    content_types: Sequence[str] = ("text/csv",),
    instance_types: Sequence[str] = (),
    baseline: str | None = None,
    sample_payload: Path | None = None,
    status: str = "PendingManualApproval",
) -> Registration:
    """Validate the options, and prepare a registration; nothing is changed.

    Raises
    ------
    VedetteError
        If a name, a location or a file is invalid.
    """
    if not NAME.fullmatch(group):
        raise VedetteError(f"{group!r} is not a SageMaker name: 1 to 63 letters, digits and hyphens.")
    if not model_data.startswith("s3://"):
        raise VedetteError(f"--model-data must be an S3 URI like s3://bucket/model.tar.gz, not {model_data!r}.")
    if not aws.object_exists(model_data):
        raise UnreadableFile(f"{model_data}: no such object")
    uploads: Uploads = {}
    specification: dict[str, Any] = {
        "Containers": [{"Image": image, "ModelDataUrl": model_data}],
        "SupportedContentTypes": list(content_types),
        "SupportedResponseMIMETypes": list(content_types),
    }
    if instance_types:
        specification["SupportedRealtimeInferenceInstanceTypes"] = list(instance_types)
    request: dict[str, Any] = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": status,
        "InferenceSpecification": specification,
    }
    if baseline:
        request["DriftCheckBaselines"] = {"ModelDataQuality": _baseline(group, baseline, uploads)}
    if sample_payload:
        request["SamplePayloadUrl"] = _sample_payload(group, sample_payload, uploads)
    return Registration(request, uploads, aws.describe_model_package_group(group) is None)


def register(registration: Registration) -> str:
    """Upload the files, create the group if it is new, and create the version; returns its ARN."""
    for key, (content, content_type) in registration.uploads.items():
        stage_stores().bucket.put(key, content, content_type)
    if registration.new_group:
        aws.create_model_package_group(registration.request["ModelPackageGroupName"])
    return aws.create_model_package(registration.request)


def _baseline(group: str, folder: str, uploads: Uploads) -> dict[str, Any]:
    """The two files of the baseline to upload, validated as Vedette will read them."""
    read = s3.get_uri if is_s3(folder) else read_bytes
    contents = {name: read(join(folder, f"{name}.json")) for name in ("statistics", "constraints")}
    constraints, statistics = contents["constraints"], contents["statistics"]
    if constraints is None:
        raise UnreadableFile(f"{join(folder, 'constraints.json')}: no such file; `vedette baseline` creates one")
    read_constraints(constraints, join(folder, "constraints.json"))
    if statistics is not None:
        read_statistics(statistics, join(folder, "statistics.json"))
    digest = hashlib.sha256(constraints + b"\0" + (statistics or b"")).hexdigest()[:12]
    target = locations.baseline(group, f"registered-{digest}")
    sources = {}
    for name, content in contents.items():
        if content is not None:
            uploads[f"{target}{name}.json"] = (content, "application/json")
            sources[name.capitalize()] = {
                "ContentType": "application/json",
                "ContentDigest": f"sha256:{hashlib.sha256(content).hexdigest()}",
                "S3Uri": f"s3://{settings().bucket}/{target}{name}.json",
            }
    return sources


def _sample_payload(group: str, file: Path, uploads: Uploads) -> str:
    """Sample payloads are in one .tar.gz (CreateModelPackage, SamplePayloadUrl); the bytes depend only on the file."""
    content = file.read_bytes()
    if not content:
        raise UnreadableFile(f"{file}: empty")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        member = tarfile.TarInfo(file.name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    digest = hashlib.sha256(content).hexdigest()[:12]
    key = f"models/{group}/sample-payloads/{digest}.tar.gz"
    uploads[key] = (packed.getvalue(), "application/gzip")
    return f"s3://{settings().bucket}/{key}"
