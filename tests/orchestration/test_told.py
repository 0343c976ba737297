"""What was loaded behind Dagster's back is told by the next pass: once, with its counts, and only if it is loaded."""

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from orchestration.components import told
from orchestration.components.proof import DESCRIPTIONS, KEPT, checked_asset
from orchestration.definitions import defs
from orchestration.landings import raw_key
from orchestration.loads import LAST_DAYS_TAG, RANGE_END, RANGE_START, REBUILD_TAG, core_key
from tests.orchestration.test_proof import failed
from tests.orchestration.test_sensors import ORIGIN

pytestmark = pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count")
RAW, CORE = raw_key("weather"), core_key("weather")
KEYS = {dg.AssetCheckKey(checked_asset("weather", name), name) for name in DESCRIPTIONS}
DAYS = [f"2013-01-{day:02}" for day in range(1, 7)]
MATERIALIZED, FAILED = AssetPartitionStatus.MATERIALIZED, AssetPartitionStatus.FAILED


class Passes:
    """Passes over the first six days of the weather, of which an earlier one found something wrong."""

    def __init__(self, repository, instance):
        self.repository, self.instance = repository, instance

    def prove(self):
        """How many days of each layer it told, and how many it left to the next."""
        failed(self.instance, dg.AssetCheckKey(CORE, KEPT), wrong_days=[f"{DAYS[0]}/{DAYS[-1]}"])
        job = self.repository.get_job("proof").get_subset(asset_selection=set(), asset_check_selection=KEYS)
        result = job.execute_in_process(instance=self.instance, tags={LAST_DAYS_TAG: "1"})
        said = result.get_asset_check_evaluations()[0].metadata
        return tuple(said[name].value if name in said else None for name in ("told_raw", "told_core", "told_next"))

    def attempt(self, key, *days, status=dg.DagsterRunStatus.FAILURE, **tags):
        """A run of these days, in that status."""
        job = self.repository.get_implicit_job_def_for_assets([key]).get_subset(asset_selection={key})
        span = {RANGE_START: days[0], RANGE_END: days[-1]}
        run = self.instance.create_run_for_job(
            job,
            tags={**span, **tags},
            status=dg.DagsterRunStatus.STARTED,
            asset_selection={key},
            remote_job_origin=ORIGIN,
        )
        if status == dg.DagsterRunStatus.FAILURE:
            self.instance.report_run_failed(run)
        return run

    def status(self, key):
        """What the page says of each of the days."""
        days = self.repository.asset_graph.get(key).partitions_def
        return list(self.instance.get_status_by_partition(key, DAYS, days).values())

    def counts(self, key, day):
        (record,) = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day]), limit=1
        ).records
        return {name: value.value for name, value in record.asset_materialization.metadata.items()}


@pytest.fixture(scope="module")
def repository():
    return defs().get_repository_def()


@pytest.fixture
def passes(repository, instance):
    return Passes(repository, instance)


def test_days_that_dagster_does_not_know_are_told_once_with_their_counts(passes, functions, monkeypatch):
    functions("proved")
    assert passes.prove() == (6, 6, 0)
    assert passes.status(RAW) == passes.status(CORE) == [MATERIALIZED] * 6
    assert passes.counts(RAW, DAYS[0]) == {"objects": 2, "rows": 11, "dagster/partition_row_count": 11}
    assert passes.counts(CORE, DAYS[0]).items() >= {"objects": 2, "rows_in": 11, "rows_accepted": 10}.items()
    assert passes.counts(CORE, DAYS[0])["dagster/partition_row_count"] == 10
    (run_id,) = {record.run_id for record in passes.instance.fetch_materializations(CORE, limit=9).records}
    assert passes.instance.has_run(run_id), "the checks of that run hold for what it told, whichever came first"
    monkeypatch.setattr(told, "ask_function", None)
    assert passes.prove() == (None, None, None), "and the warehouse is not asked where every day is known"


@pytest.mark.long
def test_a_pass_tells_a_bounded_number_the_newest_first_and_the_next_one_goes_on(passes, functions, monkeypatch):
    functions("gaps")  # the first, third and fifth
    monkeypatch.setattr(told, "MOST_TOLD", 2)
    assert passes.prove() == (2, 2, 2)
    assert passes.status(CORE) == [None, None, MATERIALIZED, None, MATERIALIZED, None]
    assert passes.prove() == (1, 1, 0)
    assert passes.status(CORE) == passes.status(RAW) == [MATERIALIZED, None] * 3


@pytest.mark.long
def test_what_is_missing_or_damaged_is_not_told_and_a_day_that_failed_only_where_it_is_loaded(passes, functions):
    functions("broken")  # the first is damaged, of the third and fourth something is not loaded
    passes.attempt(CORE, *DAYS[:3])
    assert passes.prove() == (3, 3, 0)
    assert passes.status(CORE) == [FAILED, MATERIALIZED, FAILED, None, MATERIALIZED, MATERIALIZED]
    assert passes.status(RAW) == [None, MATERIALIZED, None, None, MATERIALIZED, MATERIALIZED]


@pytest.mark.long
def test_a_failed_rebuild_a_failed_landing_and_a_run_under_way_keep_the_last_word(passes, functions):
    functions("proved")
    passes.attempt(CORE, *DAYS[:2], **{REBUILD_TAG: "true"})
    passes.attempt(RAW, *DAYS[:3])
    run = passes.attempt(CORE, DAYS[5], status=dg.DagsterRunStatus.STARTED)
    assert passes.prove() == (3, 3, 0)
    assert passes.status(CORE)[:5] == [FAILED] * 2 + [MATERIALIZED] * 3
    assert passes.status(CORE)[5] == AssetPartitionStatus.IN_PROGRESS
    assert passes.status(RAW) == [FAILED] * 3 + [MATERIALIZED] * 3
    passes.instance.report_run_canceled(run)
    assert passes.prove() == (0, 1, 0)
