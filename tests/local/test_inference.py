"""Endpoints answer like the built-in algorithms."""

import json

import pytest

from vedette.local.inference import train


@pytest.fixture
def both(account):
    account.endpoint("knn", "knn")
    account.endpoint("linear", "linear-learner")
    return account


def answer(account, name, **more):
    return account.predict("1,2\n12,13\n", name, **more)["Body"].read().decode()


def test_the_nearest_neighbours_answer_rows_in_csv_and_json(both):
    assert answer(both, "knn") == "0.0\n1.0\n"
    assert json.loads(answer(both, "knn", Accept="application/json")) == {
        "predictions": [{"predicted_label": 0.0}, {"predicted_label": 1.0}]
    }


def test_the_linear_learner_answers_a_score_and_a_label(both):
    predictions = json.loads(answer(both, "linear", Accept="application/json"))["predictions"]
    assert [prediction["predicted_label"] for prediction in predictions] == [0, 1]
    assert predictions[0]["score"] < 0.5 < predictions[1]["score"]
    assert answer(both, "linear") == "0\n1\n"


@pytest.mark.parametrize(
    "instances",
    [
        [[1, 2], [12, 13]],
        [{"features": [1, 2]}, {"features": [12, 13]}],
        [{"data": {"features": {"values": [1, 2]}}}, {"data": {"features": {"values": [12, 13]}}}],
    ],
)
def test_json_requests_come_in_three_documented_forms(both, instances):
    body = json.dumps({"instances": instances})
    reply = both.predict(body, "knn", ContentType="application/json")
    assert reply["Body"].read() == b"0.0\n1.0\n"
    assert reply["ContentType"] == "text/csv; charset=utf-8"
    assert reply["InvokedProductionVariant"] == "AllTraffic"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("1", "text/csv", 400),
        ("a,b", "text/csv", 400),
        ("", "text/csv", 400),
        ("{}", "application/json", 400),
        ('{"instances": []}', "application/json", 400),
        ("<a/>", "application/xml", 415),
    ],
)
def test_a_bad_request_is_a_model_error_with_the_containers_status(both, refused, body, content_type, status):
    with refused() as reply:
        both.predict(body, "knn", ContentType=content_type)
    assert reply.code == "ModelError"
    assert reply.response["OriginalStatusCode"] == status
    assert reply.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert reply.message.startswith(f'Received client error ({status}) from primary with message "')


def test_an_endpoint_answers_while_it_is_updated_but_not_before_it_is_in_service(account, refused):
    account.model("m")
    account.config("c", "m")
    account.client("sagemaker").create_endpoint(EndpointName="site", EndpointConfigName="c")
    with refused() as creating:
        account.predict()
    account.cloud.turn(minutes=5)
    account.config("next", "m")
    account.client("sagemaker").update_endpoint(EndpointName="site", EndpointConfigName="next")
    assert account.predict()["Body"].read() == b"0.0\n"
    assert (creating.code, creating.message) == ("ValidationError", "Endpoint site of account 123456789012 not found.")


def test_requests_go_to_variants_by_weight_or_by_name(account, refused):
    for name in ("m", "n"):
        account.model(name)
    shared = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = [
        {"VariantName": "a", "ModelName": "m", "InitialVariantWeight": 1, **shared},
        {"VariantName": "b", "ModelName": "n", "InitialVariantWeight": 3, **shared},
    ]
    sagemaker = account.client("sagemaker")
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="site", EndpointConfigName="c")
    account.cloud.turn(minutes=5)
    chosen = [account.predict()["InvokedProductionVariant"] for _ in range(200)]
    assert 25 < chosen.count("a") < 75
    assert account.predict(TargetVariant="a")["InvokedProductionVariant"] == "a"
    with refused() as unknown:
        account.predict(TargetVariant="c")
    assert unknown.code == "ValidationError"


def test_a_predictor_of_ones_own_answers_for_its_image(account):
    account.cloud.runtime.register("mine:1", lambda body, content_type, accept: (body[::-1], "text/plain"))
    role = account.environment["VEDETTE_ROLE_ARN"]
    container = {"Image": "mine:1"}
    account.client("sagemaker").create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer=container)
    account.config("c", "m")
    account.client("sagemaker").create_endpoint(EndpointName="site", EndpointConfigName="c")
    account.cloud.turn(minutes=5)
    assert account.predict("abc")["Body"].read() == b"cba"


def test_identifiers_and_attributes_have_their_limits(both, refused):
    with refused() as long_id:
        both.predict(name="knn", InferenceId="x" * 65)
    with refused() as long_attributes:
        both.predict(name="knn", CustomAttributes="x" * 1025)
    assert "less than or equal to 64" in long_id.message
    assert "less than or equal to 1024" in long_attributes.message


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("forest", b"0,1\n1,2\n", "no algorithm 'forest'"),
        ("knn", b"label,a\n0,1\n", "without a header"),
        ("knn", b"1\n2\n", "at least one feature"),
        ("linear-learner", b"".join(b"%d,1\n" % n for n in range(1001)), "more than 1000 values"),
    ],
)
def test_training_says_what_is_wrong_with_its_data(kind, data, reason):
    with pytest.raises(ValueError, match=reason):
        train(kind, data)
