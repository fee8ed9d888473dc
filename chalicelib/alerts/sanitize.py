"""Make untrusted text harmless: clients and model owners choose feature names, reasons and versions.

| in the text                                          | becomes                                |
|------------------------------------------------------|----------------------------------------|
| line breaks, control and escape characters           | one blank                              |
| bidirectional, zero-width and other format characters| one blank                              |
| lone surrogates, private and unassigned characters   | one blank                              |
| more than two combining marks in a row               | two of them                            |
| https://evil.example/x                               | hxxps[:]//evil[.]example/x             |
| www.evil.example, evil.example/x, a@evil.com         | www[.]evil[.]example, ...              |
| mailto:, javascript:, data:, tel: ...                | mailto[:] ...                          |
| s3://bucket/key                                      | stays: no client opens it              |
| longer than allowed                                  | cut, with an ellipsis                  |
"""

import re
import unicodedata

SUBJECT_LIMIT = 99  # SNS: fewer than 100 characters, no line breaks (aws-behaviour: sns-subject)
_S3_URI = re.compile(r"\bs3://(?!www\.)[a-zA-Z0-9._/=+-]+")
_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.-]*)?( ?):([\\/]{1,2})")
_BARE_SCHEME = re.compile(r"(?i)\b(mailto|javascript|vbscript|data|tel|sms|callto|skype|slack|file):")
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"  # a label of a host name, in any script
# Mail and chat clients turn these into links without a scheme: www, a host with a path or a port, an address, and a
# host under a known top-level domain. A feature like `customer.age` is none of these.
_HOST = re.compile(
    rf"(?i)(?:\bwww(?:\.{_LABEL})+|@{_LABEL}(?:\.{_LABEL})+|\b{_LABEL}(?:\.{_LABEL})+(?=:\d|[/\\?#])"
    rf"|\b{_LABEL}(?:\.{_LABEL})*\.(?:com|net|org|edu|gov|mil|int|info|biz|io|ai|co|me|tv|app|dev|xyz|top|site"
    r"|online|club|shop|store|link|click|live|icu|vip|win|zip|mov|ly|gl|to|sh|ru|cn|su|de|uk|eu|us|in|br|jp|fr|nl|example)\b)"
)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


def sanitize(text: object, limit: int = 200) -> str:
    r"""One line of printable text of at most `limit` characters, without control characters and clickable links.

    Examples
    --------
    >>> sanitize("a\r\nBcc: x \u202e http://evil.example/")
    'a Bcc: x hxxp[:]//evil[.]example/'
    >>> sanitize("see www.evil.com or s3://bucket/some.com/key"), sanitize("customer.age")
    ('see www[.]evil[.]com or s3://bucket/some.com/key', 'customer.age')
    """
    line = " ".join(_printable(str(text)[: 20 * limit]).split())[: limit + 1]
    line = _SCHEME.sub(_without_scheme, "".join(part if kept else _without_hosts(part) for kept, part in _split(line)))
    line = _BARE_SCHEME.sub(lambda match: f"{match[1]}[:]", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _printable(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            kept.append(" ")
        elif marks <= 2:
            kept.append(character)
    return "".join(kept)


def _split(line: str) -> list[tuple[bool, str]]:
    """The pieces of the line, and whether each is an S3 URI, which stays unchanged."""
    pieces, at = [], 0
    for match in _S3_URI.finditer(line):
        pieces += [(False, line[at : match.start()]), (True, match[0])]
        at = match.end()
    return [*pieces, (False, line[at:])]


def _without_hosts(text: str) -> str:
    for clickable in (_HOST, _ADDRESS):
        text = clickable.sub(lambda match: match[0].replace(".", "[.]"), text)
    return text


def _without_scheme(match: re.Match[str]) -> str:
    if match[0] == "s3://":
        return match[0]
    scheme = re.sub("(?i)tt", "xx", match[1] or "", count=1)
    return f"{scheme}{match[2]}[:]{match[3]}"


def ascii_only(text: str) -> str:
    r"""Printable ASCII: accents are dropped, other scripts become question marks.

    Examples
    --------
    >>> ascii_only("\u00fcber \u6f22 \u2026")
    'uber ? ...'
    """
    plain = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    # "=?" begins an encoded word (RFC 2047), which mail clients decode into whatever it hides.
    return re.sub(r"[^ -~]", "?", bare).replace("=?", "= ?")


def sns_subject(text: str, tail: str = "") -> str:
    r"""A subject that SNS accepts: printable ASCII, 1 to 99 characters; `tail` is never cut off.

    Examples
    --------
    >>> sns_subject("[critical] \u00fcber: b\n is 5")
    '[critical] uber: b is 5'
    >>> sns_subject("x" * 500, ", and 3 more")[-18:]
    'xxx..., and 3 more'
    >>> len(sns_subject("x" * 500))
    99
    """
    line, end = ascii_only(sanitize(text, 1000)).strip(), ascii_only(tail)
    if len(line) + len(end) > SUBJECT_LIMIT:
        line = line[: SUBJECT_LIMIT - len(end) - 3].rstrip() + "..."
    return line + end or "alert"
