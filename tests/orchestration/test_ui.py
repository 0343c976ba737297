"""Dagster's page in a real browser, on a cloud of its own: what a person sees of the data, and a load by hand."""

import re
import sys
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, expect

from orchestration.definitions import defs
from orchestration.loads import RANGE_END, RANGE_START
from tests.browser import chromium
from tests.cloud import PROJECT, Cloud, run

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count"),
]

# Kept as build products.
PICTURES = PROJECT / ".local" / "screenshots"
RAW, CORE = dg.AssetKey(["raw", "earthquakes"]), dg.AssetKey(["core", "earthquakes"])
LOADED, FAILED = ("2018-02-01", "2018-02-02"), "2018-02-03"
SHOWN = "[2018-02-01...2018-02-04]"
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Dagster's page, with days that are loaded, one whose load failed, and many that nobody has landed."""
    chromium.executable()
    cloud = Cloud(tmp_path_factory.mktemp("ui") / "state")
    dagster = [sys.executable, "-m", "infrastructure.local.dagster"]
    with pytest.MonkeyPatch.context() as environment:
        try:
            cloud.up()
            cloud.deploy()
            run([*dagster, "up", "--state", str(cloud.root)])
            for name, value in cloud.env.items():
                environment.setenv(name, value)
            with dg.DagsterInstance.from_config(str(cloud.root / "dagster")) as instance:
                assert materialize(instance, RAW, LOADED[0], FAILED)
                wait_for_days(instance)
                environment.setenv("ANALYTICS_ENV", "nowhere")
                assert not materialize(instance, CORE, FAILED, FAILED)
            yield cloud.env["DAGSTER_URL"]
        finally:
            run([*dagster, "down", "--state", str(cloud.root)])
            cloud.run("down")


@pytest.fixture(scope="module")
def browser(url: str) -> Iterator[Browser]:
    """Started last: its event loop and those of Dagster's runs bear no company."""
    with chromium.running() as found:
        yield found


def materialize(instance: dg.DagsterInstance, key: dg.AssetKey, first: str, last: str) -> bool:
    """Whether a run of those days succeeds; here, and as in a process of Dagster's."""
    job = defs().get_repository_def().get_implicit_job_def_for_assets([key])
    subset = job.get_subset(asset_selection={key}, asset_check_selection=set())
    tags = {RANGE_START: first, RANGE_END: last}
    return subset.execute_in_process(instance=instance, tags=tags, raise_on_error=False).success


def wait_for_days(instance: dg.DagsterInstance) -> None:
    """Until the sensor has loaded what was landed."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not {*LOADED, FAILED} <= instance.get_materialized_partitions(CORE):
        assert time.monotonic() < limit, "the sensor's run did not come about"
        time.sleep(0.5)


@pytest.fixture
def tab(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh tab, whose last picture is kept."""
    with browser.new_context(viewport={"width": 1440, "height": 900}, base_url=url) as context:
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        yield (page := context.new_page())
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"dagster_{request.node.name}.png", animations="disabled")


def counted(tab: Page, **counts: int) -> None:
    """The page says so many days of each status among those that are shown."""
    for status, number in counts.items():
        expect(tab.get_by_text(f"{status.capitalize()} ({number})", exact=True)).to_be_visible()


def show_days(tab: Page, *, day: str) -> None:
    """The days of core/earthquakes around the one that is looked at."""
    tab.goto(f"/assets/core/earthquakes?view=partitions&partition={day}")
    field = tab.get_by_placeholder(re.compile("^ex: "))
    field.fill(SHOWN)
    field.press("Enter")
    expect(tab.get_by_text("4 Partitions Selected")).to_be_visible()


def test_lineage_leads_from_source_to_mart(tab: Page) -> None:
    tab.goto("/assets/mart/daily_seismicity?view=lineage&lineageScope=upstream&lineageDepth=5")
    for path in ("raw/earthquakes", "core/earthquakes", "mart/daily_seismicity"):
        expect(tab.locator(f"a[href*='/assets/{path}?']").first).to_be_visible()
    for kind in ("S3", "Parquet", "Redshift"):
        expect(tab.get_by_text(kind, exact=True).first).to_be_visible()


def test_columns_say_what_they_are_made_from_up_to_the_source(tab: Page) -> None:
    tab.goto("/assets/core/earthquakes")
    expect(
        tab.get_by_text("Magnitude of the event; empty where none was computed. From raw/earthquakes: ")
    ).to_be_visible()
    tab.goto("/assets/mart/daily_seismicity")
    expect(tab.get_by_text("Greatest magnitude of the day. From core/earthquakes: magnitude.")).to_be_visible()


def test_days_are_loaded_missing_or_failed(tab: Page) -> None:
    show_days(tab, day=LOADED[1])
    counted(tab, materialized=2, failed=1, missing=1)
    row = tab.get_by_role("row").filter(has=tab.get_by_text("dagster/partition_row_count", exact=True))
    expect(row).to_contain_text(re.compile(r"\d\d"))
    show_days(tab, day=FAILED)
    tab.locator("a[href^='/runs/']").first.click()
    expect(tab.get_by_text(re.compile(r"SSM parameter .* does not exist: is `nowhere` deployed")).first).to_be_visible()


def test_a_load_started_in_the_page_ends_green(tab: Page) -> None:
    show_days(tab, day=FAILED)
    tab.get_by_role("button", name="Materialize…").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("button", name="Show all partitions").click()
    dialog.get_by_role("button", name="Failed", exact=True).click()
    dialog.get_by_role("button", name="Launch 1 run").click()
    counted(tab, materialized=3, failed=0, missing=1)
    show_days(tab, day=FAILED)
    tab.locator("a[href^='/runs/']").first.click()
    expect(tab.get_by_text("Success", exact=True).first).to_be_visible()
