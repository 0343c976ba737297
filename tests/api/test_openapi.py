"""The OpenAPI document: valid, the same as what the API takes and answers, and silent about restricted columns."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from infrastructure.deploy.gateway_answers import additions
from tests.api.conftest import Api

SAMPLES = {
    "text": "a", "integer": "1", "real": "1.5", "double": "1.5", "decimal": "1.5", "boolean": "true",
    "date": "2018-02-01", "timestamp": "2018-02-01", "timestamptz": "2018-02-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
def spec(api: Api) -> Any:
    """The document as a client gets it."""
    found = api.raw("/openapi.json")
    assert found.status_code == 200
    return json.loads(found.body)


def test_it_is_valid_openapi(spec: Any) -> None:
    assert spec["openapi"] == "3.1.0"
    validate(spec)


def operations(spec: Any) -> Iterator[tuple[str, Any, list[Any]]]:
    """Path, operation and resolved parameters."""
    for path, methods in spec["paths"].items():
        for found in methods.values():
            yield path, found, [resolved(spec, parameter) for parameter in found.get("parameters", [])]


def resolved(spec: Any, item: Any) -> Any:
    """The item, or what it refers to."""
    if "$ref" in item:
        _, where, kind, name = item["$ref"].split("/")
        return spec[where][kind][name]
    return item


def test_every_filter_of_every_dataset_stands_in_it_and_no_other(spec: Any, catalogue: Any) -> None:
    from chalicelib.reader import OWN, RESERVED

    for dataset in catalogue.datasets.values():
        expected = {
            field.name if op == "eq" and field.name not in RESERVED else f"{field.name}__{op}"
            for field in dataset.fields.values()
            for op in field.operators
        }
        for endpoint in ("records", "aggregate", "stats", "values/{column}"):
            wanted = f"/v1/datasets/{dataset.name}/{endpoint}"
            parameters = next(ps for path, _, ps in operations(spec) if path == wanted)
            found = [parameter["name"] for parameter in parameters if parameter["in"] == "query"]
            own = set(OWN[endpoint.partition("/")[0]]) - (set() if dataset.sources else {"source"})
            assert len(found) == len(set(found))
            assert set(found) == expected | own


def test_the_api_takes_every_parameter_that_stands_in_it(spec: Any, api: Api, catalogue: Any) -> None:
    """One request with all filters of a dataset at once: a mistake would name the one that is not taken."""
    for dataset in catalogue.datasets.values():
        query = [
            (f"{field.name}__{op}", "true" if op == "null" else SAMPLES[field.kind.name])
            for field in dataset.fields.values()
            for op in field.operators
        ]
        assert api(f"/v1/datasets/{dataset.name}/records", *query)["data"] == []


def test_answers_fit_their_schemas(spec: Any, api: Api) -> None:
    inner = json.loads(json.dumps(spec["components"]["schemas"]).replace('"#/', '"urn:spec#/'))
    registry = Registry().with_resource("urn:spec", DRAFT202012.create_resource({"components": {"schemas": inner}}))
    asked = 0
    for path, operation, _ in operations(spec):
        if "/exports" in path:
            continue  # answers of exports are tried where there is a bucket
        columns = catalogue_columns(api, path.split("/")[3]) if "{column}" in path else [""]
        more = {"metrics": metrics(spec, path), "limit": "5"} if path.endswith("/aggregate") else {}
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        rooted = json.loads(json.dumps(schema).replace('"#/', '"urn:spec#/'))
        validator = Draft202012Validator(rooted, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for column in columns:
            validator.validate(api(path.replace("{column}", column), **more))
            asked += 1
    assert asked > 40


def catalogue_columns(api: Api, dataset: str) -> list[str]:
    """The columns of a dataset that may be grouped by."""
    return [column["name"] for column in api(f"/v1/datasets/{dataset}")["data"]["columns"] if column["groupable"]]


def metrics(spec: Any, path: str) -> str:
    """Twenty of an aggregate's metrics."""
    parameters = next(ps for found, _, ps in operations(spec) if found == path)
    names = next(p for p in parameters if p["name"] == "metrics")["schema"]["items"]["enum"]
    return ",".join(names[:20])


def test_problems_fit_their_schema_and_are_told_of(spec: Any, api: Api) -> None:
    schema = spec["components"]["schemas"]["problem"]
    for path, status in (
        ("/v1/datasets/earthquakes/records?limit=0", 400), ("/v1/datasets/earthquakes/values/x", 404),
    ):  # fmt: skip
        found = api.send("GET", path)
        assert found.status_code == status
        Draft202012Validator(schema).validate(json.loads(found.body))
    responses = spec["paths"]["/v1/datasets/earthquakes/records"]["get"]["responses"]
    by_gateway = {"400", "401", "403", "404", "413", "415", "429", "500", "504"}
    assert set(responses) == {"200", "304", "406", "503"} | by_gateway
    assert set(spec["paths"]["/v1/exports"]["post"]["responses"]) == {"202", "422", "503"} | by_gateway


def test_what_the_gateway_answers_by_itself_stands_in_it(spec: Any) -> None:
    """In the deployed template, with a body that fits the schema of problems and names its own status."""
    made = additions()["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    validator = Draft202012Validator(spec["components"]["schemas"]["problem"])
    statuses: set[str] = set()
    for name, response in made.items():
        text = response["responseTemplates"]["application/json"].replace("$context.error.messageString", '"words"')
        problem = json.loads(text)
        validator.validate(problem)
        statuses.add(str(problem["status"]))
        assert response["statusCode"] == str(problem["status"]), name
        assert response["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        for path, operation, _ in operations(spec):
            assert str(problem["status"]) in operation["responses"], (name, path)
    assert statuses == set(spec["paths"]["/v1/health"]["get"]["responses"]) - {"200"}


def test_bodies_of_exports_are_refused_and_taken_as_their_schema_says(spec: Any, catalogue: Any) -> None:
    from chalicelib.errors import ApiError
    from chalicelib.exports import _read

    dataset = catalogue.dataset("readings")
    schema = spec["components"]["schemas"]["readings.export"]
    assert set(schema["properties"]) >= {"dataset", "format", "from", "to", "columns", "source", "price__gte"}
    assert "secret_note" not in json.dumps(schema)
    for name, parsed in schema["properties"].items():
        if name in ("dataset", "format", "from", "to", "columns", "source"):
            continue
        column, _, operator = name.rpartition("__") if name not in dataset.fields else (name, "", "eq")
        value = True if operator == "null" else SAMPLES[dataset.fields[column].kind.name]
        assert _read(catalogue, {"dataset": "readings", name: value}).selection.filters, parsed
    with pytest.raises(ApiError):
        _read(catalogue, {"dataset": "readings", "no_such": 1})


def test_restricted_columns_are_not_in_it(spec: Any) -> None:
    assert "secret_note" not in json.dumps(spec)


@pytest.mark.parametrize("asked", ["iam", "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Ab12"])
def test_it_says_what_guards_the_api_beside_the_key(catalogue: Any, asked: str) -> None:
    from chalicelib.openapi import make_document
    from chalicelib.routes import authorizer_of

    authorizer = authorizer_of(asked)
    assert authorizer
    document = json.loads(json.dumps(make_document(catalogue, authorizer.name)))
    assert document["security"] == [{"key": [], authorizer.name: []}]
    assert set(document["components"]["securitySchemes"]) == {"key", authorizer.name}
    assert authorizer_of("") is None


@pytest.mark.parametrize(
    "asked", ["jwt", "IAM", "https://issuer.example", "arn:aws:iam::123456789012:role/x", "iam,iam"]
)
def test_a_guard_that_is_none_is_refused_when_the_app_is_packaged(asked: str) -> None:
    from chalicelib.routes import authorizer_of

    with pytest.raises(ValueError, match="API_AUTHORIZER"):
        authorizer_of(asked)
