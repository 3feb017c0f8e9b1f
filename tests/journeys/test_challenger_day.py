"""From a file to a live challenger and its backtest, only in the browser: an analyst, a risk manager and compliance, each with their part."""

import csv
import io
import re
from typing import Any

from playwright.sync_api import expect

from risk import german
from tests.journeys.conftest import Visitors

WORK = 90_000  # milliseconds a worker may take on a busy machine
COLUMNS = ("checking_status", "term", "savings", "purpose", "age", "personal_status_sex", "bad")
ROWS = 300


def applications() -> bytes:
    """Return some columns of real applications whose end is known, as the analyst has them on the disk."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    table.writerows([row[name] for name in COLUMNS] for row in german.rows()[:ROWS])
    return out.getvalue().encode()


def sent(page: Any, label: str | re.Pattern[str]) -> None:
    page.locator("main").get_by_role("button", name=label, exact=isinstance(label, str)).click()


def test_from_a_file_to_a_live_challenger_and_its_backtest(visit: Visitors) -> None:
    analyst, manager, compliance = visit("analyst"), visit("manager"), visit("compliance")

    # a file, what its columns are for, a training
    analyst.goto("/")
    analyst.get_by_role("link", name="Bring in data").first.click()
    analyst.fill("#id_name", "Applications of 2025")
    analyst.fill("#id_target", "bad")
    analyst.set_input_files("#id_file", files=[{"name": "loans.csv", "mimeType": "text/csv", "buffer": applications()}])
    analyst.click("main button[type=submit]")
    analyst.wait_for_url(re.compile(r"/risk/data/DS-\w+/$"))
    for name in ("age", "personal_status_sex"):  # proposed by their names
        expect(analyst.get_by_label(name, exact=True)).to_have_value("protected")
    analyst.get_by_label("purpose", exact=True).select_option("segment")
    sent(analyst, "Save the roles")
    expect(analyst.get_by_label("purpose", exact=True)).to_have_value("segment")
    analyst.get_by_role("link", name="Train a model").click()
    analyst.fill("#id_code", "town_challenger")
    analyst.fill("#id_name_en", "Town challenger")
    analyst.fill("#id_name_zh", "小镇挑战者")
    analyst.select_option("#id_kind", "scorecard")
    analyst.fill("#id_cv", "2")
    sent(analyst, "Start the training")
    analyst.get_by_role("link", name="Open the model").click(timeout=WORK)
    analyst.wait_for_url(re.compile(r"/risk/models/M-"))
    model = analyst.url
    for words in ("Figures", "Fairness", "Stability by segment", "Who answers for it"):
        expect(analyst.get_by_role("heading", name=words, exact=True)).to_be_visible()
    expect(analyst.get_by_role("link", name="Validate", exact=True)).to_have_count(0)  # who made it does not

    # a second person validates, a third one approves on the proof that a worker makes
    manager.goto("/")
    manager.get_by_text("Town challenger v1").first.wait_for()
    manager.goto(model)
    manager.get_by_role("link", name="Validate", exact=True).click()
    for point in manager.locator("input[name=checklist]").all():
        point.check()
    manager.fill("#id_report", "Read the data, the target and the figures; they hold.")
    sent(manager, "Validate")
    manager.wait_for_url(lambda url: "/validate/" not in url)
    compliance.goto(model)
    compliance.get_by_role("link", name="Approve", exact=True).click()
    compliance.locator("#id_text").wait_for(timeout=WORK)  # the form opens by itself once the proof is made
    expect(compliance.get_by_text(f"{ROWS} rows were scored")).to_be_visible()
    compliance.fill("#id_text", "Better than the champion on rows it had not seen.")
    if compliance.locator("#id_fairness_reason").count():
        compliance.fill("#id_fairness_reason", "Explained by the term asked for; looked at monthly.")
    sent(compliance, "Approve")
    compliance.wait_for_url(lambda url: "/approve/" not in url)
    expect(compliance.get_by_role("heading", name=re.compile(r"At \d+ points, where .+ cuts off"))).to_be_visible()

    # ten percent of the customers, planned by one person and started by another
    analyst.goto(model)
    analyst.get_by_role("link", name="Challenge the champion with this model").click()
    expect(analyst.locator("#id_share")).to_have_value("10")
    analyst.fill("#id_why", "Whether the new card lets more good customers pass.")
    sent(analyst, "Plan trial")
    expect(analyst.get_by_text("You planned this trial, so another person must start it.")).to_be_visible()
    trial = analyst.url
    manager.goto("/")
    manager.locator(f"a[href='{trial.removeprefix(visit.house.url)}']").first.click()
    sent(manager, "Start trial")
    manager.get_by_role("link", name="End trial").wait_for()
    try:
        analyst.goto(trial)
        expect(analyst.get_by_text("share of the customers 10%")).to_be_visible()

        # what it would have decided, over what was decided
        analyst.goto("/risk/backtests/")
        analyst.get_by_role("link", name="New backtest").first.click()
        analyst.fill("#id_name", "The new card over past applications")
        choose(analyst, "#id_version_1", "live")
        choose(analyst, "#id_card_1", "Town challenger")
        sent(analyst, "Run backtest")
        analyst.wait_for_url(re.compile(r"/risk/backtests/BT-"))
        analyst.get_by_role("heading", name=re.compile("^Swap set")).first.wait_for(timeout=WORK)
        expect(
            analyst.get_by_role("heading", name=re.compile("Town challenger v1 approves"))
        ).to_be_visible()  # the finding, by the card's name
        for words in ("By grade", "Expected profit and loss", "Fairness: Age"):
            expect(analyst.get_by_role("heading", name=words, exact=True)).to_be_visible()
        expect(analyst.get_by_role("button", name="Stop", exact=True)).to_have_count(0)  # the head of the page knows that it is over
    finally:  # the applicants of the other journeys are judged by the champion alone
        manager.get_by_role("link", name="End trial").click()
        manager.locator("#dialog").get_by_role("textbox").first.fill("The journey is over.")
        manager.locator("#dialog button[type=submit]").click()
        expect(manager.get_by_role("link", name="End trial")).to_have_count(0)


def choose(page: Any, field: str, words: str) -> None:
    """Choose the first option that says `words`."""
    options = page.locator(f"{field} option").all_inner_texts()
    page.select_option(field, label=next(one for one in options if words in one))
