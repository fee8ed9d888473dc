"""Untrusted text, made harmless: what comes in, and what is shown."""

import pytest

from chalicelib.alerts.sanitize import ascii_only, sanitize, sanitize_name, sns_subject


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb\x00\x1bc", "a b c"),  # control characters
        ("a\u202eb\u200bc\ufeffd", "a b c d"),  # format characters
        ("a\ud800b\ue000c\U000e0000d", "a b c d"),  # lone surrogates, private and unassigned characters
        ("a\u2028b\u2029c", "a b c"),  # separators of lines and paragraphs
        ("  a   b  ", "a b"),
        ("e\u0301", "é"),
        ("x" + "\u0334" * 5 + "y" + "\u0335" * 2 + "z", "x\u0334\u0334y\u0335\u0335z"),  # combining marks
        ("x" + "\u20dd" * 3, "x\u20dd\u20dd"),  # enclosing marks
        ("https://evil.example/x", "hxxps[:]//evil[.]example/x"),
        ("HTTP://EVIL.COM", "HxxP[:]//EVIL[.]COM"),
        ("tthttp://x", "xxhttp[:]//x"),
        (r"http:\\x", r"hxxp[:]\\x"),
        ("http ://x", "hxxp [:]//x"),
        ("://x", "[:]//x"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("evil.example/x and a@evil.com", "evil[.]example/x and a@evil[.]com"),
        ("10.0.0.1", "10[.]0[.]0[.]1"),
        ("mailto:a, JavaScript:b", "mailto[:]a, JavaScript[:]b"),
        ("s3://bucket/some.com/key", "s3://bucket/some.com/key"),
        ("evil.com s3://a/x.com s3://b/y.com evil.org", "evil[.]com s3://a/x.com s3://b/y.com evil[.]org"),
        ("s3://www.evil.com", "s3://www[.]evil[.]com"),
        ("customer.age", "customer[.]age"),
        ("evil.brandnewdomain and x.\u0440\u0444", "evil[.]brandnewdomain and x[.]\u0440\u0444"),
        ("1.5 of 3.25, 50.0%.", "1.5 of 3.25, 50.0%."),
        ("see fleet.toml; it runs on ml.m5.large.", "see fleet.toml; it runs on ml.m5.large."),
        ("https://fleet.toml", "hxxps[:]//fleet[.]toml"),
        (None, "None"),
        (5, "5"),
    ],
)
def test_what_is_shown_of_a_text(text, shown):
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "known", "shown"),
    [
        ("customer.age is 3, evil.age too", ["customer.age"], "customer.age is 3, evil[.]age too"),
        ("my.customer.age and customer.age.com", ["customer.age"], "my[.]customer[.]age and customer[.]age[.]com"),
        ("customer.age/x a@customer.age", ["customer.age"], "customer[.]age/x a@customer[.]age"),
        ("'a b.c'.", ["a b.c"], "'a b.c'."),
        ("www.evil.com", ["www.evil.com"], "www[.]evil[.]com"),
        ("http://a.b", ["http://a.b", "a.b"], "hxxp[:]//a[.]b"),
    ],
)
def test_a_known_name_of_a_feature_keeps_its_dots(text, known, shown):
    assert sanitize(text, known=known) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("customer.age", "customer.age"),
        ("Customer.Age [kg]", "Customer.Age [kg]"),
        ("a\nb.c", "a b.c"),
        ("https://evil.example/x", "hxxps[:]//evil[.]example/x"),
        ("x" * 300 + ".y", "x" * 199 + "…"),
    ],
)
def test_a_name_is_shown_as_it_is_unless_it_is_more_than_a_name(name, shown):
    assert sanitize_name(name) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("x" * 10, 10, "x" * 10),
        ("x" * 11, 10, "x" * 9 + "…"),
        ("www.e.com", 9, "www[.]e[…"),
        (" " * 199 + "x", 10, "x"),
        (" " * 200 + "x", 10, ""),
    ],
)
def test_a_text_is_cut_with_an_ellipsis(text, limit, shown):
    assert sanitize(text, limit) == shown


def test_a_text_has_200_characters_unless_a_limit_is_given():
    assert sanitize("x" * 200) == "x" * 200
    assert sanitize("x" * 201) == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u00fcber \u6f22 \u2026 ~", "uber ? ... ~"),
        ("a\x7f\x1f\nb", "a???b"),
        ("=?utf-8?q?x?= =?", "= ?utf-8?q?x?= = ?"),
    ],
)
def test_only_printable_ascii_is_left_and_no_encoded_word(text, shown):
    assert ascii_only(text) == shown


@pytest.mark.parametrize(
    ("text", "tail", "subject"),
    [
        ("[critical] \u00fcber: b\n is 5", "", "[critical] uber: b is 5"),
        ("x" * 99, "", "x" * 99),
        ("x" * 100, "", "x" * 96 + "..."),
        ("x" * 86, ", and 3 mor\u00e9", "x" * 86 + ", and 3 more"),
        ("x" * 87, ", and 3 mor\u00e9", "x" * 87 + ", and 3 more"),
        ("x" * 88, ", and 3 mor\u00e9", "x" * 84 + "..., and 3 more"),
        ("x" * 95 + "  " + "y" * 9, "", "x" * 95 + "..."),
        (" \u0301 x", "", "x"),
        ("\n", "", "alert"),
        ("", ", and 3 more", ", and 3 more"),
    ],
)
def test_a_subject_has_99_characters_and_keeps_its_tail(text, tail, subject):
    assert sns_subject(text, tail) == subject


def test_marks_that_are_dropped_take_no_room_in_a_subject():
    assert sns_subject("a\u0334\u0334" * 99) == "a" * 99
