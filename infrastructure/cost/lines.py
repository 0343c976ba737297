"""The lines of the table: dollars a month of each part, for one workload."""

from collections.abc import Mapping

from infrastructure.cost.shape import Shape

Numbers = Mapping[str, float]


def rpu_hours_a_day(shape: Shape, load: Numbers) -> float:
    """RPU-hours that the warehouse is awake for, a day."""
    seconds = load["wakes_a_day"] * load["least_seconds_awake"]
    seconds += load["gb_a_day"] * load["redshift_seconds_a_gb"] + load["hours_queried_a_day"] * 3600
    return min(seconds, 86400) / 3600 * shape.number("BaseCapacity")


def warehouse(shape: Shape, load: Numbers, price: Numbers) -> dict[str, float]:
    """Redshift: seconds awake and storage."""
    stored = load["gb_a_day"] * load["days_stored"] * load["warehouse_ratio"]
    return {
        "Redshift, queries and loads": rpu_hours_a_day(shape, load) * load["days"] * price["redshift_rpu_hour"],
        "Redshift, storage": stored * price["redshift_gb_month"],
    }


def lake(load: Numbers, price: Numbers) -> dict[str, float]:
    """S3: storage of raw and curated objects, and requests; SQS: the sensor's polls and the messages."""
    stored = load["gb_a_day"] * load["days_stored"] * (1 + load["curated_ratio"])
    objects = load["objects_a_day"] * load["days"]
    polls = load["polls_a_day"] * load["days"] + objects * load["requests_a_message"]
    requests = objects * (load["puts_an_object"] * price["s3_put"] + load["gets_an_object"] * price["s3_get"])
    return {
        "S3, storage": stored * price["s3_gb_month"],
        "S3 and SQS, requests": requests + polls * price["sqs_request"],
    }


def functions(shape: Shape, load: Numbers, price: Numbers) -> dict[str, float]:
    """Lambda and API Gateway."""
    gb = load["gb_a_day"] * load["days"]
    seconds = gb * load["ingest_seconds_a_gb"] * shape.number("IngestMemory") / 1024
    seconds += gb * load["process_seconds_a_gb"] * shape.number("ProcessMemory") / 1024
    asked = load["api_requests_a_day"] * load["days"]
    calls = (load["objects_a_day"] + load["runs_a_day"]) * load["days"]
    answers = asked * load["api_answer_kb"] / 1e6 * price["transfer_out_gb"]
    api = asked * (load["api_seconds"] * load["api_memory_gb"] * price["lambda_gb_second"] + price["gateway_request"])
    return {
        "Lambda, ingest and process": seconds * price["lambda_gb_second"] + calls * price["lambda_request"],
        "API, gateway and functions": api + asked * price["lambda_request"] + answers,
    }


def dagster(shape: Shape, run: tuple[float, float], load: Numbers, price: Numbers) -> dict[str, float]:
    """The task that is always there, the tasks of runs, the database."""

    def hour(cpu: float, gb: float) -> float:
        return cpu * price["fargate_cpu_hour"] + gb * price["fargate_gb_hour"]

    always = hour(shape.number("TaskCpu") / 1024, shape.number("TaskMemory") / 1024) * load["hours"]
    runs = load["runs_a_day"] * load["days"] * load["run_seconds"] / 3600 * hour(*run)
    zones = 2 if shape.parameters["DatabaseInTwoZones"] == "true" else 1
    classes: Mapping[str, float] = price["database_hour"]  # type: ignore[assignment]
    database = classes[shape.parameters["DatabaseClass"]] * load["hours"]
    database += shape.number("DatabaseStorage") * price["database_gb_month"]
    return {"Dagster, its task": always, "Dagster, runs": runs, "Dagster, PostgreSQL": database * zones}


def surroundings(shape: Shape, load: Numbers, price: Numbers) -> dict[str, float]:
    """Network, secrets, alarms, metrics, logs, images."""
    nat = price["nat_hour"] + price["public_address_hour"]
    network = shape.count("AWS::EC2::NatGateway") * (
        nat * load["hours"] + load["nat_gb_a_day"] * 30.4 * price["nat_gb"]
    )
    network += shape.endpoints * price["endpoint_hour"] * load["hours"]
    metrics = load["metrics_beside"] + load["sources"] * load["metrics_a_source"]
    watching = shape.count("AWS::CloudWatch::Alarm") * price["alarm_month"] + metrics * price["metric_month"]
    watching += shape.count("AWS::CloudWatch::Dashboard") * price["dashboard_month"]
    logged = load["log_gb_a_day"] + load["gb_a_day"] * load["log_gb_a_gb"]
    kept = logged * shape.number("LogRetentionDays") * price["log_gb_month"]
    return {
        "Network": network,
        "Secrets": shape.count("AWS::SecretsManager::Secret") * price["secret_month"],
        "Alarms, metrics, dashboard": watching,
        "Logs": logged * load["days"] * price["log_gb"] + kept,
        "Images": load["images_gb"] * price["image_gb_month"],
    }


def lines(shape: Shape, run: tuple[float, float], load: Numbers, price: Numbers) -> dict[str, float]:
    """All lines in the table's order."""
    return {
        **warehouse(shape, load, price),
        **lake(load, price),
        **functions(shape, load, price),
        **dagster(shape, run, load, price),
        **surroundings(shape, load, price),
    }
