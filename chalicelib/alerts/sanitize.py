"""Make untrusted text harmless: clients and model owners choose feature names, reasons and versions.

| in the text                                          | becomes                                |
|------------------------------------------------------|----------------------------------------|
| line breaks, control and escape characters           | one blank                              |
| bidirectional, zero-width and other format characters| one blank                              |
| lone surrogates, private and unassigned characters   | one blank                              |
| more than two combining marks in a row               | two of them                            |
| https://evil.example/x                               | hxxps[:]//evil[.]example/x             |
| www.evil.example, evil.example, a@evil.com           | www[.]evil[.]example, ...              |
| customer.age, a known name of a feature              | stays, unless it is a URL or an address|
| fleet.toml, ml.m5.large                              | stays: files and instance types        |
| mailto:, javascript:, data:, tel: ...                | mailto[:] ...                          |
| s3://bucket/key                                      | stays: no client opens it              |
| longer than allowed                                  | cut, with an ellipsis                  |
"""

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME = 400  # characters of a known name
SUBJECT_LIMIT = 99  # SNS: fewer than 100 characters, no line breaks (aws-behaviour: sns-subject)
_S3_URI = re.compile(r"\bs3://(?!www\.)[a-zA-Z0-9._/=+-]+")
_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.-]*)?( ?):([\\/]{1,2})")
_BARE_SCHEME = re.compile(r"(?i)\b(mailto|javascript|vbscript|data|tel|sms|callto|skype|slack|file):")
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"  # a label of a host name, in any script
# Mail and chat clients turn these into links without a scheme: www, an address, and any host, whose last label is no
# number. New domains come every year, so there is no list of them.
_HOST = re.compile(
    rf"(?:\bwww(?:\.{_LABEL})+|@{_LABEL}(?:\.{_LABEL})+|\b{_LABEL}(?:\.{_LABEL})*\.(?=[\w-]*[^\W\d_])[^\W_][\w-]*)",
    re.IGNORECASE,
)
# Names with dots that stand in our own sentences: files, and instance types of SageMaker.
_OWN_NAME = re.compile(r"(?<![\w./@-])(?:ml\.[a-z0-9-]+\.[a-z0-9]+|[\w-]+\.(?:json|jsonl|toml|html))(?![\w/@:-]|\.\w)")
_PLAIN_NAME = re.compile(r"[^\s/\\@:?#]+")  # that no client opens for more than its dots
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


def sanitize(text: object, limit: int = 200, known: Iterable[str] = ()) -> str:
    r"""One line of printable text of at most `limit` characters, without control characters and clickable links.

    `known` are names of features, which keep their dots: a person put the baseline that names them in force.

    Examples
    --------
    >>> sanitize("a\r\nBcc: x \u202e http://evil.example/")
    'a Bcc: x hxxp[:]//evil[.]example/'
    >>> sanitize("see www.evil.com or s3://bucket/some.com/key"), sanitize("customer.age is 1.5")
    ('see www[.]evil[.]com or s3://bucket/some.com/key', 'customer[.]age is 1.5')
    >>> sanitize("customer.age and evil.age", known=["customer.age"])
    'customer.age and evil[.]age'
    """
    line = " ".join(_printable(str(text)[: 20 * limit]).split())[: limit + 1]
    kept = _known_names(known)
    line = "".join(part if keep else _without_links(part) for keep, part in _split(line, kept))
    return _cut(line, limit)


def sanitize_name(name: object, limit: int = 200) -> str:
    """The name of a feature on one line: as it is, unless it is more than a name, such as a URL.

    Examples
    --------
    >>> sanitize_name("customer.age"), sanitize_name("https://evil.example/x"), sanitize_name("www.evil.com")
    ('customer.age', 'hxxps[:]//evil[.]example/x', 'www[.]evil[.]com')
    """
    line = " ".join(_printable(str(name)[: 20 * limit]).split())
    return _cut(line, limit) if _is_plain(line) else sanitize(name, limit)


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _known_names(known: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of the known names that would be changed; None without one."""
    names = {" ".join(_printable(name[:MAX_NAME]).split()) for name in known if "." in name}
    dotted = sorted((name for name in names if _is_plain(name)), key=len, reverse=True)
    if not dotted:
        return None
    return re.compile(r"(?<![\w.@/-])(?:" + "|".join(map(re.escape, dotted)) + r")(?![\w@/:-]|\.\w)")


def _is_plain(name: str) -> bool:
    return not name.lower().startswith("www.") and _PLAIN_NAME.fullmatch(name.replace(" ", "")) is not None


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


def _split(line: str, known: re.Pattern[str] | None) -> list[tuple[bool, str]]:
    """The pieces of the line, and whether each stays unchanged: an S3 URI, or a known name."""
    patterns = [_S3_URI, _OWN_NAME, *([known] if known else [])]
    found = sorted((match.start(), -match.end()) for pattern in patterns for match in pattern.finditer(line))
    pieces, at = [], 0
    for start, end in found:
        if start >= at:
            pieces += [(False, line[at:start]), (True, line[start:-end])]
            at = -end
    return [*pieces, (False, line[at:])]


def _without_links(text: str) -> str:
    for clickable in (_HOST, _ADDRESS):
        text = clickable.sub(lambda match: match[0].replace(".", "[.]"), text)
    text = _SCHEME.sub(_without_scheme, text)
    return _BARE_SCHEME.sub(lambda match: f"{match[1]}[:]", text)


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


def sns_subject(text: str, tail: str = "", known: Iterable[str] = ()) -> str:
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
    line, end = ascii_only(sanitize(text, 1000, known)).strip(), ascii_only(tail)
    if len(line) + len(end) > SUBJECT_LIMIT:
        line = line[: SUBJECT_LIMIT - len(end) - 3].rstrip() + "..."
    return line + end or "alert"
