"""Untrusted text made harmless: feature names, reasons and versions come from whoever calls or registers a model."""

import re
import unicodedata

SUBJECT_LIMIT = 99  # SNS: fewer than 100 characters, no line breaks or control characters (aws-facts 5)
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*)://")


def harmless(text: object, limit: int = 200) -> str:
    r"""One line of printable text: no control, format (bidirectional) or surrogate characters, no live link, capped.

    Examples
    --------
    >>> harmless("a\r\nBcc: x \u202e http://evil.example/")
    'a Bcc: x hxxp[:]//evil.example/'
    """
    kept = "".join(
        " " if _unprintable(character) else character for character in unicodedata.normalize("NFC", str(text))
    )
    line = _SCHEME.sub(_defanged, " ".join(kept.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _unprintable(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _defanged(match: re.Match[str]) -> str:
    scheme = match[1]
    return f"{scheme}://" if scheme == "s3" else f"{scheme.replace('tt', 'xx', 1)}[:]//"


def subject(text: str) -> str:
    r"""A subject that SNS takes: printable ASCII, 1 to 99 characters.

    Examples
    --------
    >>> subject("[critical] \u00fcber: b\n is 5")
    '[critical] ?ber: b is 5'
    >>> len(subject("x" * 500))
    99
    """
    line = harmless(text, 1000).encode("ascii", "replace").decode()
    line = line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 3] + "..."
    return line or "alert"
