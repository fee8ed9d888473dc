"""What doctor says of a key, a VPC and pending notifications: nothing when they are sound, else what a fault breaks."""

import json
from datetime import timedelta

import pytest
from moto.ec2.models.route_tables import Route
from msgspec.structs import replace

from chalicelib.alerts.message import suppressed_summary
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import DepartedEndpoint, FleetEntry, OutboxMessage, Suppressed
from tests.installation.conftest import cloned
from vedette.installation.check_account import GATEWAYS, INTERFACES
from vedette.operations import stages

MAIL = ("--email", "oncall@example.com")
REGION = "eu-west-1"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A stage with a key of its own, which all tests look at."""
    with cloned(tmp_path_factory.mktemp("clone")) as made:
        made.done("setup", "--stage", "dev", *MAIL, "--kms-key", "new", "--yes")
        yield made


def findings(clone) -> dict[str, dict]:
    """What doctor says; there are no functions here, so it always finds faults."""
    return {one["what"]: one for one in clone.answer("doctor", "--stage", "dev", code=1)["findings"]}


# --- the key ----------------------------------------------------------------------------------------------------------

BY_POLICIES = "policies of the account's roles may allow the key"
KEY = ("the key is enabled", BY_POLICIES, "alarms may use the key", "logs may use the key")


@pytest.fixture
def key(clone):
    """The key of the stage; it is put back to what it was."""
    outputs = clone.client("cloudformation").describe_stacks(StackName="vedette-dev")["Stacks"][0]["Outputs"]
    arn = next(one["OutputValue"] for one in outputs if one["OutputKey"] == "KeyArn")
    kms = clone.client("kms")
    before = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
    yield arn
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=before)
    kms.enable_key(KeyId=arn.rpartition("/")[2])


def change(clone, key, edit) -> None:
    """The key's policy, as somebody edited it."""
    kms = clone.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"] = [changed for one in policy["Statement"] if (changed := edit(one)) is not None]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def of(principal: str, **changes):
    """Change the statement of one principal; without changes it is gone."""
    return lambda one: one if principal not in json.dumps(one["Principal"]) else {**one, **changes} if changes else None


def test_a_key_that_setup_made_serves_all_who_need_it(clone, key):
    assert {findings(clone)[what]["outcome"] for what in KEY} == {"ok"}


@pytest.mark.parametrize(
    ("edit", "what", "found"),
    [
        (of("cloudwatch"), KEY[2], "cloudwatch.amazonaws.com kms:Decrypt, kms:GenerateDataKey"),
        (of("cloudwatch", Action="kms:Decrypt"), KEY[2], "allow cloudwatch.amazonaws.com kms:GenerateDataKey"),
        (of("cloudwatch", Effect="Deny"), KEY[2], "allow cloudwatch.amazonaws.com kms:Decrypt, kms:GenerateDataKey"),
        (of("logs."), KEY[3], "allow logs.eu-west-1.amazonaws.com kms:Decrypt"),
        (of("logs.", Principal={"Service": "logs.us-east-1.amazonaws.com"}), KEY[3], "logs.eu-west-1.amazonaws.com"),
        (of(":root", Action=["kms:Describe*", "kms:Put*"]), KEY[1], ":root may not kms:Decrypt, kms:GenerateDataKey"),
    ],
)
def test_whoever_may_not_use_the_key_is_named(clone, key, edit, what, found):
    change(clone, key, edit)
    reported = findings(clone)
    assert (reported[what]["outcome"], reported[what]["remedy"]) == ("fault", "docs/security.md")
    assert found in reported[what]["found"]
    assert {reported[other]["outcome"] for other in KEY if other != what} == {"ok"}


def test_a_pattern_of_actions_and_every_principal_are_understood(clone, key):
    change(clone, key, of("cloudwatch", Action=["kms:Decrypt*", "kms:GenerateDataKey*"]))
    change(clone, key, of("logs.", Principal="*", Action="kms:*"))
    assert {findings(clone)[what]["outcome"] for what in KEY} == {"ok"}


def test_a_key_that_is_switched_off_is_a_fault(clone, key):
    clone.client("kms").disable_key(KeyId=key.rpartition("/")[2])
    reported = findings(clone)["the key is enabled"]
    assert (reported["outcome"], reported["found"]) == ("fault", "Disabled")


# --- the VPC ----------------------------------------------------------------------------------------------------------


class Vpc:
    """A VPC with one private subnet that has a route table of its own."""

    def __init__(self, clone):
        self.ec2 = clone.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self._subnet("10.0.0.0/24")
        self.table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=self.table, SubnetId=self.subnet)

    def _subnet(self, block: str) -> str:
        return self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block)["Subnet"]["SubnetId"]

    def nat_gateway(self, block: str = "10.0.1.0/24") -> str:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = self.ec2.create_nat_gateway(SubnetId=self._subnet(block), AllocationId=address)
        return gateway["NatGateway"]["NatGatewayId"]

    def route_out(self, **by) -> None:
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", **by)

    def endpoints(self, *left_out: str, private_dns: bool = True, tables: tuple[str, ...] = ()) -> None:
        for service in (*INTERFACES, *GATEWAYS):
            how = {"VpcEndpointType": "Interface", "PrivateDnsEnabled": private_dns}
            if service in GATEWAYS:
                how = {"VpcEndpointType": "Gateway", "RouteTableIds": list(tables or (self.table,))}
            if service not in left_out:
                self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.{service}", **how)


@pytest.fixture
def vpc(clone):
    """A VPC of its own for each test, and the stage in it."""
    made = Vpc(clone)
    clone.project.write_stage("dev", {**clone.project.stage("dev"), "subnet_ids": [made.subnet]})
    return made


def reaches(clone, vpc) -> dict:
    return findings(clone)[f"{vpc.subnet} reaches AWS"]


def test_a_subnet_with_a_nat_gateway_reaches_aws(clone, vpc):
    vpc.route_out(NatGatewayId=vpc.nat_gateway())
    assert reaches(clone, vpc)["outcome"] == "ok"


def test_a_subnet_with_every_endpoint_reaches_aws(clone, vpc):
    vpc.endpoints()
    assert reaches(clone, vpc)["outcome"] == "ok"


def test_a_subnet_without_a_way_out_is_reported_with_every_endpoint_that_it_lacks(clone, vpc):
    reported = reaches(clone, vpc)
    assert reported["outcome"] == "fault"
    assert reported["found"].endswith(", ".join((*INTERFACES, *GATEWAYS)))


def test_an_internet_gateway_alone_does_not_serve_a_function(clone, vpc):
    gateway = vpc.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    vpc.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc.vpc)
    vpc.route_out(GatewayId=gateway)
    reported = reaches(clone, vpc)
    assert reported["outcome"] == "fault"
    assert "an internet gateway does not work for a Lambda function" in reported["remedy"]


def test_the_route_to_a_nat_gateway_that_is_gone_leads_nowhere(clone, vpc, monkeypatch):
    """EC2 keeps the route and calls it a blackhole (aws-behaviour: blackhole-route); moto's is always active."""
    vpc.route_out(NatGatewayId=vpc.nat_gateway())
    monkeypatch.setattr(Route, "state", property(lambda route: "active" if route.local else "blackhole"))
    assert reaches(clone, vpc)["outcome"] == "fault"


@pytest.mark.parametrize(
    ("how", "missing"),
    [
        ({"left_out": ("events", "s3")}, "events, s3"),
        ({"private_dns": False}, ", ".join(INTERFACES)),
        ({"tables": ("main",)}, ", ".join(GATEWAYS)),
    ],
)
def test_an_endpoint_that_does_not_serve_the_subnet_counts_as_missing(clone, vpc, how, missing):
    how = dict(how)
    if "tables" in how:
        how["tables"] = (vpc.ec2.create_route_table(VpcId=vpc.vpc)["RouteTable"]["RouteTableId"],)
    vpc.endpoints(*how.pop("left_out", ()), **how)
    reported = reaches(clone, vpc)
    assert reported["outcome"] == "fault"
    assert reported["found"].endswith(f"for {missing}")


def test_a_subnet_without_a_table_of_its_own_goes_by_the_main_one(clone, vpc):
    (association,) = [
        one["RouteTableAssociationId"]
        for one in vpc.ec2.describe_route_tables(RouteTableIds=[vpc.table])["RouteTables"][0]["Associations"]
    ]
    vpc.ec2.disassociate_route_table(AssociationId=association)
    vpc.route_out(NatGatewayId=vpc.nat_gateway())
    assert reaches(clone, vpc)["outcome"] == "fault"
    (main,) = vpc.ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    vpc.table = main["RouteTableId"]
    vpc.route_out(NatGatewayId=vpc.nat_gateway("10.0.2.0/24"))
    assert reaches(clone, vpc)["outcome"] == "ok"


# --- notifications ----------------------------------------------------------------------------------------------------

WAITS = "no notification waits for its delivery"


def waits(clone, **changes) -> dict:
    """What doctor says while one message of an endpoint that left the fleet is pending."""
    now = clone.cloud.clock.now()
    message = suppressed_summary("site", "", Suppressed(since=now, until=now, count=1, severity="warning", items=()))
    pending = OutboxMessage(alert_id=message.alert_id, message=message, **changes)
    with stages.entered(clone.project.stage("dev")["environment_variables"], None, None):
        store = stage_stores().alert_states
        store.put_departed(DepartedEndpoint(entry=FleetEntry(endpoint="site"), at=now))
        store.change("site", "", lambda state: replace(state, outbox=(pending,)))
    try:
        return findings(clone)[WAITS]
    finally:
        with stages.entered(clone.project.stage("dev")["environment_variables"], None, None):
            stage_stores().alert_states.delete("site", "")
            stage_stores().alert_states.forget_departed("site")


def test_the_age_of_the_oldest_pending_notification_is_reported(clone):
    now = clone.cloud.clock.now()
    assert findings(clone)[WAITS]["outcome"] == "ok"
    assert waits(clone, enqueued_at=now - timedelta(minutes=5))["outcome"] == "ok"
    late = waits(clone, enqueued_at=now - timedelta(hours=3))
    assert (late["outcome"], late["found"]) == ("fault", "1 notification not delivered, the oldest for 3 hours")
    refused = waits(clone, last_error="no confirmed subscription")
    assert refused["found"] == "1 notification not delivered, for an unknown time; no confirmed subscription"


# --- the role of models -----------------------------------------------------------------------------------------------


def test_the_role_that_setup_makes_may_read_the_alarms(clone):
    assert findings(clone)["role vedette-dev-models may read the alarms that roll an update back"]["outcome"] == "ok"
