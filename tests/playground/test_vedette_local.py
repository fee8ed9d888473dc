"""The whole path through real processes over HTTP: what README.md and docs/playground.md say, and a restart."""

import json
import re
import urllib.request
from pathlib import Path

from tests.documents import ROOT, blocks

FROM_A_CLONE = 'export PATH="$PWD/.venv/bin:$PATH"; eval "$(vedette local env)"'


def scripts_of(document: Path) -> list[str]:
    """The shell blocks of a document, each as one script."""
    return [block.content for block in blocks(document) if block.language == "shell"]


def readme_block() -> str:
    """The block of the README for the other terminal."""
    (found,) = [script for script in scripts_of(ROOT / "README.md") if FROM_A_CLONE in script]
    return found.replace(FROM_A_CLONE, "")


def test_a_muted_alert_of_a_watched_endpoint_takes_less_than_eight_commands():
    commands = [line for line in readme_block().splitlines() if line]
    assert len(["make local", FROM_A_CLONE, *commands]) < 8


def test_the_readme_leads_to_a_muted_alert_which_a_restart_keeps(serve, tmp_path):
    keep = tmp_path / "kept"
    first = serve(keep=keep)
    printed = first.shell(readme_block())
    subject = "[critical] preferred-site: b is not Integral in 50.0% of 200 rows"
    assert subject in printed
    assert subject in " ".join((ROOT / "README.md").read_text().split())
    with urllib.request.urlopen(first.url) as inbox:  # noqa: S310 - the server of this test
        assert subject in inbox.read().decode()
    before = state(first)
    (alert,), (mute,) = before["alerts"]["alerts"], before["alerts"]["mutes"]
    assert [one["mute_id"] for one in alert["muted_by"]] == [mute["mute_id"]]
    assert first.stop() == 0
    second = serve(keep=keep)
    assert "Handling" in second.printed
    assert "another result" not in second.printed
    assert state(second) == before
    assert "2 mails" not in second.shell("vedette local turn 1h")
    assert second.stop() == 0


def state(served) -> dict:
    """What commands and clients of AWS see: alerts, mails, objects with their versions' contents, and endpoints."""
    code = (
        "import boto3, json, os\n"
        "bucket = os.environ['VEDETTE_BUCKET']\n"
        "pages = boto3.client('s3').get_paginator('list_objects_v2').paginate(Bucket=bucket)\n"
        "objects = {one['Key']: str(one['LastModified']) for page in pages for one in page['Contents']}\n"
        "endpoints = boto3.client('sagemaker').list_endpoints()['Endpoints']\n"
        "print(json.dumps({'objects': objects, 'endpoints': endpoints}, default=str))\n"
    )
    alerts = json.loads(served.shell("vedette alerts list --json || test $? = 1"))
    mails = json.loads(served.shell("vedette local inbox --json"))
    return {"alerts": alerts, "mails": mails, **json.loads(served.shell(f'python -c "{code}"'))}


def test_the_blocks_of_the_document_run(serve):
    document = ROOT / "docs" / "playground.md"
    scripts = [block for block in scripts_of(document) if not re.match(r"vedette local --keep|eval |cd ", block)]
    served = serve(keep=Path("playground"))
    printed = {script: served.shell(script) for script in scripts}
    said = "".join(printed.values())
    assert "[critical] preferred-site: b is not Integral" in said
    assert "second-site: version 1 is deployed and verified" in said
    (doctor,) = [block for block in scripts_of(document) if block.startswith("cd ")]
    assert "0 fault" in served.shell(doctor)
