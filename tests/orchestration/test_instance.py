"""The instance of the laptop and that of AWS: their files are what Dagster takes, and PostgreSQL is tried here."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.config import PoolGranularity
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import TickStatus

from infrastructure.local.redshift.postgres import BOOTSTRAP_USER, Postgres
from orchestration.evaluations import latest_evaluation, latest_evaluations

ORCHESTRATION = Path(__file__).resolve().parents[2] / "orchestration"
AWS = ORCHESTRATION / "aws"
VARIABLES = {
    "PG_HOST": "database.example",
    "PG_PORT": "5432",
    "PG_USER": BOOTSTRAP_USER,
    "PG_PASSWORD": "secret",
    "PG_DATABASE": "dagster",
    "LOG_BUCKET": "logs",
    "RUN_PREFIX": "run-dev",
    "AWS_DEFAULT_REGION": "us-east-1",
}
DAYS = dg.DailyPartitionsDefinition("2018-01-01", timezone="UTC", end_offset=1)


@dg.multi_asset(specs=[dg.AssetSpec("table", partitions_def=DAYS)], backfill_policy=dg.BackfillPolicy.single_run())
def table() -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult("table", metadata={"rows": 3})


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("folder", [ORCHESTRATION, AWS], ids=["laptop", "AWS"])
def test_dagster_takes_the_file_whole(folder: Path, variables: None) -> None:
    ref = InstanceRef.from_dir(str(folder))
    said = yaml.safe_load((folder / "dagster.yaml").read_text())
    for name in said:
        assert ref.settings.get(name, said[name]) == said[name]
    assert ref.run_coordinator.inst_data.class_name == "QueuedRunCoordinator"
    assert ref.settings["telemetry"] == {"enabled": False}
    assert ref.settings["freshness"] == {"enabled": True}


@pytest.fixture(params=[ORCHESTRATION, AWS], ids=["laptop", "AWS"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance of the file's settings; what only AWS has is Dagster's default."""
    said = yaml.safe_load((request.param / "dagster.yaml").read_text())
    kept = {name: value for name, value in said.items() if name not in ("storage", "run_launcher", "compute_logs")}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(kept))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def test_runs_whose_process_is_lost_are_found_and_tried_again(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert 0 < instance.run_monitoring_start_timeout_seconds <= 600
    assert instance.run_monitoring_max_runtime_seconds == 86_400, "years of a large source take hours"
    assert 0 < instance.run_monitoring_poll_interval_seconds <= 60
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 2
    assert not instance.run_retries_retry_on_asset_or_op_failure, "a failing step has the retries of its asset"


def test_loads_of_a_source_follow_one_another(instance: dg.DagsterInstance) -> None:
    pools = instance.get_concurrency_config().pool_config
    assert pools.pool_granularity == PoolGranularity.RUN
    assert pools.default_pool_limit == 1


def test_what_sensors_saw_is_not_kept_for_ever(instance: dg.DagsterInstance) -> None:
    kept = instance.get_tick_retention_settings(InstigatorType.SENSOR)
    assert 0 < kept[TickStatus.SKIPPED] <= 3, "most of all ticks, every few seconds"
    assert 0 < kept[TickStatus.SUCCESS] <= kept[TickStatus.FAILURE] <= 90


def test_on_aws_runs_are_tasks_and_their_output_is_kept_in_s3(variables: None) -> None:
    ref = InstanceRef.from_dir(str(AWS))
    launcher = ref.run_launcher
    assert launcher.inst_data.class_name == "EcsRunLauncher"
    assert launcher.run_resources == {"cpu": "256", "memory": "1024"}
    assert launcher.use_current_ecs_task_config
    assert launcher.inst_data.config_dict["task_definition_prefix"] == {"env": "RUN_PREFIX"}
    assert ref.compute_log_manager.inst_data.class_name == "S3ComputeLogManager"
    assert ref.settings["run_monitoring"]["max_resume_run_attempts"] == 0


def test_no_secret_stands_in_the_file() -> None:
    database = yaml.safe_load((AWS / "dagster.yaml").read_text())["storage"]["postgres"]["postgres_db"]
    named = {name: value["env"] for name, value in database.items() if isinstance(value, dict) and "env" in value}
    assert set(named.values()) == {"PG_HOST", "PG_PORT", "PG_USER", "PG_PASSWORD", "PG_DATABASE"}


@pytest.fixture
def home(tmp_path: Path, variables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with AWS's settings on the embedded server: all but what only AWS has."""
    server = Postgres(tmp_path / "postgres")
    (tmp_path / "postgres").mkdir()
    server.start()
    try:
        where = str(Path(server.socket).parent)
        connection = psycopg2.connect(host=where, user=BOOTSTRAP_USER, dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE dagster")
        connection.close()
        said = yaml.safe_load((AWS / "dagster.yaml").read_text())
        said["storage"]["postgres"]["postgres_db"]["params"] = {"host": where}
        kept = {name: value for name, value in said.items() if name not in ("run_launcher", "compute_logs")}
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "dagster.yaml").write_text(yaml.safe_dump(kept))
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
        yield tmp_path / "home"
    finally:
        server.stop()


def dagster(*arguments: str) -> str:
    command = [sys.executable, "-m", "dagster", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.long
def test_postgresql_keeps_runs_days_and_checks_and_is_migrated(home: Path) -> None:
    dagster("instance", "migrate")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        tags = {"dagster/asset_partition_range_start": "2018-02-01", "dagster/asset_partition_range_end": "2018-02-03"}
        assert dg.materialize([table], instance=instance, tags=tags).success
        key = dg.AssetKey("table")
        assert instance.get_materialized_partitions(key) == {"2018-02-01", "2018-02-02", "2018-02-03"}
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=key, check_name="holds", passed=False, metadata={"n": 1})
        )
        check, before = dg.AssetCheckKey(key, "holds"), dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        found = latest_evaluations(instance, [check], before)
        assert found == {check: latest_evaluation(instance, check)}
        assert not found[check][0].passed
    assert "Postgres" in dagster("instance", "info")
    dagster("instance", "migrate")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_runs_count() == 1
