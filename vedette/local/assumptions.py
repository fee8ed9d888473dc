"""What Vedette and its AWS simulator assume about AWS: each claim with its public sources and how certain it is.

`docs/aws-behaviour.md` is this list as a page. Write it again after every change:

    python -m vedette.local.assumptions > docs/aws-behaviour.md

Code refers to an entry by its slug, as in "aws-behaviour: capture-delay"; a test checks that the entry exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from urllib.parse import urlsplit


class Certainty(StrEnum):
    """How sure an assumption is."""

    SEEN = "seen"  # read in AWS's own text or model, or in a published live answer
    INFERRED = "inferred"  # follows from such a text
    UNKNOWN = "unknown"  # found nowhere; the simulator is as strict as AWS could be


SEEN, INFERRED, UNKNOWN = Certainty


@dataclass(frozen=True)
class Assumption:
    """One claim about AWS."""

    slug: str  # the short name by which code refers to it; never changes
    topic: str  # the heading under which the page lists it
    claim: str
    certainty: Certainty
    sources: tuple[str, ...]  # public URLs
    searched: str = ""  # for an unknown: where the answer was looked for


GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/"
API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_"
EVENTS = GUIDE + "automating-sagemaker-with-eventbridge.html"
CAPTURE = GUIDE + "model-monitor-data-capture-endpoint.html"
SDK = "https://github.com/aws/sagemaker-python-sdk/"
EXAMPLES = "https://github.com/aws/amazon-sagemaker-examples/"
_EXAMPLES_FILES = EXAMPLES + "blob/2d519b52c3a2c2361f2b87f0d3de46fd6c0232a5/%20%20%20%20%20deploy_and_monitor/"
INTRODUCTION = _EXAMPLES_FILES + "sm-model_monitor_introduction/sm-model_monitor_introduction.ipynb"
BIAS = _EXAMPLES_FILES + "sm-clarify_model_bias_monitor_for_endpoint/sm-clarify_model_bias_monitor_for_endpoint.ipynb"
_CHAPTER = (
    "https://github.com/PacktPublishing/Machine-Learning-Engineering-on-AWS/blob/"
    "39ecf8bb31f4a05bf478eb820fe8c3e5f0c995b9/chapter08/"
)
CAPTURED_LABELS = _CHAPTER + "05%20-%20Analyzing%20the%20Captured%20Data.ipynb"
DELETED_TOGETHER = _CHAPTER + "06%20-%20Deleting%20an%20Endpoint%20with%20a%20Monitoring%20Schedule.ipynb"
STATISTICS_OF_2024 = (
    "https://github.com/ScottReidux/aai-540/blob/0279d5d4e505003a4adc2670028efe44662f21c8/statistics.json"
)
_WORKSHOP = (
    "https://github.com/aws-samples/amazon-sagemaker-from-idea-to-production/blob/"
    "6f9c0934598b5f40806c11e5da73bf36cec35493/"
)
WORKSHOP = _WORKSHOP + "additional-topics/06-monitoring-sagemaker-native.ipynb"
ANALYZER_RUN = _WORKSHOP + "utils/monitoring_utils.py"
JOB_LIST = _WORKSHOP + "img/model-quality-monitor-execution.png"
LLM_HANDLER = (
    "https://github.com/aws-samples/sample-aiops-on-amazon-sagemakerai/blob/4d8335f0314ef911c6d82bf5732677ca8556987a/"
    "monitoring/sagemaker-endpoint-llm-monitoring/cdk/lambda/handler.py"
)
OPERATOR_TEXTS = (
    "https://github.com/aws/amazon-sagemaker-operator-for-k8s/blob/e131566f83b8d860300c1ccf377b3982b385f177/"
    "controllers/sdkutil/clientwrapper/sagemaker_client.go"
)
TRANSFORM_EVENT = (
    "https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.mixins_preview.aws_sagemaker.events/"
    "SageMakerTransformJobStateChange.html"
)
TRANSFORM_CAPTURE = GUIDE + "model-monitor-data-capture-batch.html"
TRANSFORM_JOIN = GUIDE + "batch-transform-data-processing.html"
TRANSFORM_GUIDE = GUIDE + "batch-transform.html"
TRANSFORM_NOTEBOOK = (
    EXAMPLES + "blob/02acfa916daa6d0c69ceabf252b7087d10b54cf1/sagemaker_batch_transform/"
    "batch_transform_associate_predictions_with_input/"
    "Batch%20Transform%20-%20breast%20cancer%20prediction%20with%20high%20level%20SDK.ipynb"
)
JOINED_JSON = (
    "https://github.com/opensearch-project/documentation-website/blob/df33860cb0b0b245295662b4120a16bda583d9ea/"
    "_ml-commons-plugin/remote-models/async-batch-ingestion.md"
)
DEEQU = (
    "https://github.com/awslabs/deequ/blob/0b8cea54b25fd4713c6212c17703117f9eddc734/src/main/scala/com/amazon/deequ/"
)
TERRAFORM = "https://github.com/hashicorp/terraform-provider-aws/issues/"
CLOUDFORMATION = "https://docs.aws.amazon.com/AWSCloudFormation/latest/"
IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
IAM_ACTIONS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html"
S3 = "https://docs.aws.amazon.com/AmazonS3/latest/"
SNS = "https://docs.aws.amazon.com/sns/latest/"
CHAT = "https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
LAMBDA_RETRIES = LAMBDA + "invocation-async-error-handling.html"
EVENTBRIDGE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/"
CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"

ASSUMPTIONS = (
    Assumption(
        "create-twice",
        "names",
        "A second Create with the same name is a ValidationException "
        '"Cannot create already existing model <arn>" (or endpoint configuration, or endpoint).',
        SEEN,
        (SDK + "issues/101", EXAMPLES + "issues/2491"),
    ),
    Assumption("arn-lower-case", "names", "SageMaker writes names in lower case in its ARNs.", SEEN, (EVENTS,)),
    Assumption(
        "no-client-token",
        "names",
        "CreateModel, CreateEndpointConfig, CreateEndpoint and UpdateEndpoint take no client token.",
        SEEN,
        (API + "CreateModel.html", API + "CreateEndpointConfig.html", API + "UpdateEndpoint.html"),
    ),
    Assumption(
        "missing-resource",
        "errors",
        'A missing model, configuration or endpoint is a ValidationException "Could not find ... <arn>".',
        SEEN,
        (OPERATOR_TEXTS, TERRAFORM + "40048"),
    ),
    Assumption(
        "search",
        "errors",
        "Search finds endpoints, models, model packages and groups by filters on their fields, joined by And or Or; a"
        " field of a list or of tags is named with dots. What it finds may lag behind; in the simulator it does not.",
        SEEN,
        (API + "Search.html", API + "Filter.html"),
    ),
    Assumption(
        "missing-group",
        "errors",
        'The registry says "ModelPackageGroup <arn> does not exist." and "Model Package Group already exists: <arn>".',
        SEEN,
        ("https://github.com/getmoto/moto/pull/7246", SDK + "pull/5063"),
    ),
    Assumption(
        "busy-endpoint",
        "errors",
        "An update, a deletion or a change of weights of a busy endpoint is a ValidationException "
        '"Cannot update in-progress endpoint <arn>".',
        SEEN,
        (OPERATOR_TEXTS,),
    ),
    Assumption(
        "failed-endpoint",
        "endpoints",
        "DeleteEndpoint is the only operation on a Failed endpoint; the error text is ours.",
        SEEN,
        (API + "DescribeEndpoint.html",),
    ),
    Assumption(
        "rollback-failed",
        "endpoints",
        "UpdateEndpoint repairs an endpoint that is UpdateRollbackFailed.",
        INFERRED,
        (API + "DescribeEndpoint.html",),
    ),
    Assumption(
        "creating-endpoint",
        "endpoints",
        "While an endpoint is Creating, DescribeEndpoint shows neither variants nor data capture.",
        INFERRED,
        (API + "DescribeEndpoint.html",),
    ),
    Assumption(
        "update-in-progress",
        "endpoints",
        "During an update EndpointConfigName is the old one and PendingDeploymentSummary names the new one.",
        SEEN,
        (EVENTS, API + "PendingDeploymentSummary.html"),
    ),
    Assumption(
        "capacity-change",
        "endpoints",
        "A change of capacity has no PendingDeploymentSummary; its status stands in the variant.",
        SEEN,
        (EVENTS,),
    ),
    Assumption(
        "failed-update",
        "endpoints",
        "A failed update ends InService with the old configuration and a FailureReason.",
        SEEN,
        (TERRAFORM + "39099", "https://github.com/aws-controllers-k8s/sagemaker-controller/pull/7"),
    ),
    Assumption(
        "alarm-rollback",
        "endpoints",
        "An update during which an alarm of AutoRollbackConfiguration goes off ends InService with the old"
        " configuration and a FailureReason; the text of the reason is ours.",
        INFERRED,
        (GUIDE + "deployment-guardrails-configuration.html", API + "AutoRollbackConfig.html"),
    ),
    Assumption(
        "retained-variants",
        "endpoints",
        "With RetainAllVariantProperties an update keeps the instance counts and weights of variants of the same name.",
        SEEN,
        (API + "UpdateEndpoint.html",),
    ),
    Assumption(
        "traffic-shifting-limits",
        "endpoints",
        "A canary is at most half of a variant's instances, a linear step 10 to 50 %; the error text is ours.",
        SEEN,
        (API + "TrafficRoutingConfig.html", API + "BlueGreenUpdatePolicy.html"),
    ),
    Assumption(
        "scheduled-endpoint",
        "endpoints",
        "DeleteEndpoint is refused while a monitoring schedule watches the endpoint; the error text is ours.",
        UNKNOWN,
        (INTRODUCTION,),
        searched="The notebook deletes the schedule first; no page or issue shows the error of the other order.",
    ),
    Assumption(
        "config-in-use",
        "endpoints",
        "An endpoint configuration in use must not be deleted: AWS accepts the call, and UpdateEndpoint is then a"
        ' ValidationException "Could not find endpoint configuration <the deleted one>".',
        SEEN,
        (API + "DeleteEndpointConfig.html", TERRAFORM + "40048", TERRAFORM + "48997"),
    ),
    Assumption(
        "deleted-package",
        "endpoints",
        "An endpoint whose model package was deleted goes on serving, and is described as before: its model has the"
        " package's container. A new model of the package is refused.",
        INFERRED,
        (API + "DeleteModelPackage.html", API + "CreateModel.html"),
    ),
    Assumption(
        "not-yet-visible",
        "endpoints",
        'A model or configuration that was just created may still be "Could not find ..." for the calls that use it;'
        " a second creation is refused all the same. AWS recommends to try again.",
        SEEN,
        (API + "CreateEndpoint.html",),
    ),
    Assumption(
        "deleted-config",
        "endpoints",
        "An endpoint whose configuration was deleted goes on answering and capturing, and DescribeEndpoint names the"
        " configuration as before; it can be updated once there is a configuration of that name again. The SageMaker"
        " SDK's Predictor.delete_endpoint deletes the configuration first.",
        INFERRED,
        (API + "DeleteEndpointConfig.html", SDK + "blob/v2.232.0/src/sagemaker/base_predictor.py"),
    ),
    Assumption(
        "code-variables",
        "endpoints",
        "A container is told which code or model to load by SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY (the"
        " SDK's framework models), HF_MODEL_ID and HF_MODEL_REVISION (Hugging Face), OPTION_MODEL_ID,"
        " OPTION_REVISION and OPTION_ENTRYPOINT (DJL), SM_VLLM_MODEL (vLLM), SAGEMAKER_TFS_DEFAULT_MODEL_NAME,"
        " SAGEMAKER_TRITON_DEFAULT_MODEL_NAME, and SAGEMAKER_SPARKML_SCHEMA.",
        SEEN,
        (
            SDK + "blob/v2.232.0/src/sagemaker/model.py",
            "https://github.com/aws/sagemaker-inference-toolkit/blob/master/src/sagemaker_inference/parameters.py",
            "https://github.com/aws/sagemaker-huggingface-inference-toolkit/blob/main/README.md",
            "https://github.com/deepjavalibrary/djl-serving/blob/master/serving/docs/lmi/deployment_guide/"
            "configurations.md",
            "https://docs.vllm.ai/en/v0.8.3/getting_started/examples/sagemaker-entrypoint.html",
            "https://github.com/aws/sagemaker-tensorflow-serving-container/blob/master/docker/build_artifacts/"
            "sagemaker/serve.py",
            "https://github.com/aws/sagemaker-sparkml-serving-container/blob/master/README.md",
        ),
    ),
    Assumption(
        "metadata-merge",
        "registry",
        "UpdateModelPackage leaves fields alone that the request does not name, and merges customer metadata by key.",
        INFERRED,
        (API + "UpdateModelPackage.html",),
    ),
    Assumption(
        "unapproved-version",
        "registry",
        "CreateModel refuses a version that is not Approved; the error text is ours.",
        UNKNOWN,
        (WORKSHOP, GUIDE + "model-registry-approve.html"),
        searched="The guide says that only approved versions can be deployed; no live error was found.",
    ),
    Assumption(
        "version-name",
        "registry",
        "A version in a group has no ModelPackageName and takes no tags.",
        SEEN,
        (SDK + "issues/5606", API + "CreateModelPackage.html"),
    ),
    Assumption(
        "life-cycle-stage",
        "registry",
        "A version carries a stage of the team's own in ModelLifeCycle.Stage, which UpdateModelPackage changes; the"
        " change is announced as any other.",
        SEEN,
        (API + "ModelLifeCycle.html", API + "UpdateModelPackage.html"),
    ),
    Assumption(
        "package-baselines",
        "registry",
        "A version names the baseline of its data quality in DriftCheckBaselines.ModelDataQuality, statistics and"
        " constraints each by a URI.",
        SEEN,
        (API + "DriftCheckBaselines.html", API + "DriftCheckModelDataQuality.html"),
    ),
    Assumption(
        "group-with-versions",
        "registry",
        "A group that has versions cannot be deleted; the error text is ours.",
        INFERRED,
        (GUIDE + "model-registry-delete-model-group.html",),
    ),
    Assumption(
        "approval-flow",
        "registry",
        "Approving a version starts a deployment; rejecting the deployed one brings back the latest approved one.",
        SEEN,
        (GUIDE + "model-registry-approve.html",),
    ),
    Assumption(
        "best-effort-events",
        "events",
        "SageMaker's events are best effort: one can be lost, and several can come for one change.",
        SEEN,
        (EVENTS, "https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-sagemaker.html"),
    ),
    Assumption(
        "endpoint-event",
        "events",
        "Every transition of an endpoint is announced: status in upper snake case, times in epoch milliseconds.",
        SEEN,
        (EVENTS,),
    ),
    Assumption(
        "package-event",
        "events",
        "Every change of a version is announced with the names of the updated fields, one of them spelled sourceUri.",
        SEEN,
        (EVENTS,),
    ),
    Assumption(
        "package-created-event",
        "events",
        "The creation of a version is announced too, without UpdatedModelPackageFields.",
        INFERRED,
        (EVENTS,),
    ),
    Assumption(
        "processing-event",
        "events",
        "The event of a monitoring job has no ExitMessage, Environment, Tags or MonitoringScheduleArn, and writes some"
        " enumerations in upper case (MANIFEST_FILE for ManifestFile).",
        INFERRED,
        (EVENTS,),
    ),
    Assumption(
        "transform-event",
        "events",
        "A transform job announces each change of its status, with TransformJobName, TransformJobArn,"
        " TransformJobStatus, its times in epoch milliseconds, and where it reads and writes.",
        SEEN,
        (EVENTS, TRANSFORM_EVENT),
    ),
    Assumption(
        "scheduled-event",
        "events",
        "A rule on a schedule sends a Scheduled Event of source aws.events, with an empty detail.",
        SEEN,
        ("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html",),
    ),
    Assumption(
        "aws-source-refused",
        "events",
        'PutEvents refuses sources that begin with "aws." with NotAuthorizedForSourceException.',
        SEEN,
        ("https://github.com/aws-samples/serverless-patterns/pull/3089",),
    ),
    Assumption(
        "partial-put-events",
        "events",
        "PutEvents answers with status 200 when some of its entries were refused: FailedEntryCount counts them, and"
        " each refused entry has an ErrorCode. What was refused must be sent again.",
        SEEN,
        (EVENTBRIDGE + "eb-putevents.html",),
    ),
    Assumption(
        "event-delivery",
        "events",
        "EventBridge invokes a target at least once, in no certain order. It tries an event that the target does not"
        " take for 24 hours and up to 185 times.",
        SEEN,
        (EVENTBRIDGE + "eb-rule-retry-policy.html",),
    ),
    Assumption(
        "event-size",
        "events",
        "The entries of one PutEvents request have less than 1 MB together.",
        SEEN,
        ("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html",),
    ),
    Assumption(
        "event-pattern-size",
        "events",
        "An event pattern has at most 2,048 characters; the quota can be raised to 4,096.",
        SEEN,
        (
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
            "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
            "https://github.com/hashicorp/terraform-provider-aws/issues/33732",
        ),
    ),
    Assumption(
        "event-pattern-refusal",
        "events",
        "PutRule refuses a longer pattern, with an error whose code and text are not published.",
        UNKNOWN,
        (),
        searched="The guide and https://github.com/hashicorp/terraform-provider-aws/pull/34270 say only that a request"
        " beyond the quota is answered with status 400.",
    ),
    Assumption(
        "event-pattern-suffix",
        "events",
        'A pattern matches the end of a value with {"suffix": ...}, and its beginning with {"prefix": ...}, with regard'
        " to case; all fields must match, each with one of its values.",
        SEEN,
        (
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html",
            "https://github.com/aws/event-ruler",
        ),
    ),
    Assumption(
        "put-events-entries",
        "events",
        "PutEvents takes at most ten entries, and answers 200 with an error code for each entry that it refused.",
        SEEN,
        ("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html",),
    ),
    Assumption(
        "input-transformer",
        "events",
        "In the JSON template of an input transformer, a variable outside of quotation marks becomes a JSON value, and"
        " one within them is inserted without being escaped; a variable whose path does not exist is left out.",
        SEEN,
        (
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html",
            "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html",
        ),
    ),
    Assumption(
        "pipeline-parameters",
        "events",
        "The value of a SageMaker pipeline's parameter in a rule's target may be a JSON path into the event.",
        INFERRED,
        ("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html",),
    ),
    Assumption(
        "lambda-retries",
        "Lambda",
        "A failed asynchronous invocation comes again after one minute and after two more, with the same request id.",
        SEEN,
        (LAMBDA_RETRIES,),
    ),
    Assumption(
        "lambda-throttling",
        "Lambda",
        "An asynchronous invocation beyond the reserved concurrency waits in Lambda's queue and is tried again for up"
        " to six hours. The queue may deliver an event twice, also after a success.",
        SEEN,
        (LAMBDA_RETRIES,),
    ),
    Assumption(
        "lambda-failure-destination",
        "Lambda",
        "An event whose last attempt failed, or which is too old, goes to the destination for failures, in a record"
        " with the error; Lambda needs sqs:SendMessage in the function's own role.",
        SEEN,
        (LAMBDA + "invocation-async-retain-records.html",),
    ),
    Assumption(
        "lambda-limits",
        "Lambda",
        "An asynchronous event has at most 1 MB (256 kB until 2025), the environment variables of a function 4 kB, its"
        " unzipped package 250 MB.",
        SEEN,
        (
            LAMBDA + "gettingstarted-limits.html",
            "https://aws.amazon.com/blogs/compute/"
            "more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb",
        ),
    ),
    Assumption(
        "lambda-reuse",
        "Lambda",
        "A process may serve many invocations one after the other, and is frozen between them: what it keeps in memory"
        " may be old.",
        SEEN,
        (LAMBDA + "lambda-runtime-environment.html",),
    ),
    Assumption(
        "lambda-memory",
        "Lambda",
        "A function has one whole CPU at 1,769 MB, and less in proportion.",
        SEEN,
        ("https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html",),
    ),
    Assumption(
        "runtime-api",
        "Lambda",
        "A runtime takes events from the runtime API (version 2018-06-01), whose address is in its environment.",
        SEEN,
        (
            "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html",
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
        ),
    ),
    Assumption(
        "object-event",
        "S3",
        "The event of a new object has the raw key, the etag without quotes, a sequencer, and a version only in a"
        " versioned bucket.",
        SEEN,
        (
            S3 + "userguide/ev-events.html",
            "https://github.com/aws-powertools/powertools-lambda-python/blob/develop/tests/events/"
            "s3EventBridgeNotificationObjectCreatedEvent.json",
        ),
    ),
    Assumption(
        "object-event-delivery",
        "S3",
        "S3 sends the event of a new object at least once, and the events of several objects in no certain order.",
        SEEN,
        (
            S3 + "userguide/EventNotifications.html",
            "https://aws.amazon.com/blogs/storage/"
            "manage-event-ordering-and-duplicate-events-with-amazon-s3-event-notifications/",
        ),
    ),
    Assumption(
        "notification-configuration",
        "S3",
        "PutBucketNotificationConfiguration replaces the whole configuration of a bucket, so the others are sent with"
        " it; EventBridge takes every event of the bucket once it is named there.",
        SEEN,
        (S3 + "API/API_PutBucketNotificationConfiguration.html", S3 + "userguide/EventBridge.html"),
    ),
    Assumption(
        "object-version",
        "S3",
        "GetObject and ListObjectsV2 show the same ETag and, to the second, the same LastModified of an object.",
        INFERRED,
        (
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html",
        ),
    ),
    Assumption(
        "strong-reads",
        "S3",
        "A read or a listing that follows a write sees it. A listing is in the order of the keys' UTF-8 bytes, and"
        " begins behind StartAfter.",
        SEEN,
        (S3 + "userguide/Welcome.html#ConsistencyModel", S3 + "API/API_ListObjectsV2.html"),
    ),
    Assumption(
        "first-writer",
        "S3",
        "A PutObject with If-None-Match: * creates the object or, where there is one, is 412 PreconditionFailed: of"
        " several writers one wins.",
        SEEN,
        (S3 + "userguide/conditional-writes.html",),
    ),
    Assumption(
        "sequencer",
        "S3",
        "Each write of a key has a greater sequencer than the one before; compare a shorter one padded on the right.",
        SEEN,
        (S3 + "userguide/notification-content-structure.html",),
    ),
    Assumption(
        "missing-object",
        "S3",
        "A missing object is 404 NoSuchKey for callers that may list the bucket, else 403 AccessDenied.",
        SEEN,
        (S3 + "API/API_GetObject.html",),
    ),
    Assumption(
        "refused-object",
        "S3",
        "GetObject of an archived object is 403 InvalidObjectState; of one whose KMS key is disabled, deleted or waits"
        " for its deletion it is the error of KMS, with `KMS.` before its name.",
        INFERRED,
        (
            S3 + "API/API_GetObject.html",
            "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
            "https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html",
        ),
    ),
    Assumption(
        "conditional-write",
        "S3",
        "A conditional write that meets another one is 409, and must be tried again; one with If-Match reads the"
        " object's ETag, so it needs s3:GetObject beside s3:PutObject, and is 404 NoSuchKey where the object is gone.",
        INFERRED,
        (S3 + "userguide/conditional-writes.html", S3 + "API/API_PutObject.html"),
    ),
    Assumption(
        "capture-realtime-only",
        "data capture",
        "Data capture exists for real-time endpoints and batch transform alone.",
        SEEN,
        (GUIDE + "model-deploy-feature-matrix.html", GUIDE + "model-monitor.html"),
    ),
    Assumption(
        "capture-key",
        "data capture",
        "A key is DestinationS3Uri/endpoint/variant/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl: the UTC hour of the"
        " invocations, then minute, second and millisecond of the file's beginning.",
        SEEN,
        (CAPTURE, INTRODUCTION),
    ),
    Assumption(
        "capture-double-slash",
        "data capture",
        "Behind a DestinationS3Uri that ends in a slash the keys may have two slashes.",
        INFERRED,
        (EXAMPLES + "issues/1938",),
    ),
    Assumption(
        "capture-delay",
        "data capture",
        "SageMaker writes at most one file a minute and variant, about two minutes after the requests.",
        SEEN,
        (CAPTURE, WORKSHOP),
    ),
    Assumption(
        "capture-written-once",
        "data capture",
        "SageMaker never writes a captured file again: its name has a fresh uuid.",
        INFERRED,
        (CAPTURE,),
    ),
    Assumption(
        "capture-encoding",
        "data capture",
        "Without header lists every payload is BASE64; listed media types are compared without parameters.",
        SEEN,
        (API + "CaptureContentTypeHeader.html", INTRODUCTION),
    ),
    Assumption(
        "capture-content-type",
        "data capture",
        "The observed content type can be wrong: JSON that a container serves as text/html is captured as BASE64.",
        SEEN,
        (SDK + "issues/2629",),
    ),
    Assumption(
        "capture-record",
        "data capture",
        "A record has captureData, eventMetadata and eventVersion; either side may be absent, data is a string also for"
        " JSON, and customAttributes is a list of strings.",
        SEEN,
        (CAPTURE, GUIDE + "model-monitor-pre-and-post-processing.html"),
    ),
    Assumption(
        "capture-of-errors",
        "data capture",
        "A refused request is captured too, its answer without an observed content type and often with a code and a"
        " message.",
        INFERRED,
        (LLM_HANDLER,),
    ),
    Assumption(
        "capture-stops-silently",
        "data capture",
        "Data capture stops without an error at high disk usage (keep it under 75 %), and when the bucket refuses the"
        " role. So no captured data does not mean no requests.",
        INFERRED,
        (GUIDE + "model-monitor-data-capture.html", CAPTURE),
    ),
    Assumption(
        "capture-described",
        "data capture",
        "DescribeEndpoint shows the status, sampling, destination and key of data capture; its options and header lists"
        " stand in the endpoint configuration alone.",
        SEEN,
        (API + "DataCaptureConfigSummary.html",),
    ),
    Assumption(
        "invoke-missing",
        "runtime",
        'Invoking an endpoint that does not serve is a ValidationError "Endpoint ... of account ... not found.".',
        SEEN,
        (EXAMPLES + "issues/293", EXAMPLES + "issues/559"),
    ),
    Assumption(
        "invoke-limits",
        "runtime",
        "An inference id has 1 to 64 characters, custom attributes at most 1,024, a body at most 6,291,456 bytes.",
        SEEN,
        (API + "runtime_InvokeEndpoint.html",),
    ),
    Assumption(
        "linear-learner-csv",
        "runtime",
        "The linear learner answers CSV with the label alone, a row a line.",
        INFERRED,
        (CAPTURED_LABELS, GUIDE + "LL-in-formats.html"),
    ),
    Assumption(
        "built-in-formats",
        "runtime",
        "The built-in algorithms train on CSV without a header, with the label in the first column, and answer JSON.",
        SEEN,
        (GUIDE + "cdf-training.html", GUIDE + "kNN-inference-formats.html", GUIDE + "LL-in-formats.html"),
    ),
    Assumption(
        "answer-format",
        "runtime",
        "The built-in algorithms answer JSON unless the request accepts CSV.",
        INFERRED,
        (GUIDE + "cdf-inference.html",),
    ),
    Assumption(
        "invocations-metric",
        "runtime",
        "The metric Invocations of AWS/SageMaker counts every request that reached a variant, a minute later.",
        SEEN,
        (GUIDE + "monitoring-cloudwatch.html",),
    ),
    Assumption(
        "transform-job-times",
        "batch transform",
        "TransformStartTime is when the instances begin to work, TransformEndTime when the results are uploaded, or"
        " when SageMaker saw that the job failed.",
        SEEN,
        (API + "DescribeTransformJob.html",),
    ),
    Assumption(
        "transform-output-key",
        "batch transform",
        "The output of an input lies at S3OutputPath under the input's name below the folder of its prefix, with the"
        " suffix .out; one input has one output, and its predictions stand in the order of its records.",
        INFERRED,
        (TRANSFORM_GUIDE, TRANSFORM_NOTEBOOK),
    ),
    Assumption(
        "transform-failed-input",
        "batch transform",
        "An input with a record that the model refuses has no output; the job goes on with the others, and is Failed.",
        SEEN,
        (TRANSFORM_GUIDE,),
    ),
    Assumption(
        "transform-manifest",
        "batch transform",
        'An input manifest is [{"prefix": "s3://..."}, "name", ...]: an object is the prefix and a name.',
        SEEN,
        (API + "TransformS3DataSource.html",),
    ),
    Assumption(
        "transform-capture",
        "batch transform",
        "With a DataCaptureConfig a job writes a manifest of its inputs below {DestinationS3Uri}/input/yyyy/mm/dd/hh/"
        " and one of its outputs below .../output/yyyy/mm/dd/hh/, of the hour in which it began.",
        SEEN,
        (TRANSFORM_CAPTURE,),
    ),
    Assumption(
        "transform-inference-id",
        "batch transform",
        "GenerateInferenceId appends an id and the start of the job to each output record: as the last two columns of"
        " CSV, with a blank before the id, or as SageMakerInferenceId and SageMakerInferenceTime.",
        SEEN,
        (TRANSFORM_CAPTURE,),
    ),
    Assumption(
        "transform-joined-csv",
        "batch transform",
        "A joined record of CSV is the whole input record, and then the output; filters and joins need SplitType and"
        " AssembleWith Line, and no line breaks within cells.",
        SEEN,
        (TRANSFORM_JOIN,),
    ),
    Assumption(
        "transform-joined-json",
        "batch transform",
        "A joined record of JSON is the input object with the output under SageMakerOutput; an input that is no object"
        " stands under SageMakerInput beside it. The keys come in the order of the alphabet.",
        INFERRED,
        (TRANSFORM_JOIN, JOINED_JSON),
    ),
    Assumption(
        "transform-filters",
        "batch transform",
        "A filter is a JSONPath of names, indexes, slices and wildcards; a row of CSV is a list. InputFilter selects"
        " what the model receives, OutputFilter what is stored of the joined record.",
        SEEN,
        (TRANSFORM_JOIN, API + "DataProcessing.html"),
    ),
    Assumption(
        "transform-slice-end",
        "batch transform",
        "The last index of a slice is included ($[1:4] selects the second to the fifth column), as the guide says; the"
        " library that it links to excludes it. A negative last index is excluded.",
        INFERRED,
        (TRANSFORM_JOIN, "https://github.com/json-path/JsonPath"),
    ),
    Assumption(
        "execution-start",
        "monitoring",
        "An execution starts on the hour plus 0 to 20 minutes.",
        SEEN,
        (API + "ScheduleConfig.html",),
    ),
    Assumption(
        "schedule-expression",
        "monitoring",
        "A schedule is hourly, daily, every 1 to 24 hours, or NOW, which runs once.",
        SEEN,
        (GUIDE + "model-monitor-schedule-expression.html",),
    ),
    Assumption(
        "execution-without-data",
        "monitoring",
        "An execution without captured data is Failed; its FailureReason speaks of inputs or an S3 URL without data.",
        SEEN,
        (INTRODUCTION, SDK + "issues/2634", EXAMPLES + "issues/1938"),
    ),
    Assumption(
        "execution-without-job",
        "monitoring",
        "An execution that never started has no processing job, so no event announces it; it is only listed.",
        INFERRED,
        (API + "MonitoringExecutionSummary.html",),
    ),
    Assumption(
        "execution-job-names",
        "monitoring",
        "The jobs of an execution are model-monitoring-<hour>-<24 hex>, or groundtruth-merge-... and then"
        " model-quality-monitoring-... with the same ending; the hour ends the window.",
        SEEN,
        (JOB_LIST,),
    ),
    Assumption(
        "bias-job-names",
        "monitoring",
        "The job names of bias and explainability monitors begin like the others, with names of our choice.",
        UNKNOWN,
        (BIAS,),
        searched="The notebooks and their saved outputs show no job name of these monitors.",
    ),
    Assumption(
        "merge-job",
        "monitoring",
        "Monitors that need labels (ModelQuality, ModelBias) run a merge job before the analysis.",
        SEEN,
        (WORKSHOP, BIAS),
    ),
    Assumption(
        "execution-environment",
        "monitoring",
        "An analysis job's environment names the endpoint, the schedule, the data format and the window's start and"
        " end.",
        SEEN,
        (GUIDE + "model-monitor-byoc-contract-inputs.html",),
    ),
    Assumption(
        "analyzer-job",
        "monitoring",
        "A baselining job is a processing job of the analyzer image: it reads the data set at dataset_source in the"
        " dataset_format of its environment, and writes statistics.json and constraints.json to output_path.",
        SEEN,
        (GUIDE + "model-monitor-create-baseline.html", INTRODUCTION),
    ),
    Assumption(
        "analyzer-execution",
        "monitoring",
        "An execution of a data quality monitor reads its baseline from inputs named constraints and baseline, which"
        " baseline_constraints and baseline_statistics name in its environment, and writes statistics.json,"
        " constraints.json and constraint_violations.json.",
        SEEN,
        (GUIDE + "model-monitor-byoc-contract-inputs.html", ANALYZER_RUN, INTRODUCTION),
    ),
    Assumption(
        "described-job",
        "monitoring",
        "DescribeProcessingJob shows Environment, MonitoringScheduleArn and ExitMessage, which the event lacks.",
        SEEN,
        (API + "DescribeProcessingJob.html",),
    ),
    Assumption(
        "exit-message",
        "monitoring",
        "A job with violations is Completed and says so in its ExitMessage alone: "
        '"CompletedWithViolations: Job completed successfully with 60 violations."',
        SEEN,
        (INTRODUCTION,),
    ),
    Assumption(
        "pending-schedule",
        "monitoring",
        'A Pending schedule refuses changes: "Monitoring schedule in status Pending".',
        SEEN,
        (EXAMPLES + "issues/2342",),
    ),
    Assumption(
        "schedule-deletion",
        "monitoring",
        "A schedule is deleted before its endpoint, takes a while to go, and leaves the history of its executions. The"
        " endpoint can be deleted meanwhile.",
        SEEN,
        (API + "DeleteMonitoringSchedule.html", INTRODUCTION, DELETED_TOGETHER),
    ),
    Assumption(
        "statistics-file",
        "monitoring files",
        "statistics.json has this schema; counts may be written as floats, and c is 0.64, k 2048 in KLL sketches. Since"
        " 2024 numerical_statistics has approximate_num_distinct_values (a whole number) and completeness between max"
        " and distribution, and string_statistics has completeness behind distinct_count; a text of many distinct"
        " values has no distribution.",
        SEEN,
        (GUIDE + "model-monitor-byoc-statistics.html", INTRODUCTION, STATISTICS_OF_2024),
    ),
    Assumption(
        "constraints-file",
        "monitoring files",
        "constraints.json has this schema.",
        SEEN,
        (GUIDE + "model-monitor-byoc-constraints.html",),
    ),
    Assumption(
        "constraint-defaults",
        "monitoring files",
        "datatype_check_threshold and domain_content_threshold are 1.0 where a file does not name them. The guide shows"
        ' 0.1; the container writes 1.0 into baselines and demands "Expected match: 100.0%".',
        INFERRED,
        (GUIDE + "model-monitor-byoc-constraints.html", INTRODUCTION),
    ),
    Assumption(
        "constraint-overrides",
        "monitoring files",
        "Overrides for one feature stand in monitoringConfigOverrides; users also write monitoring_config_overrides,"
        " and inside string_constraints.",
        SEEN,
        (GUIDE + "model-monitor-byoc-constraints.html", SDK + "issues/2745"),
    ),
    Assumption(
        "inferred-type",
        "monitoring files",
        "Model Monitor infers types as Deequ does, by these expressions on the whole cell; a column with any other cell"
        " is String, and an empty cell is missing.",
        SEEN,
        (
            DEEQU + "analyzers/catalyst/StatefulDataType.scala",
            DEEQU + "analyzers/DataType.scala",
            GUIDE + "model-monitor-pre-built-container.html",
        ),
    ),
    Assumption(
        "drift-distance",
        "monitoring files",
        "Drift is the largest distance of two distribution functions (numbers) or shares (categories), less"
        " 1.8 sqrt((n+m)/nm) for the method Robust.",
        SEEN,
        (DEEQU + "analyzers/Distance.scala", GUIDE + "model-monitor-byoc-constraints.html"),
    ),
    Assumption(
        "chi-squared-threshold",
        "monitoring files",
        "With ChiSquared a feature violates when the p-value is below categorical_comparison_threshold.",
        UNKNOWN,
        (DEEQU + "analyzers/Distance.scala",),
        searched="The guide names the method and the threshold, not how they are compared.",
    ),
    Assumption(
        "violation-sentences",
        "monitoring files",
        "A violation's description is Model Monitor's sentence, as a saved output shows it for types, and AWS's samples"
        ' parse it for drift ("distance: ... exceeds threshold: ...").',
        SEEN,
        (
            INTRODUCTION,
            GUIDE + "model-monitor-interpreting-violations.html",
            "https://github.com/aws-samples/amazon-sagemaker-safe-deployment-pipeline",
        ),
    ),
    Assumption(
        "integral-violations",
        "monitoring files",
        "One bad record violates: 99.6 % Integral against an expected 100 %, which users complain of.",
        SEEN,
        (INTRODUCTION, "https://github.com/PacktPublishing/Learn-Amazon-SageMaker/issues/14"),
    ),
    Assumption(
        "non-negative-not-enforced",
        "monitoring files",
        "Model Monitor suggests is_non_negative and has no check that enforces it.",
        INFERRED,
        (GUIDE + "model-monitor-interpreting-violations.html",),
    ),
    Assumption(
        "quality-files",
        "monitoring files",
        "Model quality, bias and explainability have statistics and violations of other forms.",
        SEEN,
        (GUIDE + "model-monitor-model-quality-metrics.html", BIAS),
    ),
    Assumption(
        "sns-subject",
        "SNS",
        "A subject has fewer than 100 characters, no line breaks and no control characters; printable ASCII without a"
        " blank first is always accepted. A message is not empty.",
        SEEN,
        (SNS + "api/API_Publish.html",),
    ),
    Assumption(
        "sns-size",
        "SNS",
        "A message and its attributes have at most 262,144 bytes together.",
        SEEN,
        (SNS + "api/API_Publish.html",),
    ),
    Assumption(
        "sns-unconfirmed",
        "SNS",
        "A Publish to a topic without a confirmed subscription succeeds; GetTopicAttributes counts the subscriptions.",
        INFERRED,
        (SNS + "api/API_Subscribe.html", SNS + "api/API_GetTopicAttributes.html"),
    ),
    Assumption(
        "sns-delivery",
        "SNS",
        "A standard topic delivers a message at least once, sometimes twice, and messages in no certain order.",
        SEEN,
        ("https://aws.amazon.com/sns/faqs/",),
    ),
    Assumption(
        "sns-filter",
        "SNS",
        "A filter policy matches any value of a String.Array attribute; a Lambda subscriber sees it as a String.",
        INFERRED,
        (SNS + "dg/sns-message-attributes.html",),
    ),
    Assumption(
        "publish-resent",
        "SNS",
        "botocore sends a Publish again when only its answer was lost, and SNS then delivers it twice.",
        SEEN,
        ("https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html",),
    ),
    Assumption(
        "chat-schema",
        "chat",
        "Chat clients subscribe by HTTPS and show the custom-notification schema alone; they drop the rest in silence.",
        SEEN,
        (CHAT,),
    ),
    Assumption(
        "chat-sizes",
        "chat",
        "A value of additionalContext may be as long as a message; title 250, description 8,000, a step 350.",
        UNKNOWN,
        (CHAT,),
        searched="The guide gives no limit for additionalContext.",
    ),
    Assumption(
        "template-size",
        "CloudFormation",
        "A template in a request has at most 51,200 bytes, one in an S3 object 1 MB; one with a named role needs"
        " CAPABILITY_NAMED_IAM.",
        SEEN,
        (CLOUDFORMATION + "APIReference/API_CreateChangeSet.html",),
    ),
    Assumption(
        "empty-change-set",
        "CloudFormation",
        'A change set without changes becomes FAILED: "The submitted information didn\'t contain changes. ...".',
        INFERRED,
        ("https://github.com/aws/aws-cli/blob/develop/awscli/customizations/cloudformation/deployer.py",),
    ),
    Assumption(
        "stack-tags",
        "CloudFormation",
        "The resources of a stack get its tags, so other tags change each resource that can have tags. A change set"
        " without tags keeps those of the stack.",
        INFERRED,
        (
            CLOUDFORMATION + "UserGuide/aws-properties-resource-tags.html",
            CLOUDFORMATION + "APIReference/API_CreateChangeSet.html",
        ),
    ),
    Assumption(
        "import-existing",
        "CloudFormation",
        "With ImportExistingResources a change set imports a resource that exists already, if its name is static (no"
        " function such as Ref), its DeletionPolicy is Retain or RetainExceptOnCreate, no other stack has it, and its"
        " type is identified by a property that the template can set. Anything else that exists fails the creation.",
        SEEN,
        (
            CLOUDFORMATION + "UserGuide/import-resources-automatically.html",
            CLOUDFORMATION + "APIReference/API_CreateChangeSet.html",
        ),
    ),
    Assumption(
        "imported-configuration",
        "CloudFormation",
        "An imported resource keeps the configuration that it has, also where the template says another; the stack ends"
        " as CREATE_COMPLETE or IMPORT_COMPLETE, and setup takes both.",
        INFERRED,
        (
            CLOUDFORMATION + "UserGuide/import-resources-automatically.html",
            "https://github.com/aws-cloudformation/rain/pull/646",
        ),
    ),
    Assumption(
        "deleted-stack",
        "CloudFormation",
        "A deleted stack is described by its id alone, for 90 days; by its name it does not exist.",
        SEEN,
        (CLOUDFORMATION + "APIReference/API_DescribeStacks.html",),
    ),
    Assumption(
        "resource-handlers",
        "CloudFormation",
        "CloudFormation calls the services with the credentials of whoever executes the change set; the schema of a"
        " resource type lists what its handlers call. The lists are in vedette/local/resource_handlers.json.",
        SEEN,
        (
            CLOUDFORMATION + "UserGuide/control-access-with-iam.html",
            CLOUDFORMATION + "UserGuide/resource-type-schemas.html",
            "https://github.com/pulumi/pulumi-aws-native/tree/43eed3b017fff3b41e0ceeae37ee943afce53275/"
            "aws-cloudformation-schema",
        ),
    ),
    Assumption(
        "unused-properties",
        "CloudFormation",
        "A create or update handler calls what serves one property only if the template sets this property; a read"
        " handler reads every property.",
        INFERRED,
        (CLOUDFORMATION + "UserGuide/resource-type-schemas.html",),
    ),
    Assumption(
        "review-in-progress",
        "CloudFormation",
        "A stack whose first change set nobody executed stays in REVIEW_IN_PROGRESS, and takes a CREATE again.",
        INFERRED,
        (CLOUDFORMATION + "UserGuide/view-stack-events.html",),
    ),
    Assumption(
        "template-reading",
        "CloudFormation",
        "ValidateTemplate lists parameters and capabilities and refuses unknown references; GetTemplateSummary lists"
        " them of a stack, too; GetTemplate gives the body as it was sent; DescribeStackResources also describes"
        " deleted stacks, by their ids.",
        SEEN,
        (
            CLOUDFORMATION + "APIReference/API_ValidateTemplate.html",
            CLOUDFORMATION + "APIReference/API_GetTemplateSummary.html",
            CLOUDFORMATION + "APIReference/API_GetTemplate.html",
            CLOUDFORMATION + "APIReference/API_DescribeStackResources.html",
        ),
    ),
    Assumption(
        "execution-token",
        "CloudFormation",
        "A change set that is executed again with the same ClientRequestToken is not executed twice.",
        INFERRED,
        (CLOUDFORMATION + "APIReference/API_ExecuteChangeSet.html",),
    ),
    Assumption(
        "stack-deletion",
        "CloudFormation",
        "Deleting a stack keeps what has DeletionPolicy Retain; deleting a stack that does not exist succeeds.",
        INFERRED,
        (
            CLOUDFORMATION + "UserGuide/aws-attribute-deletionpolicy.html",
            CLOUDFORMATION + "APIReference/API_DeleteStack.html",
        ),
    ),
    Assumption(
        "stack-duration",
        "CloudFormation",
        "The simulator's stacks are done at once; AWS takes minutes, for which setup waits in botocore's waiters.",
        INFERRED,
        ("https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/cloudformation.html#waiters",),
    ),
    Assumption(
        "policy-evaluation",
        "IAM",
        "A call is allowed when a statement allows it and none denies it; a condition on a key that the request does"
        " not have fails, except for Null and ForAllValues.",
        INFERRED,
        (
            IAM + "reference_policies_evaluation-logic.html",
            IAM + "reference_policies_elements_condition_operators.html",
        ),
    ),
    Assumption(
        "pass-role",
        "IAM",
        "CreateModel needs iam:PassRole on the role with iam:PassedToService sagemaker.amazonaws.com.",
        INFERRED,
        (IAM_ACTIONS,),
    ),
    Assumption(
        "alarm-permission",
        "IAM",
        "The execution role needs cloudwatch:DescribeAlarms on the alarms of an update; whether it is the role of the"
        " models or that of the caller is not said, so both have it. In the simulator an update is rolled back where"
        " the role of the models may not read them; the text of the reason is ours.",
        INFERRED,
        (GUIDE + "deployment-guardrails-configuration.html",),
    ),
    Assumption(
        "endpoint-key",
        "IAM",
        "Who creates or updates an endpoint whose configuration has a KmsKeyId needs kms:CreateGrant on the key;"
        " SageMaker retires the grant when the endpoint is deleted. kms:DescribeKey is documented for notebooks with a"
        " key, and needed beside it in the simulator.",
        INFERRED,
        (
            GUIDE + "api-permissions-reference.html",
            API + "CreateEndpointConfig.html",
            API + "DeleteEndpoint.html",
        ),
    ),
    Assumption(
        "capture-key-permission",
        "IAM",
        "An endpoint writes captures with the role of its model: to encrypt them with a customer's key it needs"
        " kms:GenerateDataKey, and kms:Decrypt for uploads in parts, through S3; the encryption context is the ARN of"
        " the object, or that of the bucket where it uses a bucket key.",
        INFERRED,
        (
            GUIDE + "sagemaker-roles.html",
            S3 + "userguide/UsingKMSEncryption.html",
        ),
    ),
    Assumption(
        "tag-permissions",
        "IAM",
        "Creating with Tags needs sagemaker:AddTags as well; an endpoint configuration carries sagemaker:InstanceTypes"
        " of all its variants, or sagemaker:ServerlessMaxConcurrency.",
        INFERRED,
        (IAM_ACTIONS,),
    ),
    Assumption(
        "eventual-permissions",
        "IAM",
        "In the simulator a new permission counts at once; AWS takes seconds, for which Chalice tries again.",
        INFERRED,
        (
            IAM + "troubleshoot.html#troubleshoot_general_eventual-consistency",
            "https://github.com/aws/chalice/blob/master/chalice/awsclient.py",
        ),
    ),
    Assumption(
        "resource-policies",
        "IAM",
        "Resource policies of buckets and keys, boundaries and organisations refuse nothing in the simulator.",
        UNKNOWN,
        (),
        searched="A limit of the simulator: `vedette doctor` reads the key's policy, and --live runs each function.",
    ),
    Assumption(
        "policy-size",
        "IAM",
        "A managed policy has at most 6,144 characters without white space, the inline policies of a role 10,240.",
        SEEN,
        (IAM + "reference_iam-quotas.html",),
    ),
    Assumption(
        "scalable-target",
        "IAM",
        "Who deletes an endpoint that scales automatically needs application-autoscaling:DeregisterScalableTarget.",
        SEEN,
        (GUIDE + "endpoint-delete-with-scaling.html",),
    ),
    Assumption(
        "table-key",
        "IAM",
        "DynamoDB uses a customer's key of a table with the permissions of whoever makes the table, so kms:CreateGrant,"
        " Decrypt, DescribeKey and Encrypt are needed through DynamoDB alone (kms:ViaService).",
        INFERRED,
        (
            CLOUDFORMATION + "UserGuide/resource-type-schemas.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html",
            "https://docs.aws.amazon.com/kms/latest/developerguide/grants.html",
        ),
    ),
    Assumption(
        "caller-identity",
        "IAM",
        "GetCallerIdentity needs no permission.",
        SEEN,
        ("https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",),
    ),
    Assumption(
        "item-size",
        "other services",
        "A DynamoDB item has at most 400 kB, names included; a larger one is a ValidationException.",
        SEEN,
        (DYNAMODB + "developerguide/ServiceQuotas.html",),
    ),
    Assumption(
        "conditional-item",
        "other services",
        "A DynamoDB write whose condition does not hold is a ConditionalCheckFailedException and changes nothing; a"
        " consistent read sees every write that succeeded before it.",
        SEEN,
        (
            DYNAMODB + "developerguide/Expressions.ConditionExpressions.html",
            DYNAMODB + "developerguide/HowItWorks.ReadConsistency.html",
        ),
    ),
    Assumption(
        "embedded-metrics",
        "other services",
        "CloudWatch makes metrics of log lines in its embedded metric format: at most 100 metrics a line, and 30"
        " dimensions a set.",
        SEEN,
        (CLOUDWATCH + "CloudWatch_Embedded_Metric_Format_Specification.html",),
    ),
    Assumption(
        "cloudtrail-lookup",
        "other services",
        "LookupEvents finds management events of the last 90 days, newest first, and takes two requests a second.",
        SEEN,
        ("https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html",),
    ),
    Assumption(
        "cloudtrail-delay",
        "other services",
        "A call can be looked up some minutes after it was made, without a guarantee.",
        INFERRED,
        ("https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html",),
    ),
    Assumption(
        "unreserved-minimum",
        "other services",
        "Reservations must leave 100 concurrent executions of the account unreserved; PutFunctionConcurrency is refused"
        " otherwise. GetAccountSettings gives the limit, often 10 in a new account, and the unreserved part.",
        SEEN,
        (
            "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html",
            "https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html",
            "https://docs.gruntwork.io/discussions/knowledge-base/215",
        ),
    ),
    Assumption(
        "service-rates",
        "other services",
        "Requests a second: S3 5,500 reads and 3,500 writes of a prefix; DynamoDB 3,000 reads and 1,000 writes of a"
        " partition; GetMetricStatistics 400; PutEvents 400 and Publish 300 in the smallest Regions.",
        SEEN,
        (
            S3 + "userguide/optimizing-performance.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
            "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
            "https://docs.aws.amazon.com/general/latest/gr/sns.html",
        ),
    ),
    Assumption(
        "console-paths",
        "other services",
        "The console stands at console.aws.amazon.com, console.amazonaws.cn or console.amazonaws-us-gov.com, by"
        " partition; its paths to an object and an endpoint stay as they are.",
        UNKNOWN,
        (),
        searched="No page that documents the paths was found.",
    ),
    Assumption(
        "blackhole-route",
        "other services",
        "A route to a gateway that is gone stays as a blackhole; VPC endpoints answer to AWS's names with private DNS.",
        SEEN,
        (
            "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html",
            "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
        ),
    ),
)


def page() -> str:
    """The assumptions as docs/aws-behaviour.md."""
    lines = [
        "# What Vedette assumes about AWS",
        "",
        "Vedette was written against these claims, and the AWS simulator (`vedette/local/`) behaves by them.",
        "Each claim has a name, by which the code refers to it, and a certainty:",
        "",
        "- **seen**: read in AWS's own text or service model, or in a published live answer.",
        "- **inferred**: follows from such a text.",
        "- **unknown**: found nowhere. The simulator is as strict as AWS could be; the source says what was searched.",
        "",
        "Nothing here was tried on a live account: `make aws-check` is the command for that.",
        "This page is generated: `python -m vedette.local.assumptions > docs/aws-behaviour.md`.",
    ]
    for topic, items in groupby(ASSUMPTIONS, key=lambda item: item.topic):
        lines += [
            "",
            f"## {topic[:1].upper() + topic[1:]}",
            "",
            "| name | claim | certainty | source |",
            "|---|---|---|---|",
        ]
        lines += [_row(item) for item in items]
    return "\n".join(lines) + "\n"


def _row(item: Assumption) -> str:
    claim, sources = item.claim.replace("|", "\\|").replace("<", "&lt;"), [_link(url) for url in item.sources]
    return f"| `{item.slug}` | {claim} | {item.certainty} | {' · '.join([*sources, *filter(None, [item.searched])])} |"


def _link(url: str) -> str:
    address = urlsplit(url)
    parts = address.path.strip("/").split("/")
    shown = "/".join(parts[:2] + parts[-2:]) if address.netloc == "github.com" and len(parts) > 2 else parts[-1]
    return f"[{shown if address.netloc == 'github.com' else shown.removesuffix('.html')}]({url})"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
