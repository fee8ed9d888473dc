"""Why a line of a capture object is rejected: fixed texts, never a payload."""

from enum import StrEnum


class RejectionReason(StrEnum):
    """The reason of a `RejectedRecord`; its value is a stored key of `CaptureSummary.rejected`, and shown to people."""

    BAD_GZIP = "gzip is damaged or cut off"
    GZIP_BOMB = "gzip expands too far"
    LINE_TOO_LONG = "line too long"
    NOT_JSON = "line is not JSON"
    NOT_UTF8 = "not UTF-8"
    TOO_DEEP = "nested too deeply"
    WRONG_SHAPE = "not a capture record"
    NO_CAPTURE_DATA = "no captured data"
    GROUND_TRUTH_ONLY = "ground truth without captured data"
    BATCH_MANIFEST = "batch transform manifest"
    UNKNOWN_ENCODING = "unknown encoding"
    BAD_BASE64 = "payload is not base64"
    PAYLOAD_NOT_JSON = "payload is not JSON"
    PAYLOAD_NOT_CSV = "payload is not CSV"
    EMPTY_PAYLOAD = "empty payload"
    EVENT_STREAM = "payload is text/event-stream"
    HEADER_ROW = "CSV begins with a row of names (use --header, or capture_header in the fleet)"
    UNPAIRED = "inputs and outputs do not pair"
    TOO_MANY_COLUMNS = "too many columns"
    TOO_MANY_LAYOUTS = "too many layouts"
    # Of a whole output object of a batch transform job:
    INPUT_GONE = "its input is not there as the job read it"
    OUTPUT_GONE = "it is not there as the job left it"
    OBJECT_TOO_LARGE = "too large to be read in one run"
    UNEXPECTED = "unexpected content"  # a defect of the reader: the line is lost, and the rest of the object is not
