"""The plain processes of the benchmark of Spark create the parts of all objects between them."""

from benchmarks import spark


def test_two_plain_processes_share_the_objects(tmp_path):
    folder, parts = tmp_path / "bucket", tmp_path / "parts"
    spark.write_objects(folder, megabytes=20)
    objects = spark.objects_in(folder)
    both = [spark.plain(folder, parts, share, of=2)["rows"] for share in range(2)]
    assert min(both) > 0
    assert sum(1 for _ in parts.rglob("*.json")) == len(objects)
    alone = spark.plain(folder, tmp_path / "alone", 0, of=1)
    assert alone["rows"] == sum(both)
