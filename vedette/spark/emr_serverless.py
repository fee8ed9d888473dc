"""A command on EMR Serverless: the script that packs Vedette, makes the role and the application, and starts the job.

The script is only printed (`--print`): a person reads it, and runs it where Docker and the AWS CLI are. What it says of
AWS is of these pages of the EMR Serverless User Guide (https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/):

| what                                                                           | page                           |
|--------------------------------------------------------------------------------|--------------------------------|
| another Python than EMR's, packed with venv-pack, in spark.archives            | using-python.html              |
| driverEnv, executorEnv, cores, memory and overhead of the workers              | jobs-spark.html                |
| the role of a job, which emr-serverless.amazonaws.com assumes                  | security-iam-runtime-role.html |
| without a VPC, a job reaches S3 and DynamoDB of its region                     | considerations.html            |
| an application starts by itself, and stops after 15 minutes without a job      | application-capacity.html      |
| the logs of a job stay in storage of EMR for 30 days, without a permission     | logging.html                   |
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from chalicelib.settings import Settings
from vedette.installation.policies import Policy, StageScope, narrowed

RELEASE = "emr-7.12.0"  # Spark 3.5 on Amazon Linux 2023
PYTHON = "3.11.9"  # of those that Vedette runs on, the newest that Spark 3.5 is tested with
# Python holds the statistics, outside of the JVM's memory: so most of a worker's memory is overhead.
WORKER_MEMORY = {
    "spark.driver.cores": "4",
    "spark.driver.memory": "4g",
    "spark.driver.memoryOverhead": "8g",
    "spark.executor.cores": "4",
    "spark.executor.memory": "3g",
    "spark.executor.memoryOverhead": "5g",
}
MAXIMUM_CAPACITY = {"cpu": "200 vCPU", "memory": "400 GB"}
ARCHIVE, JOB = "spark/environment.tar.gz", "spark/job.py"  # in the bucket of the stage
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "emr-serverless.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_SCRIPT = """\
#!/bin/sh
# On Amazon EMR Serverless: vedette {command}
# Read this, and run it where Docker, the AWS CLI and the wheel (dist/vedette-*.whl) are. Each step may be repeated; to
# resume a job that was cut short, repeat the last one.
set -eu
export AWS_DEFAULT_REGION={region}

# 1. Python and Vedette in one archive, made on the Linux of EMR's workers
#    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-python.html
docker run --rm --platform linux/amd64 -v "$PWD":/here public.ecr.aws/amazonlinux/amazonlinux:2023 sh -euc '
  dnf install -y -q gcc make tar gzip wget xz-devel zlib-devel bzip2-devel libffi-devel openssl-devel sqlite-devel
  wget -q https://www.python.org/ftp/python/{python}/Python-{python}.tgz
  tar -xzf Python-{python}.tgz
  cd Python-{python}
  ./configure -q --enable-optimizations
  make -s altinstall
  python{minor} -m venv --copies /environment
  cp -r /usr/local/lib/python{minor}/* /environment/lib/python{minor}/
  /environment/bin/python -m pip install -q /here/dist/vedette-*.whl venv-pack
  /environment/bin/venv-pack -q -f -p /environment -o /here/environment.tar.gz --python-prefix /home/hadoop/environment'

# 2. The archive and the job file, in the bucket of the stage
aws s3 cp environment.tar.gz s3://{bucket}/{archive}
aws s3 cp - s3://{bucket}/{job} <<'END'
{job_file}END

# 3. The role of the job: what the command reads and writes, and nothing else
aws iam get-role --role-name {role} > /dev/null 2>&1 || aws iam create-role --role-name {role} \\
  --assume-role-policy-document {trust}
aws iam put-role-policy --role-name {role} --policy-name vedette \\
  --policy-document {policy}

# 4. The application: it starts with the job, and stops 15 minutes after it. Nothing runs in between.
APPLICATION=$(aws emr-serverless list-applications --query "applications[?name=='{role}'].id | [0]" --output text)
[ "$APPLICATION" != None ] || APPLICATION=$(aws emr-serverless create-application --name {role} --type SPARK \\
  --release-label {release} --maximum-capacity {capacity} --query applicationId --output text)

# 5. The job
RUN=$(aws emr-serverless start-job-run --application-id "$APPLICATION" --name {name} \\
  --execution-role-arn arn:{partition}:iam::{account}:role/{role} --execution-timeout-minutes 0 \\
  --job-driver {driver} \\
  --configuration-overrides {overrides} \\
  --query jobRunId --output text)
echo "aws emr-serverless get-job-run --application-id $APPLICATION --job-run-id $RUN --query jobRun.state"
"""


def job_policy(stage: Settings) -> Policy:
    """What the role of a job may do in a stage: policy.json, narrowed as the policies of functions are."""
    policy = json.loads(_file("policy.json"))
    return narrowed(policy, "spark", StageScope.of(stage))


def script(stage: Settings, variables: Mapping[str, str], arguments: Sequence[str]) -> str:
    """The script for a command and its arguments.

    Parameters
    ----------
    variables
        The environment variables of the stage, which driver and workers get.
    """
    return _SCRIPT.format(
        command=shlex.join(arguments),
        region=stage.region,
        python=PYTHON,
        minor=PYTHON.rpartition(".")[0],
        bucket=stage.bucket,
        archive=ARCHIVE,
        job=JOB,
        job_file=_file("job.py"),
        role=f"vedette-{stage.stage}-spark",
        trust=_json(_TRUST),
        policy=_json(job_policy(stage)),
        release=RELEASE,
        capacity=_json(MAXIMUM_CAPACITY),
        name=shlex.quote(f"vedette-{'-'.join(arguments[:2])}"),
        partition=stage.partition,
        account=stage.account,
        driver=_json(_driver(stage, arguments)),
        overrides=_json(_overrides(stage, variables)),
    )


def _file(name: str) -> str:
    return resources.files("vedette.spark").joinpath(name).read_text()


def _json(value: Any) -> str:
    """JSON as one word of the shell."""
    return shlex.quote(json.dumps(value, indent=2))


def _driver(stage: Settings, arguments: Sequence[str]) -> dict[str, Any]:
    return {"sparkSubmit": {"entryPoint": f"s3://{stage.bucket}/{JOB}", "entryPointArguments": list(arguments)}}


def _overrides(stage: Settings, variables: Mapping[str, str]) -> dict[str, Any]:
    python = "./environment/bin/python"
    properties = {
        "spark.archives": f"s3://{stage.bucket}/{ARCHIVE}#environment",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        **WORKER_MEMORY,
        **{f"spark.emr-serverless.driverEnv.{name}": value for name, value in sorted(variables.items())},
    }
    return {"applicationConfiguration": [{"classification": "spark-defaults", "properties": properties}]}
