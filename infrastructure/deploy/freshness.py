"""One alarm for each source whose contract says how old its newest event may be: the only part that sources decide.

A source that is paused, or has ended by the day of the deploy, has none: nothing new is expected of it.

An alarm looks at as many hours as the contract allows. It is content with one load in them that brought a young event;
an hour without a load counts as one without.
"""

import datetime as dt
import json
import math

from lambdas.common.contract import load_sources
from lambdas.common.source import load_source_config

HOUR, WEEK = 3600, 168


def freshness_template() -> str:
    """The template of the stack analytics-<env>-freshness, as JSON."""
    promised = {name: one.freshness for name, one in load_sources().items() if one.freshness}
    limits = {name: limit.total_seconds() for name, limit in promised.items() if _is_watched(name)}
    alarms = {f"{name.title().replace('_', '')}Freshness": _alarm(name, limit) for name, limit in limits.items()}
    # a stack has to have a resource, also where no contract has a limit
    alarms["Limits"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {
            "Name": {"Fn::Sub": "/analytics/${Environment}/alarms/freshness"},
            "Type": "String",
            "Value": json.dumps(limits, sort_keys=True),
        },
    }
    parameters = {
        "Environment": {"Type": "String"},
        "AlarmTopic": {"Type": "AWS::SSM::Parameter::Value<String>"},
    }
    return json.dumps({"Parameters": parameters, "Resources": alarms}, indent=1, sort_keys=True)


def _is_watched(source: str) -> bool:
    now = dt.datetime.now(dt.UTC)
    return load_source_config(source).watched_until(now) == now


def _alarm(source: str, limit: float) -> dict[str, object]:
    # CloudWatch looks back a week at most
    hours = min(math.ceil(limit / HOUR), WEEK)
    topic = [{"Ref": "AlarmTopic"}]
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": f"analytics-${{Environment}}-freshness-{source}"},
            "AlarmDescription": f"No load of {source} has brought an event younger than {limit / HOUR:g} h.",
            "Namespace": {"Fn::Sub": "Analytics/${Environment}"},
            "MetricName": "DataAge",
            "Dimensions": [{"Name": "Source", "Value": source}],
            "Statistic": "Minimum",
            "Period": HOUR,
            "EvaluationPeriods": hours,
            "DatapointsToAlarm": hours,
            "Threshold": limit,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "breaching",
            "AlarmActions": topic,
            "OKActions": topic,
        },
    }
