"""Lines of bytes, whatever the chunks."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.lines import blocks, split_lines


def lines(chunks, max_line_bytes):
    return [line for block in blocks(chunks, max_line_bytes) for line in split_lines(block, max_line_bytes)]


@given(st.lists(st.binary(max_size=12) | st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\xe2\x80\xa8"])))
def test_chunks_of_any_size_give_the_same_lines(chunks):
    whole = b"".join(chunks)
    found = lines(chunks, 1000)
    assert found == lines([whole], 1000)
    assert [line for _, _, line in found] == (whole.removesuffix(b"\n").split(b"\n") if whole else [])
    assert all(whole[start:end] == line for start, end, line in found)


@given(st.binary(max_size=60), st.integers(1, 7), st.integers(0, 9))
def test_only_longer_lines_are_dropped(whole, size, longest):
    chunks = [whole[i : i + size] for i in range(0, len(whole), size)]
    for start, end, line in lines(chunks, longest):
        assert (line is None) == (end - start > longest)


def test_a_line_of_a_gigabyte_is_never_held():
    chunk = b"x" * (1 << 20)
    chunks = (chunk for _ in range(1024))
    assert [(end - start, line) for start, end, line in lines(chunks, 1 << 20)] == [(1 << 30, None)]
