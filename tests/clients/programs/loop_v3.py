"""Runs in the environment of sagemaker-core, which is version 3 of the SageMaker SDK: the whole loop with it.

    python loop_v3.py SOCKET

Register two versions, deploy one and update to the other, capture, suggest a baseline, edit it, schedule, wait for
violations, and delete everything.
"""

import os
import time

import boto3
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.image_uris import retrieve
from sagemaker.core.model_monitor import CronExpressionGenerator, DatasetFormat, DefaultModelMonitor
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, ModelPackage, ModelPackageGroup
from sagemaker.core.shapes import (
    CaptureContentTypeHeader,
    CaptureOption,
    ContainerDefinition,
    DataCaptureConfig,
    ProductionVariant,
)
from simulated_time import answer

BUCKET, NAME = "loop-bucket", "loop-v3"
REGION = os.environ["AWS_REGION"]
BASE = f"s3://{BUCKET}/{NAME}"


def upload():
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in ("knn.model.tar.gz", "ll.model.tar.gz", "baseline.csv"):
        s3.upload_file(f"{os.environ['SUPPLIED']}/{name}", BUCKET, f"{NAME}/{name}")


def register(algorithm, archive):
    """By boto3: ModelPackage.create of sagemaker-core 2.27 reads a name that CreateModelPackage does not return."""
    container = {"Image": retrieve(algorithm, region=REGION, version="1"), "ModelDataUrl": f"{BASE}/{archive}"}
    created = boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName=NAME,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return ModelPackage.get(model_package_name=created["ModelPackageArn"])


def configure(name, package, role, **more):
    Model.create(
        model_name=name,
        execution_role_arn=role,
        primary_container=ContainerDefinition(model_package_name=package.model_package_arn),
    )
    variant = ProductionVariant(
        variant_name="AllTraffic",
        model_name=name,
        instance_type="ml.m5.large",
        initial_instance_count=1,
        initial_variant_weight=1.0,
    )
    return EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], **more)


def predict(endpoint, body):
    reply = endpoint.invoke(body=body, content_type="text/csv", accept="text/csv")
    return reply.body.read().decode()


def loop():
    session = Session()
    role = get_execution_role(session)
    upload()
    ModelPackageGroup.create(model_package_group_name=NAME)
    first, second = register("knn", "knn.model.tar.gz"), register("linear-learner", "ll.model.tar.gz")
    endpoint = Endpoint.create(
        endpoint_name=NAME, endpoint_config_name=configure(f"{NAME}-1", first, role).endpoint_config_name
    )
    endpoint.wait_for_status("InService")
    answers = [predict(endpoint, "2,0")]
    capture = DataCaptureConfig(
        enable_capture=True,
        initial_sampling_percentage=100,
        destination_s3_uri=f"{BASE}/data-capture",
        capture_options=[CaptureOption(capture_mode="Input"), CaptureOption(capture_mode="Output")],
        capture_content_type_header=CaptureContentTypeHeader(csv_content_types=["text/csv"]),
    )
    changed = configure(f"{NAME}-2", second, role, data_capture_config=capture)
    endpoint.endpoint_config_name = changed.endpoint_config_name
    endpoint.update()
    endpoint.wait_for_status("InService")
    answers.append(predict(endpoint, "2,0"))

    monitor = DefaultModelMonitor(role=role, sagemaker_session=session, instance_type="ml.m5.large")
    monitor.suggest_baseline(
        baseline_dataset=f"{BASE}/baseline.csv",
        dataset_format=DatasetFormat.csv(header=True),
        output_s3_uri=f"{BASE}/baseline",
        wait=True,
    )
    suggested = [one["inferred_type"] for one in monitor.suggested_constraints().body_dict["features"]]
    constraints = monitor.suggested_constraints()
    for feature in constraints.body_dict["features"]:
        feature["inferred_type"] = "Integral"
    constraints.save()
    monitor.create_monitoring_schedule(
        monitor_schedule_name=NAME,
        endpoint_input=NAME,
        output_s3_uri=f"{BASE}/report",
        statistics=monitor.baseline_statistics(),
        constraints=monitor.suggested_constraints(),
        schedule_cron_expression=CronExpressionGenerator.hourly(),
    )
    for x in range(-5, 6):
        predict(endpoint, f"{x},{-x}")
    for x in range(-5, 7):
        predict(endpoint, f"{x},{-x}.50")
    violations = None
    while violations is None:
        time.sleep(300)
        executions = monitor.list_executions()
        if executions and executions[-1].describe()["ProcessingJobStatus"] == "Completed":
            violations = monitor.latest_monitoring_constraint_violations().body_dict["violations"]
    statistics = monitor.latest_monitoring_statistics().body_dict
    monitor.delete_monitoring_schedule()
    endpoint.delete()
    endpoint.wait_for_delete()
    return {"answers": answers, "suggested": suggested, "violations": violations, "statistics": statistics}


answer(loop)
