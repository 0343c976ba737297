"""What is added to Chalice's template: api-additions.yaml, and the gateway's own answers, of which there is a list.

Where pages of any other origin may read the API they may all read these: a gateway cannot choose from a list of
origins, and what it refuses with tells of nobody's data.
"""

import json
from pathlib import Path
from typing import Any

import yaml

ADDITIONS = Path(__file__).parent / "api-additions.yaml"
ANSWERS = Path(__file__).parent / "gateway-answers.yaml"
HEADER = "gatewayresponse.header."
# the gateway's own words, which it quotes itself
OWN_WORDS = "$context.error.messageString"


def additions() -> dict[str, Any]:
    """The template that `chalice package --merge-template` adds, each answer of the gateway in it."""
    template: dict[str, Any] = yaml.safe_load(ADDITIONS.read_text(encoding="utf-8"))
    listed: dict[str, dict[str, Any]] = yaml.safe_load(ANSWERS.read_text(encoding="utf-8"))
    made = {name: _response(answer) for name, answer in listed.items()}
    api = template["Resources"]["RestAPI"]["Properties"]
    api["DefinitionBody"] = {"x-amazon-apigateway-gateway-responses": made}
    return template


def _response(answer: dict[str, Any]) -> dict[str, Any]:
    """A gateway response with a problem as its body, which names the status that it comes with."""
    headers: dict[str, Any] = {
        "Content-Type": "'application/problem+json'",
        "Access-Control-Allow-Origin": _to_others("'*'"),
    }
    if after := answer.get("after"):
        headers |= {"Retry-After": f"'{after}'", "Access-Control-Expose-Headers": _to_others("'Retry-After'")}
    detail = json.dumps(answer["detail"]) if "detail" in answer else OWN_WORDS
    body = (
        f'{{"type":"about:blank","title":{json.dumps(answer["title"])},"status":{answer["status"]}, '
        f'"detail":{detail},"instance":"urn:request:$context.requestId"}}'
    )
    return {
        "statusCode": str(answer["status"]),
        "responseParameters": {HEADER + name: value for name, value in headers.items()},
        "responseTemplates": {"application/json": body},
    }


def _to_others(value: str) -> dict[str, Any]:
    """A header that is there where other origins may read the API."""
    return {"Fn::If": ["Cors", value, {"Ref": "AWS::NoValue"}]}
