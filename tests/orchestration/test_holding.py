"""A real daemon on a code location with a blocking check: it holds the mart, and frees it once the data is mended."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.evaluations import latest_evaluation, runs_without_evaluation
from orchestration.loads import SOURCE_TAG
from tests.cloud import PROJECT
from tests.orchestration.blocked import FOLDER, MART, UNIQUE, declare
from tests.orchestration.conftest import Scratch
from tests.orchestration.page import wait_for
from tests.orchestration.test_sensors import put

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
DAY = "2018-02-01"
SUCCEEDED, FAILED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


class House:
    """What the daemon has made of the messages in its queue."""

    def __init__(self, instance: dg.DagsterInstance, scratch: Scratch):
        self.instance, self.scratch = instance, scratch

    def load(self, stamp: str) -> dg.DagsterRunStatus:
        """How the run ends that the daemon begins for an object that lands."""
        before = len(self.loads())
        body = json.dumps(put("earthquakes", DAY, stamp=stamp))
        self.scratch.local.client("sqs").send_message(QueueUrl=self.scratch.queue, MessageBody=body)
        wait_for(lambda: len(self.loads()) > before and self.loads()[0].is_finished)
        return self.loads()[0].status

    def loads(self) -> list[dg.DagsterRun]:
        """The runs of the source, the newest first."""
        return list(self.instance.get_runs(dg.RunsFilter(tags={SOURCE_TAG: "earthquakes"})))

    def refreshes(self) -> list[dg.DagsterRunStatus]:
        """How the runs stand that the daemon has begun for the mart."""
        return [run.status for run in self.instance.get_runs() if MART in (run.asset_selection or ())]

    def look_again(self) -> None:
        """Until the code server has evaluated the mart's condition twice more: the first time it may have begun."""
        seen = self.ticks()
        wait_for(lambda: self.ticks() >= seen + 2)

    def ticks(self) -> int:
        """How often it has."""
        states = self.instance.all_instigator_state()
        return sum(
            len([tick for tick in self.instance.get_ticks(s.instigator_origin_id, s.selector_id) if tick.is_completed])
            for s in states
            if s.instigator_name == "marts_after_inputs"
        )


@pytest.fixture
def house(scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The daemon as the laptop has it, with the source and the mart whose check blocks."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(PROJECT / "orchestration" / "dagster.yaml", home / "dagster.yaml")
    declare(tmp_path / "assets")
    told = {**os.environ, "DAGSTER_HOME": str(home), FOLDER: str(tmp_path / "assets")}
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "tests.orchestration.blocked"]
    with (home / "log").open("w") as log, dg.DagsterInstance.from_config(str(home)) as instance:
        daemon = subprocess.Popen(command, cwd=PROJECT, env=told, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield House(instance, scratch)
        finally:
            daemon.terminate()
            daemon.wait(60)


def test_a_daemon_holds_a_mart_while_a_blocking_check_fails_and_refreshes_it_once_when_the_data_is_mended(
    house: House, functions: Callable[[str], None]
) -> None:
    functions("old days broken")
    house.look_again()
    assert house.load("broken") == FAILED
    assert not latest_evaluation(house.instance, UNIQUE)[0].passed  # type: ignore[index]
    assert runs_without_evaluation(house.instance, UNIQUE, 1) == []
    house.look_again()
    assert house.refreshes() == []
    functions("plain")
    assert house.load("mended") == SUCCEEDED
    wait_for(lambda: house.refreshes() == [SUCCEEDED])
    for _ in range(2):
        house.look_again()
    assert house.refreshes() == [SUCCEEDED]
