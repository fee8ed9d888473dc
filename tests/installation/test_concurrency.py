"""An account that cannot spare the reserved concurrency gets an installation without it, and is told so."""

import io
import json
import zipfile

import pytest

from vedette.installation import deploy
from vedette.installation.functions import FUNCTIONS, full_name

MAIL = ("--email", "oncall@example.com")
RESERVED = sum(function.reserved_concurrency for function in FUNCTIONS)
WHAT = "the functions have reserved concurrency"


def functions(clone) -> None:
    """The seven functions, as Chalice leaves them."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = clone.client("iam").create_role(RoleName="vedette-dev-any", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("app.py", "")
    for function in FUNCTIONS:
        clone.client("lambda").create_function(
            FunctionName=full_name("dev", function.name),
            Runtime="python3.12",
            Handler=function.handler,
            Role=role,
            Code={"ZipFile": archive.getvalue()},
        )


def reserved(clone) -> list[int | None]:
    asked = clone.client("lambda").get_function_concurrency
    answers = [asked(FunctionName=full_name("dev", function.name)) for function in FUNCTIONS]
    return [answer.get("ReservedConcurrentExecutions") for answer in answers]


def findings(clone) -> dict[str, dict]:
    """What doctor says of concurrency."""
    found = clone.answer("doctor", "--stage", "dev", code=1)["findings"]
    return {one["what"]: one for one in found if "reserved concurrency" in one["what"]}


@pytest.fixture
def default(clone):
    """The default of the packaged template's parameter."""
    file = clone.project.folder("dev") / "merge-template.json"
    return lambda: json.loads(file.read_bytes())["Parameters"]["ReserveConcurrency"]["Default"]


@pytest.mark.parametrize("limit", [10, 100, RESERVED + 99])
def test_a_small_account_reserves_nothing_and_is_told_why(clone, default, limit):
    clone.cloud.account.concurrent_executions = limit
    said = clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    functions(clone)
    done = deploy.finish("dev")
    assert reserved(clone) == [None] * len(FUNCTIONS)
    assert default() == "no"
    (found,) = findings(clone).values()
    assert (found["what"], found["outcome"]) == (WHAT, "warning")
    for text in (said, done[-1], found["found"]):
        assert f"the account's limit is {limit} concurrent executions, {limit} of them unreserved" in text
        assert f"would reserve {RESERVED}, and Lambda keeps 100 unreserved" in text
    for text in (said, done[-1], found["remedy"]):
        assert f"'Concurrent executions' (L-B99A9384) of {RESERVED + 100} or more" in text
    assert "they share the account's with all other functions" in said


def test_after_the_limit_was_raised_doctor_reserves_it(clone, default):
    clone.cloud.account.concurrent_executions = 10
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    functions(clone)
    clone.cloud.account.concurrent_executions = RESERVED + 100
    assert set(findings(clone)) == {
        f"{function.name} has a reserved concurrency of {function.reserved_concurrency}" for function in FUNCTIONS
    }
    deploy.finish("dev")
    assert reserved(clone) == [function.reserved_concurrency for function in FUNCTIONS]
    assert findings(clone) == {}
    clone.cloud.account.concurrent_executions = RESERVED + 50  # lowered: what is reserved stays
    assert "reserved concurrency" not in clone.done("setup", "--stage", "dev", "--yes")
    assert default() == "yes"
    assert deploy.finish("dev") == []


def test_what_others_reserve_is_not_there_for_vedette(clone):
    clone.cloud.account.concurrent_executions = 1_000
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    functions(clone)
    role = clone.client("iam").get_role(RoleName="vedette-dev-any")["Role"]["Arn"]
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    clone.client("lambda").create_function(
        FunctionName="theirs", Runtime="python3.12", Handler="a.b", Role=role, Code=code
    )
    clone.client("lambda").put_function_concurrency(FunctionName="theirs", ReservedConcurrentExecutions=880)
    assert "1000 concurrent executions, 120 of them unreserved" in deploy.finish("dev")[-1]
    assert reserved(clone) == [None] * len(FUNCTIONS)
