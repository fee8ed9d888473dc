"""A shortened demo on a user's own data; `.ci/run` runs the whole demo on its synthetic data."""

import random
from email import message_from_bytes

import pytest
from click.testing import CliRunner

from chalicelib.settings import settings
from vedette.cli import main
from vedette.demo import story


@pytest.fixture
def own_csv(tmp_path):
    draw = random.Random(5)
    rows = [(draw.uniform(0, 10), draw.uniform(5, 9)) for _ in range(600)]
    path = tmp_path / "own.csv"
    path.write_text("kind,width,height\n" + "".join(f"{int(w > h)},{w:.3f},{h:.3f}\n" for w, h in rows))
    yield path
    settings.cache_clear()


def test_the_demo_runs_on_the_users_data_and_copies_the_bucket(own_csv, tmp_path, monkeypatch):
    slow = {story.a_day, story.silent_roll_back, story.rejection}
    monkeypatch.setattr(story, "CHAPTERS", tuple(c for c in story.CHAPTERS if c not in slow))
    result = CliRunner().invoke(main, ["demo", "--data", str(own_csv), "--keep", str(tmp_path / "bucket")])
    assert result.exit_code == 0, result.output
    assert "height is not Fractional in 50.0% of 480 rows" in result.output
    kept = {path.relative_to(tmp_path / "bucket").parts[0] for path in (tmp_path / "bucket").rglob("*.json*")}
    assert kept == {"data-capture", "parts", "monitoring", "baselines", "config", "reports"}
    mails = [message_from_bytes(file.read_bytes()) for file in sorted((tmp_path / "bucket" / "mails").iterdir())]
    assert any("height is not Fractional in 50.0% of 480 rows" in mail["Subject"] for mail in mails)
    assert f"and {len(mails)} e-mails to" in " ".join(result.output.split())


def test_a_failed_check_gives_exit_code_1(monkeypatch):
    monkeypatch.setattr(story, "CHAPTERS", (lambda demo: demo.console.check("the moon is made of cheese", False),))
    result = CliRunner().invoke(main, ["demo"])
    settings.cache_clear()
    assert result.exit_code == 1
    assert "0 of 2 checks passed" not in result.output
    assert "2 of 3 checks passed" in result.output


def test_a_missing_file_gives_one_sentence_and_exit_code_2():
    result = CliRunner().invoke(main, ["demo", "--data", "nowhere.csv"])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "nowhere.csv: no such file" in result.stderr


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(main, ["demo", "--keep", str(tmp_path)])
    assert (result.exit_code, result.stderr) == (
        2,
        f"Error: {tmp_path} is not empty; choose a new folder for --keep.\n",
    )
