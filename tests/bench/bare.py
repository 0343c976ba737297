"""What Dagster itself takes for a source: as many assets, checks and schedules, written by hand, that say nothing."""

from collections.abc import Iterator

import dagster as dg

CHECKS = {"quality": 8, "proof": 4}


class Bare(dg.Component, dg.Model, dg.Resolvable):
    """A folder whose defs.yaml names this becomes raw/<folder>, core/<folder>, twelve checks and a schedule."""

    start: str

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The folder's definitions; reads nothing."""
        name = context.path.name
        days = dg.DailyPartitionsDefinition(self.start, timezone="UTC", end_offset=1)
        raw, core = dg.AssetKey(["raw", name]), dg.AssetKey(["core", name])
        assets = [
            _asset(dg.AssetSpec(raw, partitions_def=days)),
            _asset(dg.AssetSpec(core, deps=[raw], partitions_def=days)),
        ]
        return dg.Definitions(assets=assets, asset_checks=_checks(core), schedules=[_schedule(raw)])


def _asset(spec: dg.AssetSpec) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=[spec], name="__".join(spec.key.path), backfill_policy=dg.BackfillPolicy.single_run())
    def nothing() -> None:
        pass

    return nothing


def _checks(key: dg.AssetKey) -> list[dg.AssetChecksDefinition]:
    return [_check(key, group, number) for group, number in CHECKS.items()]


def _check(key: dg.AssetKey, group: str, number: int) -> dg.AssetChecksDefinition:
    specs = [dg.AssetCheckSpec(f"{group}_{n}", asset=key) for n in range(number)]

    @dg.multi_asset_check(specs=specs, name=f"{group}__{key.path[-1]}", can_subset=True)
    def look() -> Iterator[dg.AssetCheckResult]:
        yield from ()

    return look


def _schedule(key: dg.AssetKey) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{key.path[-1]}_landing",
        cron_schedule="15 2 * * *",
        target=dg.AssetSelection.assets(key).without_checks(),
    )
    def never() -> dg.SkipReason:
        return dg.SkipReason("bare")

    return never
