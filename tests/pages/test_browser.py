"""The pages in a real browser: quiet, offline, deaf to what the data say, usable by keyboard, readable by everyone."""

import itertools
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe

from chalicelib.constraints.evaluation import Evaluation
from chalicelib.pages.report import ReportContent, report
from tests.pages.samples import HOSTILE, START, by_days, of_files, sample
from vedette.local.mailbox import Mail
from vedette.operations.pages import Day, Row, index_page
from vedette.operations.status import EndpointStatus, OpenAlert, Verdict
from vedette.playground import inbox


def overview(endpoints: int) -> bytes:
    """An index of endpoints, of which every tenth is violated."""
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    rows = []
    for i in range(endpoints):
        bad = i % 10 == 0
        verdict = Verdict(
            name="AllTraffic",
            verdict="Violations" if bad else "OK",
            until=now,
            violations=int(bad),
            tone="bad" if bad else "good",
        )
        alert = OpenAlert(
            variant="AllTraffic", subject="b", check="data_type_check", severity="critical", since=now, muted=False
        )
        status = EndpointStatus(
            endpoint=f"endpoint-{i}",
            mode="alert",
            state="InService",
            served="2",
            wanted="3" if bad else "2",
            wanted_because="version 3 is the newest approved version",
            last_capture=now,
            verdicts=(verdict,),
            alerts=(alert,) if bad else (),
            undelivered=int(bad),
            polled=bad,
        )
        words = [("OK", "good"), ("Violations", "bad"), ("NoData", "poor"), ("", "")]
        days = tuple(
            Day(day=date(2026, 11, 1 + n % 30), verdict=words[(n * i) % 4][0], tone=words[(n * i) % 4][1])
            for n in range(30)
        )
        rows.append(Row(status, days, "30 days", f"endpoint-{i}.html"))
    return index_page("dev", None, rows, now)


def silent() -> bytes:
    """A window in which nothing was captured."""
    found = sample(4, violated=0)
    silent = msgspec.structs.replace(found.monitored.execution, verdict="NoData", rows=0, requests=0, measurements=())
    monitored = found.monitored.__class__(**{**vars(found.monitored), "execution": silent})
    return found.__class__(monitored, found.baseline, found.current).page


def mails() -> list[inbox.ShownMail]:
    """Mails of every tone, one of them hostile."""
    kinds = ({"severity": "critical"}, {"severity": "warning"}, {"state": "recovered"}, {})
    link = "https://console/s3/object/bucket?region=r&prefix=monitoring/churn/report.html"
    return inbox.shown(
        [
            Mail(
                "you@example.com",
                text[:100],
                f"{text}\n{link}\n{'x' * 300}",
                {"kind": "violations", **kind},
                START,
                "t",
            )
            for text, kind in zip(HOSTILE, itertools.cycle(kinds))
        ],
        "bucket",
    )


PAGES = {
    "30 features": lambda: sample(30).page,
    "1 feature": lambda: sample(1).page,
    "500 features": lambda: sample(500).page,
    "hostile": lambda: sample(24, names=HOSTILE).page,
    "days": lambda: by_days(12).page,
    "files": lambda: report(of_files()),
    "all well": lambda: sample(8, violated=0).page,
    "first window": lambda: sample(8, windows=1, violated=1).page,
    "no data": silent,
    "files alone": lambda: report(
        ReportContent("captures/", Evaluation(verdict="OK", rows=5), 5, {"line is not JSON": 1})
    ),
    "index": lambda: overview(40),
    "empty index": lambda: overview(0),
    "inbox": lambda: inbox.inbox(mails(), START),
    "mail": lambda: inbox.mail(mails(), 2),
}


@pytest.fixture(scope="module")
def pages():
    made: dict[str, bytes] = {}
    return lambda name: made.setdefault(name, PAGES[name]())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_loads_nothing_and_runs_nothing_of_the_data(pages, opened, name):
    found = opened(pages(name))
    found.page.evaluate("[...document.querySelectorAll('details')].slice(0, 60).forEach(card => { card.open = true })")
    assert found.complaints == []
    assert found.requests == []
    assert found.page.evaluate("window.hacked") is None
    assert found.page.evaluate("document.body.offsetHeight") > 100


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *(("30 features", scheme) for scheme in ("light", "dark")),
        ("no data", "dark"),
        ("days", "light"),
        ("days", "dark"),
        ("files", "light"),
        ("hostile", "light"),
        ("first window", "light"),
        ("index", "light"),
        ("index", "dark"),
        *((name, scheme) for name in ("inbox", "mail") for scheme in ("light", "dark")),
    ],
)
def test_axe_finds_nothing_serious(pages, opened, name, scheme):
    found = opened(pages(name), color_scheme=scheme)
    result = Axe().run(found.page)
    serious = [one for one in result.response["violations"] if one["impact"] in {"serious", "critical"}]
    assert not serious, [(one["id"], one["nodes"][0]["html"][:200]) for one in serious]
    assert result.response["passes"]


@pytest.mark.parametrize("name", ["30 features", "500 features", "hostile"])
def test_what_is_wrong_and_since_when_is_seen_without_scrolling(pages, opened, name):
    page = opened(pages(name)).page
    for place in ("h1", ".since", ".timeline", ".findings li", ".steps code"):
        box = page.locator(place).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800, place
    assert "is not Integral in 50.0% of 600 rows" in page.locator("h1").inner_text()
    assert page.locator(".since").inner_text() == (
        "Critical since 2026-11-22 06:00 UTC, 4 windows in a row. Version 2 had passed 6 windows before: the data"
        " changed, not the model."
    )


def until(is_so: Callable[[], object], seconds: float = 10) -> bool:
    """Wait for something; Playwright's own waiting evaluates text, which the policy of the pages forbids."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(is_so())


def shown(page) -> list[str]:
    return page.locator(".feature:visible .name").all_inner_texts()


def test_the_filter_works_by_keyboard(pages, opened):
    page = opened(pages("500 features")).page
    everything = len(shown(page))
    assert everything > 500
    page.keyboard.press("/")
    page.keyboard.type("payment_2")
    assert shown(page)[0] == "payment_2"
    assert all(name.startswith("payment_2") for name in shown(page))
    assert page.locator("#shown").inner_text() == f"{len(shown(page))} of {everything} shown"
    page.keyboard.press("Tab")
    page.keyboard.type("baseline_drift")
    page.keyboard.press("Tab")
    page.keyboard.type("warning")
    assert shown(page) == ["payment_2"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "all"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert until(lambda: len(shown(page)) == everything)


def test_a_card_opens_by_keyboard_and_a_finding_leads_to_its_card(pages, opened):
    page = opened(pages("30 features")).page
    card = page.locator("#f9")
    assert not card.locator(".inside").is_visible()
    card.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert card.locator(".inside").is_visible()
    page.locator(".feature").first.evaluate("card => { card.open = false }")
    page.locator(".findings a").first.click()
    assert page.locator(".feature").first.evaluate("card => card.open")


def test_every_chart_has_words_and_a_table_behind_it(pages, opened):
    page = opened(pages("30 features")).page
    charts = page.locator("figure > svg.plot")
    assert charts.count() > 30
    assert all(charts.nth(i).get_attribute("aria-label") for i in range(charts.count()))
    assert charts.count() == page.locator("figure:has(> svg.plot):has(tbody tr)").count()
    others = page.locator("figure > svg:not(.plot)")
    assert all(others.nth(i).get_attribute("aria-hidden") == "true" for i in range(others.count()))


def test_the_value_below_the_pointer_is_shown_and_goes_away(pages, opened):
    page = opened(pages("30 features")).page
    plot = page.locator(".feature").first.locator(".plot").nth(1)  # the share of Integral, 30 windows
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 29.5 / 30, box["y"] + 5)
    assert page.locator("output.value").inner_text() == "11-22 09:00: 50 % violated"
    page.mouse.move(box["x"] + box["width"] * 0.5 / 30, box["y"] + 5)
    assert page.locator("output.value").inner_text() == "11-21 04:00: 100 %"
    page.mouse.move(5, 5)
    assert page.locator("output.value").count() == 0


def test_values_can_be_read_by_keyboard(pages, opened):
    page = opened(pages("30 features")).page
    page.locator(".feature").first.locator("summary").first.focus()
    page.keyboard.press("Tab")
    assert re.fullmatch(
        r"\d+ and more: baseline [\d.<]+ ?[\d.]* %, current [\d.]+ %", page.locator("output.value").inner_text()
    )
    page.keyboard.press("Home")
    first = page.locator("output.value").inner_text()
    page.keyboard.press("ArrowLeft")
    assert page.locator("output.value").inner_text() == first
    page.keyboard.press("ArrowRight")
    assert page.locator("output.value").inner_text() != first
    page.keyboard.press("Escape")
    assert page.locator("output.value").count() == 0


def test_a_window_of_the_strip_is_read_as_those_of_a_chart(pages, opened):
    page = opened(pages("30 features")).page
    page.locator(".timeline i").last.hover()
    assert page.locator("output.value").inner_text() == (
        "2026-11-22 09:00: verdict Violations, violations 5, model version 2"
    )


def test_every_chart_has_a_vertical_axis_that_begins_and_ends_with_a_number(pages, opened):
    page = opened(pages("30 features")).page
    page.evaluate("document.querySelectorAll('details.feature').forEach(card => { card.open = true })")
    for axis in page.locator(".chart .y").all():
        places = [float(text.get_attribute("y")[:-1]) for text in axis.locator("text").all()]
        assert (places[0], places[-1]) == (100, 0)
        assert all(axis.locator("text").all_text_contents())


def test_a_command_is_copied_by_its_button(pages, opened):
    found = opened(pages("30 features"))
    found.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    step = found.page.locator(".steps li", has=found.page.locator("code")).first
    command = step.locator("code").text_content()
    assert command.startswith("vedette show violations preferred-site --variant AllTraffic --window ")
    step.get_by_role("button", name=f"Copy: {command}").click()
    assert until(lambda: step.locator("button").inner_text() == "Copied")
    found.page.locator("input[type=search]").focus()
    found.page.keyboard.press("Control+V")
    assert found.page.locator("input[type=search]").input_value() == command
    assert found.complaints == []


def test_a_command_wraps_at_its_blanks_alone(pages, opened):
    page = opened(pages("30 features"), width=390, height=844).page
    for word in page.locator(".steps code span").all():
        assert word.evaluate("word => word.getClientRects().length") == 1


def test_what_a_page_may_run_is_its_own_script_alone(pages, opened):
    found = opened(pages("hostile"))
    found.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://evil.example/pixel.png";
            document.body.append(image);
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hacked = 2'>");
        }"""
    )
    found.page.wait_for_timeout(200)
    assert found.page.evaluate("window.hacked") is None
    assert len(found.complaints) >= 3  # the policy says what it refused


def test_a_hostile_name_is_text_and_can_be_searched(pages, opened):
    page = opened(pages("hostile")).page
    page.locator("input[type=search]").fill("<script>window")
    assert shown(page) == ["</script><script>window[.]hacked=1</script>"]
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, form:not(.filter)').length") == 0


@pytest.mark.parametrize("name", ["30 features", "hostile", "no data", "days", "files", "index"])
def test_a_phone_needs_no_scrolling_sideways(pages, opened, name):
    page = opened(pages(name), width=390, height=844).page
    page.locator(".feature").first.or_(page.locator("h1")).first.evaluate("card => { card.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_script_everything_can_be_read(pages, opened):
    page = opened(pages("30 features"), java_script_enabled=False).page
    assert not page.locator("#filter").is_visible()
    assert page.locator(".copy").count() == 0
    card = page.locator("#f9")
    assert not card.locator(".inside").is_visible()
    card.locator("summary").first.click()
    assert card.locator(".inside").is_visible()
    assert card.locator(".numbers tr", has_text="Mean").is_visible()


def test_on_paper_there_is_no_filter_and_the_paper_is_white(pages, opened):
    page = opened(pages("30 features"), color_scheme="dark").page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    page.emulate_media(media="print")
    assert not page.locator("#filter").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize(("features", "max_bytes"), [(30, 400_000), (500, 3_500_000)])
def test_the_size_of_a_page(pages, features, max_bytes):
    """`benchmarks/pages.py` holds the times. A page of a day has most: two lines for each feature."""
    assert len(pages(f"{features} features")) <= max_bytes
    assert len(by_days(features).page) <= max_bytes
