"""Every permission of every role has a reason, and docs/permissions.md shows them as the policies are."""

import json
from pathlib import Path

from tests.permissions import CHALICE
from vedette.installation import permissions_page, policies
from vedette.installation.functions import NAMES
from vedette.installation.permissions_page import REASONS, models_policy, page, table
from vedette.installation.policies import StageScope, listed

ROOT = Path(__file__).parents[2]


def statements() -> list[dict]:
    """Every statement of every role, with a key and in a VPC."""
    scope = StageScope("dev", "r", "1", "b", "t", topics=("x",), role_arn="r", key_arn="key", in_vpc=True)
    narrowed = policies.all_narrowed(policies.read(CHALICE), scope)
    return [one for policy in (*narrowed.values(), models_policy()) for one in policy["Statement"]]


def test_every_statement_has_a_reason_and_every_reason_a_statement():
    """A new statement: add its reason to vedette/installation/permissions_page.py."""
    assert {one["Sid"] for one in statements()} == set(REASONS)


def test_the_page_is_what_the_policies_say():
    """`python -m vedette.installation.permissions_page > docs/permissions.md` writes it."""
    assert (ROOT / "docs" / "permissions.md").read_text() == page()


def test_every_role_and_action_is_in_the_table():
    rows = list(table(policies.read(CHALICE), models_policy()))
    for one in statements():
        for action in listed(one["Action"]):
            assert any(f"`{action}`" in may and why == REASONS[one["Sid"]] for _, may, _, why in rows), action
    named = {name for roles, *_ in rows for name in roles.split(", ")}
    assert named <= {*NAMES, "all functions", "functions that deploy", "models"}


def test_a_row_names_exactly_the_functions_that_have_its_statement():
    one, other = ({"Statement": [_statement(sid)]} for sid in ("ReadFleet", "ReadParts"))
    found = dict.fromkeys(NAMES, one) | {NAMES[0]: other}
    rows = [(roles, why) for roles, _, _, why in table(found, {"Statement": [_statement("Metrics")]})]
    assert rows[0] == (NAMES[0], REASONS["ReadParts"])
    assert (", ".join(NAMES[1:]), REASONS["ReadFleet"]) in rows
    assert rows[-1] == ("models", REASONS["Metrics"])


def _statement(sid: str) -> dict:
    return {"Sid": sid, "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::vedette-*/x"}


def test_a_deny_and_a_condition_are_shown():
    policy = {"Statement": [_statement("ReadFleet") | {"Effect": "Deny", "Condition": {"Null": {"aws:x": "true"}}}]}
    first = next(iter(permissions_page.table({"sweep": policy}, {"Statement": []})))
    assert first == (
        "all functions",
        "**deny** `s3:GetObject`, with a condition on `aws:x`",
        "`s3:::vedette-*/x`",
        REASONS["ReadFleet"],
    )
    assert json.dumps(policy).count("Deny") == 1
