"""Lines -> envelopes."""

import pytest

from chalicelib.capture.envelope import envelopes


@pytest.mark.parametrize(
    "content",
    [
        b'{"captureData": {}} {"captureData": {}}\n{"captureData":\n{}}\n',
        b'{"captureData": {}}\n\n{"captureData": {}}\n',
        b'{"captureData":\n {}}\n',
        b'{"captureData": {}}\n[]\n',
        b"{}\r\n{}",
        b"",
        b"\n",
    ],
)
def test_lines_are_decoded_at_once_only_when_each_is_one_record(content):
    assert envelopes(content) is None
