"""What the sensors that ask for runs by themselves have in common: they stand still while everything is paused."""

from collections.abc import Callable

import dagster as dg

from orchestration.resources import Cloud

INTERVAL_SECONDS = 30
Tick = Callable[[dg.SensorEvaluationContext], dg.SensorResult | dg.SkipReason]


def sensor_of_loads(description: str, *layers: str) -> Callable[[Tick], dg.SensorDefinition]:
    """Makes the function that looks a sensor of its name, which asks for runs of core assets and of these layers'."""

    def make(look: Tick) -> dg.SensorDefinition:
        @dg.sensor(
            name=look.__name__,
            # not `target`: that makes one job of all, and the sources have days of their own
            asset_selection=dg.AssetSelection.key_prefixes("core", *layers),
            minimum_interval_seconds=INTERVAL_SECONDS,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=description,
        )
        def tick(context: dg.SensorEvaluationContext, cloud: Cloud) -> dg.SensorResult | dg.SkipReason:
            reason = cloud.pause_reason()
            return dg.SkipReason(reason) if reason else look(context)

        return tick

    return make
