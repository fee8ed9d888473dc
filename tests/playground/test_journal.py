"""The file of the requests: what is written is read, a crash costs at most the last line, and one server writes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import UnreadableFile, VedetteError
from vedette.local.http_messages import Request
from vedette.playground.journal import FILE, Entry, Journal

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


def entry(number: int = 0, body: bytes = b"\xff\n") -> Entry:
    request = Request("PUT", "127.0.0.1:8477", f"/bucket/{number}", "x=1", {"content-type": "text/csv"}, body)
    return Entry(NOW + timedelta(microseconds=number), request, 200)


def written(folder, *entries: Entry) -> None:
    journal = Journal(folder, NOW)
    for one in entries:
        journal.add(one)
    journal.close()


def read(folder) -> Journal:
    journal = Journal(folder, NOW + timedelta(days=1))
    journal.close()
    return journal


@given(st.binary(), st.text(), st.datetimes(timezones=st.just(UTC)))
def test_an_entry_is_read_as_it_was_written(body, path, at):
    request = Request("POST", "127.0.0.1:8477", path, "", {"a": path}, body)
    assert Entry.of(Entry(at, request, 404).line()) == Entry(at, request, 404)


def test_a_later_start_has_the_beginning_and_the_entries_of_the_first(tmp_path):
    written(tmp_path / "new", entry(1), entry(2))
    found = read(tmp_path / "new")
    assert (found.began, found.entries) == (NOW, [entry(1), entry(2)])


def test_a_cut_off_line_is_removed_and_the_next_one_is_whole(tmp_path):
    written(tmp_path, entry(1), entry(2))
    file = tmp_path / FILE
    file.write_bytes(file.read_bytes()[:-9])
    written(tmp_path, entry(3))
    assert read(tmp_path).entries == [entry(1), entry(3)]


def test_a_cut_off_first_line_begins_anew(tmp_path):
    (tmp_path / FILE).write_bytes(b'{"version": "0.')
    written(tmp_path, entry(1))
    assert read(tmp_path).entries == [entry(1)]


@pytest.mark.parametrize(("content", "line"), [(b"{}\n", 1), (b"[]\n", 1), (b"thesis\n", 1), (None, 2)])
def test_another_file_is_refused_with_its_line_and_kept(tmp_path, content, line):
    written(tmp_path)
    file = tmp_path / FILE
    file.write_bytes(content or file.read_bytes() + b'{"at": 1}\n')
    before = file.read_bytes()
    with pytest.raises(UnreadableFile, match=f"{FILE}: line {line} is not"):
        Journal(tmp_path, NOW)
    assert file.read_bytes() == before


def test_two_servers_do_not_use_one_folder(tmp_path):
    first = Journal(tmp_path, NOW)
    with pytest.raises(VedetteError, match="Another `vedette local` uses"):
        Journal(tmp_path, NOW)
    first.close()
    Journal(tmp_path, NOW).close()
