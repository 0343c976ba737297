"""The code location: whatever lies under assets/, and what makes it run. Names no asset."""

import gc
import os
from pathlib import Path

import dagster as dg

from orchestration.automation import build_automation
from orchestration.links import link_files
from orchestration.resources import build_resources
from orchestration.schedules import build_proofs
from orchestration.sensors import build_sensors

# A hundred sources are 200,000 objects that all stay. With Python's own threshold the collector goes through them again
# and again while they come about, which takes a quarter of the load.
OBJECTS_BEFORE_COLLECTION = 50_000


@dg.definitions
def defs() -> dg.Definitions:
    """All definitions; loads without an environment and without a call to AWS."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    platform = dg.Definitions(
        resources=build_resources(),
        sensors=[*build_sensors(), build_automation()],
        schedules=build_proofs(),
        # one step a run that waits for a function: a process of its own would only cost its start
        executor=dg.in_process_executor,
    )
    declared = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(link_files(declared, os.environ.get("FILES_URL", "")), platform)
