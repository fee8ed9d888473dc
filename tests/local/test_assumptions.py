"""What the stand-in believes about AWS is written down, with its source (pytest -s prints it)."""

from vedette.local.assumptions import ASSUMPTIONS, table


def test_every_assumption_has_a_source_and_a_certainty():
    print(f"\n{table()}")  # noqa: T201
    assert {item.certainty for item in ASSUMPTIONS} == {"seen", "inferred", "unknown"}
    assert all(item.source and item.belief for item in ASSUMPTIONS)
    assert len({item.belief for item in ASSUMPTIONS}) == len(ASSUMPTIONS)
