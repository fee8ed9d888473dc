"""Why a line of a capture object was set aside: fixed words, never a payload.

Each is the text of a `RejectedRecord` within this package, a key of `CaptureSummary.refused`, and what a person reads.
"""

from typing import Final

BAD_GZIP: Final = "gzip is damaged or cut off"
GZIP_BOMB: Final = "gzip expands too far"
LINE_TOO_LONG: Final = "line too long"
NOT_JSON: Final = "line is not JSON"
NOT_UTF8: Final = "not UTF-8"
TOO_DEEP: Final = "nested too deeply"
WRONG_SHAPE: Final = "not a capture record"
NO_CAPTURE_DATA: Final = "no captured data"
GROUND_TRUTH_ONLY: Final = "ground truth without captured data"
BATCH_MANIFEST: Final = "batch transform manifest"
UNKNOWN_ENCODING: Final = "unknown encoding"
BAD_BASE64: Final = "payload is not base64"
PAYLOAD_NOT_JSON: Final = "payload is not JSON"
PAYLOAD_NOT_CSV: Final = "payload is not CSV"
LONE_SURROGATE: Final = "lone surrogate in text"
EMPTY_PAYLOAD: Final = "empty payload"
NOT_TABULAR: Final = "payload is not tabular"
UNPAIRED: Final = "inputs and outputs do not pair"
TOO_MANY_COLUMNS: Final = "too many columns"
TOO_MANY_LAYOUTS: Final = "too many layouts"

ALL: Final = frozenset(value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str))
