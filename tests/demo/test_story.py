"""The story on a person's own data, shortened; `.ci/run` tells all of it on the data that it makes itself."""

import random

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


def test_the_story_runs_on_ones_own_data_and_keeps_the_bucket(own_csv, tmp_path, monkeypatch):
    slow = {story.a_day, story.silent_roll_back, story.rejection}
    monkeypatch.setattr(story, "CHAPTERS", tuple(c for c in story.CHAPTERS if c not in slow))
    result = CliRunner().invoke(main, ["demo", "--data", str(own_csv), "--keep", str(tmp_path / "bucket")])
    assert result.exit_code == 0, result.output
    assert "height is not Fractional in 50.0% of 480 rows" in result.output
    kept = {path.relative_to(tmp_path / "bucket").parts[0] for path in (tmp_path / "bucket").rglob("*.json*")}
    assert kept == {"data-capture", "parts", "monitoring", "baselines", "config", "reports"}


def test_a_check_that_does_not_hold_gives_exit_code_1(monkeypatch):
    monkeypatch.setattr(story, "CHAPTERS", (lambda told: told.tell.check("the moon is made of cheese", False),))
    result = CliRunner().invoke(main, ["demo"])
    settings.cache_clear()
    assert result.exit_code == 1
    assert "0 of 2 checks passed" not in result.output
    assert "2 of 3 checks passed" in result.output


def test_a_file_that_is_not_there_is_one_sentence_and_exit_code_2():
    result = CliRunner().invoke(main, ["demo", "--data", "nowhere.csv"])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "nowhere.csv: no such file" in result.stderr


def test_a_folder_that_holds_something_is_not_written_into(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(main, ["demo", "--keep", str(tmp_path)])
    assert (result.exit_code, result.stderr) == (
        2,
        f"Error: {tmp_path} is not empty; name a new folder for --keep.\n",
    )
