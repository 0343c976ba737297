"""The package: what the gate refuses, that a built one is used again, and that Chalice's two ways agree."""

import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.deploy import api_package
from infrastructure.deploy.api_package import ApiPackage, build, check_archive, check_output, stage
from infrastructure.deploy.stack import DeployError
from tests.api.warehouse import ROOT
from tests.cloud import Cloud

# A glibc that this machine may have and the Lambda runtime of this Python has not.
TOO_NEW = f"manylinux_2_{27 if sys.version_info < (3, 12) else 35}_{platform.machine()}"
APP = "from chalice import Chalice\napp = Chalice(app_name='analytics-api')\napp.route('/')(lambda: {})\n"


@pytest.fixture(scope="session")
def package(cloud: Cloud) -> ApiPackage:
    """The API's package where a deploy to the tests' cloud makes or finds it."""
    return build(cloud.root / "api-package")


def test_a_package_that_is_built_is_used_again(package: ApiPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> str:
        raise AssertionError("built again")

    monkeypatch.setattr(api_package, "_run_chalice", never)
    assert build(package.archive.parents[1]) == package


@pytest.mark.long
def test_a_package_lacking_a_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chalice itself is run on it: it only warns, and its words may change."""
    project = tmp_path / "project"
    stage(project)
    (project / "app.py").write_text(APP)
    (project / "requirements.txt").write_text("planted==1.0\n")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}-cp{sys.version_info[0]}{sys.version_info[1]}-{TOO_NEW}"
    with zipfile.ZipFile(wheels / f"planted-1.0-{tag}.whl", "w") as wheel:
        wheel.writestr("planted.py", "")
        wheel.writestr("planted-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        wheel.writestr("planted-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr("planted-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    told = api_package._run_chalice(project, tmp_path / "out")
    with pytest.raises(DeployError, match=r"planted==1\.0"):
        check_output(told)


def archive(folder: Path, **files: str) -> Path:
    """A zip with these files, `__` standing for the slash."""
    path = folder / "small.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", "/") + ".py", text)
    return path


@pytest.mark.parametrize("name", ["pandas__init", "duckdb__init", "dagster_pipes__init", "pyarrow__lib"])
def test_heavy_libraries_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeployError, match=name.partition("__")[0]):
        check_archive(archive(tmp_path, app="", **{name: ""}), tmp_path / "unpacked")


def test_a_package_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """What counts is what it takes unpacked: packed, these bytes are few."""
    path = archive(tmp_path, app="")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("large.bin", bytes(100_000_001))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DeployError, match="at most 100000000 are allowed"):
        check_archive(path, tmp_path / "unpacked")


def test_an_app_that_does_not_answer_from_the_package_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="No module named 'chalice'"):
        check_archive(archive(tmp_path, app=APP), tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("told", "held", "words"), [(f"{api_package.NOT_INSTALLED}:\nx==1.0", "app", "x==1.0"), ("", "pandas", "pandas")]
)
def test_what_the_gate_refuses_is_refused_the_second_time_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, held: str, words: str
) -> None:
    """A package that Chalice has made and the gate has not passed is never taken for a finished one."""

    def package(_: Path, out: Path) -> str:
        out.mkdir()
        archive(out, **{held: ""}).rename(out / "deployment.zip")
        (out / "sam.yaml").write_text("")
        return told

    monkeypatch.setattr(api_package, "_run_chalice", package)
    for _ in range(2):
        with pytest.raises(DeployError, match=words):
            build(tmp_path / "kept")


def test_the_package_carries_contracts_and_shared_code_but_no_samples(package: ApiPackage) -> None:
    names = zipfile.ZipFile(package.archive).namelist()
    assert {"app.py", "chalicelib/sql/coverage.sql", "lambdas/common/contract/read.py"} <= set(names)
    assert "assets/sources/earthquakes/contract.yaml" in names
    assert not [name for name in names if "/sample/" in name]
    assert [name for name in names if name.startswith("chalice/")] == ["chalice/app.py", "chalice/__init__.py"]


def test_the_template_is_sound(package: ApiPackage, tmp_path: Path) -> None:
    (tmp_path / "sam.yaml").write_text(package.template)
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, tmp_path / "sam.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("role", "more"), [("ApiHandlerRole", {"s3:ListBucket", "lambda:InvokeFunction"}), ("ExportRole", set())]
)
def test_a_role_may_only_write_its_log_read_the_readers_secret_and_handle_exports(
    package: ApiPackage, role: str, more: set[str]
) -> None:
    (policy,) = yaml.safe_load(package.template)["Resources"][role]["Properties"]["Policies"]
    allowed = {action: item["Resource"] for item in policy["PolicyDocument"]["Statement"] for action in item["Action"]}
    assert allowed["secretsmanager:GetSecretValue"] == [{"Ref": "ReaderSecret"}]
    assert allowed["s3:PutObject"]["Fn::Sub"].endswith("${LakeBucket}/exports/*")
    always = {"secretsmanager:GetSecretValue", "logs:CreateLogStream", "logs:PutLogEvents"}
    always |= {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    assert set(allowed) == always | {"s3:GetObject", "s3:PutObject"} | more


def test_every_request_has_a_trace_from_the_gateway_on(package: ApiPackage) -> None:
    found = yaml.safe_load(package.template)["Resources"]
    assert {found[name]["Properties"]["Tracing"] for name in ("APIHandler", "Export")} == {"Active"}
    assert found["RestAPI"]["Properties"]["TracingEnabled"] is True


def test_the_gateway_writes_down_each_request_without_its_question(package: ApiPackage) -> None:
    found = yaml.safe_load(package.template)["Resources"]
    setting = found["RestAPI"]["Properties"]["AccessLogSetting"]
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["GatewayLog", "Arn"]}
    assert found["GatewayLog"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    line = json.loads(setting["Format"])
    assert {"requestId", "status", "milliseconds", "key"} <= set(line)
    said = set(line.values())
    # the key itself, the caller's address and the filters are nobody's business
    assert not [one for one in said if one.endswith(("apiKey", "sourceIp")) or "query" in one.lower()]


def test_the_function_joins_the_warehouses_network_where_there_is_one(package: ApiPackage) -> None:
    found = yaml.safe_load(package.template)
    condition, config, otherwise = found["Resources"]["APIHandler"]["Properties"]["VpcConfig"]["Fn::If"]
    assert (condition, otherwise) == ("InSubnets", {"Ref": "AWS::NoValue"})
    assert config["SubnetIds"] == {"Ref": "WarehouseSubnetIds"}
    condition, (policy,), _ = found["Resources"]["ApiHandlerRole"]["Properties"]["ManagedPolicyArns"]["Fn::If"]
    assert condition in found["Conditions"]
    assert policy["Fn::Sub"].endswith("/AWSLambdaVPCAccessExecutionRole")
    assert found["Parameters"]["WarehouseSubnetIds"]["Default"] == ""


def test_where_other_origins_may_read_they_read_what_the_gateway_answers_too(package: ApiPackage) -> None:
    """Not tried on the local gateway, which reads no gateway responses out of a template."""
    found = yaml.safe_load(package.template)
    assert found["Conditions"]["Cors"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]}
    body = found["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    answers = body["x-amazon-apigateway-gateway-responses"]
    assert {"INVALID_API_KEY", "MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)
    for name, answer in answers.items():
        headers = {key.rpartition(".")[2]: value for key, value in answer["responseParameters"].items()}
        told = "Access-Control-Allow-Origin"
        assert headers[told] == {"Fn::If": ["Cors", "'*'", {"Ref": "AWS::NoValue"}]}, name
        told = "Access-Control-Expose-Headers"
        seen = {"Fn::If": ["Cors", "'Retry-After'", {"Ref": "AWS::NoValue"}]} if "Retry-After" in headers else None
        assert headers.get(told) == seen, name


def test_every_dependency_is_pinned_with_hashes() -> None:
    text = (ROOT / "api_chalice" / "requirements.txt").read_text() + (ROOT / "lambdas/api/requirements.txt").read_text()
    pinned = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert pinned
    assert all(re.match(r"[a-z0-9._-]+==\S+ .*\\$", line) for line in pinned), pinned
    assert text.count("--hash=sha256:") >= len(pinned)


def test_the_image_has_the_chalice_that_makes_the_package() -> None:
    pin = (ROOT / "lambdas" / "api" / "requirements.txt").read_text().splitlines()[1:]
    assert pin[0].startswith(f"chalice=={importlib.metadata.version('chalice')} ")
    assert "\n".join(pin) in (ROOT / "requirements" / "dev.txt").read_text()


def test_what_the_image_copies_is_there() -> None:
    dockerfile = (ROOT / "lambdas" / "api" / "Dockerfile").read_text()
    copied = [
        line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY") and "--from=" not in line
    ]
    sources = [word for words in copied for word in words if not word.startswith("--")]
    assert len(sources) == 7
    assert all((ROOT / source).exists() for source in sources)
    assert 'CMD ["app.app"]' in dockerfile


def test_chalice_deploy_would_make_the_same_function_and_routes(
    package: ApiPackage, cloud: Cloud, tmp_path: Path
) -> None:
    stage(tmp_path / "project")
    (tmp_path / "project" / "requirements.txt").write_text("")  # what is installed changes no plan
    done = subprocess.run(
        [sys.executable, "-B", str(Path(__file__).with_name("chalice_plan.py")), str(tmp_path / "project")],
        env={**os.environ, **cloud.env}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    plan, resources = json.loads(done.stdout), yaml.safe_load(package.template)["Resources"]
    planned = {function["handler"]: function for function in plan["functions"]}
    assert set(planned) == {"app.app", "app.export"}
    for name in ("APIHandler", "Export"):
        function = resources[name]["Properties"]
        same = planned[function["Handler"]]
        assert (same["memory_size"], same["timeout"]) == (function["MemorySize"], function["Timeout"])
        assert set(same["environment_variables"]) <= set(function["Environment"]["Variables"])
    (paths,) = plan["routes"]
    assert described(paths) == described(resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"])
    found = described(paths)
    read = {path for path, method, _ in found if method == "get"}
    assert {"/v1/datasets/{dataset}/records", "/v1/datasets/{dataset}/values/{column}", "/v1/loads"} <= read
    assert read == {path for path, method, _ in found if method == "head"}
    for path, method, key in found:
        assert key is (path.startswith("/v1/") and path != "/v1/health" and method != "options"), (path, method)


POOL = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Ab12"


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "name", "kind"), [("iam", "sigv4", "awsSigv4"), (POOL, "users", "cognito_user_pools")]
)
def test_configuration_puts_another_guard_beside_the_key(tmp_path: Path, asked: str, name: str, kind: str) -> None:
    stage(tmp_path / "project")
    (tmp_path / "project" / "requirements.txt").write_text("")  # what is installed guards nothing
    file = tmp_path / "project" / ".chalice" / "config.json"
    config = json.loads(file.read_text())
    config["environment_variables"]["API_AUTHORIZER"] = asked
    file.write_text(json.dumps(config))
    api_package._run_chalice(tmp_path / "project", tmp_path / "out")
    resources = yaml.safe_load((tmp_path / "out" / "sam.yaml").read_text())["Resources"]
    body = resources["RestAPI"]["Properties"]["DefinitionBody"]
    assert body["securityDefinitions"][name]["x-amazon-apigateway-authtype"] == kind
    for path, method, key in described(body["paths"]):
        guards = body["paths"][path][method].get("security", [])
        assert guards == ([{"api_key": []}, {name: []}] if key else []), (path, method)


def described(paths: dict[str, Any]) -> set[tuple[str, str, bool]]:
    """Path, method, and whether a key is asked for."""
    return {
        (path, method, {"api_key": []} in operation.get("security", []))
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
