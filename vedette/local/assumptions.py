"""What the stand-in takes for granted about AWS, each with its source and how sure it is.

`seen` was read in AWS's own text or in a live error that somebody recorded; `inferred` follows from such a text;
`unknown` could not be read anywhere: there the stand-in is as strict as AWS could be, and the text is ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """One belief about AWS."""

    about: str
    belief: str
    source: str
    certainty: str  # seen, inferred or unknown


ASSUMPTIONS = (
    Assumption(
        "names",
        "A second Create with the same name is a ValidationException "
        '"Cannot create already existing model|endpoint configuration|endpoint "arn"."',
        "sagemaker-python-sdk issue 101; aws-facts 4.1",
        "seen",
    ),
    Assumption("names", "SageMaker writes names in lower case in its ARNs.", "aws-facts 1.3", "seen"),
    Assumption(
        "updates",
        "An update during which an alarm of AutoRollbackConfiguration goes off ends InService on the old config with a"
        " FailureReason; the text of the reason is ours.",
        "botocore's documentation of AutoRollbackConfig; aws-facts 4.2",
        "inferred",
    ),
    Assumption(
        "missing things",
        'A missing model, config or endpoint is a ValidationException "Could not find … "arn"."',
        "ACK sagemaker-controller; aws-facts 4.3",
        "seen",
    ),
    Assumption(
        "missing things",
        '"ModelPackageGroup arn… does not exist." and "Model Package Group already exists: arn…".',
        "ACK code generator's tests; issue 5063 of sagemaker-python-sdk",
        "seen",
    ),
    Assumption(
        "endpoints",
        'Update, delete and weights of a busy endpoint: "Cannot update in-progress endpoint "arn".".',
        "ACK and sagemaker-operator-for-k8s; aws-facts 4.3",
        "seen",
    ),
    Assumption(
        "endpoints", "A Failed endpoint takes only DeleteEndpoint; the text is ours.", "aws-facts 4.3", "inferred"
    ),
    Assumption("endpoints", "UpdateEndpoint mends UpdateRollbackFailed.", "botocore, EndpointStatus", "inferred"),
    Assumption(
        "endpoints",
        "While an endpoint is Creating, DescribeEndpoint has neither variants nor capture.",
        "recorded answers in notebooks",
        "inferred",
    ),
    Assumption(
        "endpoints",
        "During an update EndpointConfigName is the old one and PendingDeploymentSummary has the new one.",
        "aws-facts 1.4",
        "seen",
    ),
    Assumption(
        "endpoints",
        "A failed update comes back InService with the old config and a FailureReason.",
        "terraform-provider-aws issue 39099; ACK pull request 7",
        "seen",
    ),
    Assumption(
        "endpoints",
        "DeleteEndpoint is refused while a schedule watches the endpoint; the text is ours.",
        "aws-facts 4.6",
        "unknown",
    ),
    Assumption(
        "endpoints",
        "A config in use cannot be deleted. AWS takes the call and leaves an endpoint that cannot be updated.",
        "API reference, DeleteEndpointConfig; failure catalogue D12",
        "inferred",
    ),
    Assumption(
        "registry",
        "UpdateModelPackage leaves what it is not given as it was; customer metadata are merged by key.",
        "botocore, CustomerMetadataPropertiesToRemove",
        "inferred",
    ),
    Assumption(
        "registry",
        "CreateModel refuses a version that is not Approved; the text is ours.",
        "aws-facts 4.1",
        "unknown",
    ),
    Assumption(
        "registry",
        "A version of a group has no ModelPackageName and takes no tags.",
        "sagemaker-python-sdk issue 5606; botocore, CreateModelPackage.Tags",
        "seen",
    ),
    Assumption(
        "registry",
        "A group with versions cannot be deleted; the text is ours.",
        "developer guide, model registry",
        "inferred",
    ),
    Assumption(
        "events",
        "Every transition of an endpoint is announced: status in upper snake case, times in epoch milliseconds.",
        "aws-facts 1.3",
        "seen",
    ),
    Assumption(
        "events",
        "The creation of a package is announced without UpdatedModelPackageFields.",
        "aws-facts 1.2",
        "inferred",
    ),
    Assumption(
        "events",
        "A monitoring job's event has no ExitMessage, Environment or MonitoringScheduleArn.",
        "aws-facts 1.5",
        "inferred",
    ),
    Assumption(
        "events", 'PutEvents refuses sources "aws.…" with NotAuthorizedForSourceException.', "catalogue D10", "seen"
    ),
    Assumption(
        "Lambda",
        "A failed asynchronous invocation comes again after one minute and after two more, with the same request id.",
        "Lambda developer guide, asynchronous invocation",
        "seen",
    ),
    Assumption(
        "S3 events",
        "Each write of a key has a greater sequencer than the one before; a shorter one is padded with zeros behind.",
        "S3 user guide, event message structure; aws-facts 5",
        "seen",
    ),
    Assumption(
        "capture",
        "SageMaker appends /endpoint/variant/… to DestinationS3Uri; behind a slash at its end the key may hold two.",
        "amazon-sagemaker-examples issue 1938; aws-facts 2.1",
        "inferred",
    ),
    Assumption(
        "capture",
        "One file a minute and variant at most, delivered about two minutes later.",
        "aws-facts 2.1",
        "seen",
    ),
    Assumption(
        "capture",
        "Without header lists everything is BASE64; listed media types are compared without parameters.",
        "aws-facts 2.4",
        "seen",
    ),
    Assumption(
        "capture",
        "A refused request is captured too, its answer without an observed content type.",
        "aws-facts 2.3",
        "inferred",
    ),
    Assumption(
        "runtime",
        'An endpoint that does not serve: ValidationError "Endpoint … of account … not found.".',
        "recorded errors of InvokeEndpoint",
        "seen",
    ),
    Assumption(
        "runtime",
        "The linear learner answers CSV with the label, then the score.",
        "the developer guide shows JSON and RecordIO only",
        "unknown",
    ),
    Assumption(
        "runtime", "The built-in algorithms answer JSON unless CSV is asked for.", "developer guide", "inferred"
    ),
    Assumption(
        "metrics",
        "Invocations of AWS/SageMaker counts every request that reached a variant, in minutes, a minute later.",
        "developer guide, SageMaker endpoint invocation metrics",
        "seen",
    ),
    Assumption(
        "monitoring",
        "An execution begins on the hour plus 0 to 20 minutes; no captured data makes it Failed.",
        "aws-facts 1.10",
        "seen",
    ),
    Assumption("monitoring", "The job names of bias and explainability monitors.", "aws-facts 1.7", "unknown"),
    Assumption(
        "monitoring",
        'A Pending schedule refuses changes: "Monitoring schedule in status Pending".',
        "aws-facts 4.6",
        "seen",
    ),
    Assumption(
        "SNS",
        "A subject is printable ASCII, shorter than 100 characters, no blank first; a message is not empty.",
        "API reference, Publish (the newer rule that takes UTF-8 subjects is not relied on; aws-facts 0)",
        "seen",
    ),
    Assumption(
        "SNS",
        "A Publish to a topic without a confirmed subscription succeeds; GetTopicAttributes counts them.",
        "API reference, Subscribe and GetTopicAttributes; aws-facts 5",
        "inferred",
    ),
    Assumption(
        "SNS",
        "A filter policy matches any value of a String.Array attribute; a Lambda subscriber sees it as a String.",
        "developer guide, message attributes",
        "inferred",
    ),
    Assumption(
        "chat",
        "Chat clients subscribe by HTTPS and show the custom-notification schema alone; they drop the rest unsaid.",
        "administrator guide of Amazon Q Developer in chat applications, custom notifications",
        "seen",
    ),
    Assumption(
        "chat",
        "A value of additionalContext may be as long as a message; title 250, description 8,000, a step 350.",
        "the guide gives no limit for additionalContext that could be read here",
        "unknown",
    ),
    Assumption(
        "traffic shifting",
        "A canary is at most half of a variant's instances; the text is ours.",
        "aws-facts 4.2",
        "inferred",
    ),
    Assumption(
        "CloudFormation",
        "A template in a request has at most 51,200 bytes; one with a named role needs CAPABILITY_NAMED_IAM.",
        "botocore, CreateChangeSet: TemplateBody, Capabilities",
        "seen",
    ),
    Assumption(
        "CloudFormation",
        'A change set without changes becomes FAILED: "The submitted information didn\'t contain changes. …".',
        "moto/cloudformation/models.py, and aws-cli's deployer, which looks for this text",
        "inferred",
    ),
    Assumption(
        "CloudFormation",
        "With ImportExistingResources a resource whose name is in the template and exists already is taken in; without"
        " it the creation fails and is rolled back.",
        "botocore, CreateChangeSet: ImportExistingResources; user guide, automatic import",
        "seen",
    ),
    Assumption(
        "CloudFormation",
        "A stack that a change set began and nobody executed stays in REVIEW_IN_PROGRESS, and takes a CREATE again.",
        "user guide, stack status codes",
        "inferred",
    ),
    Assumption(
        "CloudFormation",
        "Deleting a stack keeps what has DeletionPolicy Retain; deleting one that is not there succeeds.",
        "user guide, DeletionPolicy; the API reference of DeleteStack names no error for it",
        "inferred",
    ),
    Assumption(
        "CloudFormation",
        "Stacks are done as soon as they are executed; AWS takes minutes, for which setup waits in botocore's waiters.",
        "botocore, waiters stack_create_complete and stack_update_complete",
        "inferred",
    ),
    Assumption(
        "IAM",
        "A call is allowed when a statement allows it and none denies it; a condition on a key that the request does"
        " not have fails, but for Null and ForAllValues.",
        "IAM user guide, policy evaluation logic and condition operators",
        "inferred",
    ),
    Assumption(
        "IAM",
        "CreateModel needs iam:PassRole on the role with iam:PassedToService sagemaker.amazonaws.com.",
        "Service Authorization Reference, SageMaker: dependent actions",
        "inferred",
    ),
    Assumption(
        "IAM",
        "Creating with Tags needs sagemaker:AddTags as well; an endpoint config carries sagemaker:InstanceTypes of all"
        " its variants, or sagemaker:ServerlessMaxConcurrency.",
        "Service Authorization Reference, SageMaker: actions and condition keys",
        "inferred",
    ),
    Assumption(
        "IAM",
        "A permission that a role was just given counts at once; AWS takes seconds, for which Chalice tries again.",
        "IAM user guide, eventual consistency; chalice/awsclient.py, _create_lambda_function",
        "inferred",
    ),
    Assumption(
        "IAM",
        "Resource policies of buckets and keys, boundaries and organisations refuse nothing here.",
        "a limit of the stand-in: `vedette doctor` looks at the key's policy, and --live runs each function",
        "unknown",
    ),
    Assumption(
        "S3",
        "An object that is not there is 404 NoSuchKey for whoever may list the bucket, else 403 AccessDenied.",
        "botocore, GetObject: permissions",
        "seen",
    ),
    Assumption(
        "S3",
        "A conditional write with If-Match needs s3:GetObject beside s3:PutObject.",
        "S3 user guide, conditional writes: permissions",
        "inferred",
    ),
    Assumption(
        "consoles",
        "The console stands at console.aws.amazon.com, console.amazonaws.cn or console.amazonaws-us-gov.com, by"
        " partition; its paths to an object and an endpoint stay as they are.",
        "no page that documents the paths was found",
        "unknown",
    ),
    Assumption(
        "EC2",
        "A route to a gateway that is gone stays, a blackhole; VPC endpoints answer to AWS's names with private DNS.",
        "botocore, DescribeRouteTables: Route; VPC user guide, interface endpoints",
        "seen",
    ),
)


def table() -> str:
    """The assumptions as lines of text."""
    return "\n".join(
        f"{item.certainty:9} {item.about:16} {item.belief}  [{item.source}]"
        for item in sorted(ASSUMPTIONS, key=lambda item: (item.about, item.certainty))
    )
