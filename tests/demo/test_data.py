"""The data of the story, and what is refused of a person's own."""

import pytest

from chalicelib.errors import UnreadableFile
from chalicelib.statistics.lexical import lexical_type
from vedette.demo.data import corrupted, from_file, half_corrupted, sites


def own(rows: int = 100, header: str = "y,p,q\n", line: str = "{y},{n},{n}.5\n") -> bytes:
    return (header + "".join(line.format(y=n % 2, n=n) for n in range(rows))).encode()


def test_the_made_up_data_set_is_six_thousand_rows_of_label_a_and_b_and_always_the_same():
    data = sites()
    assert (data.names, len(data.rows)) == (("label", "a", "b"), 6000)
    assert data == sites()
    assert {row[0] for row in data.rows} == {"0.0", "1.0"}


def test_traffic_comes_from_the_same_region_and_is_written_without_decimals():
    data = sites()
    known = {row[1:] for row in data.rows}
    rows = data.traffic(3, 100)
    assert {tuple(f"{float(cell)}" for cell in row) for row in rows} <= known
    assert {lexical_type(cell) for row in rows for cell in row} == {"integral"}


def test_half_of_the_rows_are_spoilt_in_their_last_value_alone():
    rows = sites().traffic(1, 20)
    changed = half_corrupted(rows)
    assert [row[:-1] for row in rows] == [row[:-1] for row in changed]
    assert sum(row != other for row, other in zip(rows, changed, strict=True)) == 10


@pytest.mark.parametrize("cell", ["5", "-5", "0.25", "1e3"])
def test_spoiling_changes_the_lexical_type(cell):
    assert lexical_type(corrupted(cell)) != lexical_type(cell)


def test_a_persons_own_data_set_is_read_with_and_without_a_header():
    assert from_file(own(), "x").names == ("y", "p", "q")
    plain = from_file(own(header=""), "x")
    assert plain.names == ("label", "x1", "x2")
    assert plain.rows == from_file(own(), "x").rows


REFUSED = {
    "not UTF-8": (b"\xff\xfe", "x: not a CSV file in UTF-8"),
    "one column": (b"1\n2\n", "x: needs a label and at least one feature in each row"),
    "too few rows": (own(99), "x: 99 rows are too few; the demo needs 100"),
    "text in it": (
        own(line="{y},{n},red\n"),
        "x: row 2 has a cell that is not a number; the demo needs numbers",
    ),
    "a short row": (own() + b"1,2\n", "x: row 102 has 2 cells instead of 3"),
    "one class": (own(line="1,{n},2\n"), "x: the first column has one value; a label has 2 to 20 classes"),
    "no classes": (
        own(line="{n}.5,{n},2\n"),
        "x: the first column has 100 different values; a label has 2 to 20 classes",
    ),
    "empty": (b"", "x: needs a label and at least one feature in each row"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_data_set_that_cannot_be_used_is_refused_in_one_sentence(case):
    content, sentence = REFUSED[case]
    with pytest.raises(UnreadableFile) as refused:
        from_file(content, "x")
    assert str(refused.value) == sentence


def test_a_fraction_that_happens_to_be_whole_is_still_sent_as_a_fraction():
    data = from_file(own(line="{y},{n},{n}.0\n") + b"1,1,2.5\n", "x")
    sent = {row[1] for row in data.traffic(1, 300)}
    assert data.whole == {"p"}
    assert {lexical_type(cell) for cell in sent} == {"fractional"}
