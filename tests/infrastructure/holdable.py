"""Templates as far as the local cloud can hold them: without what it has no type for, or one part and what it names."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from tests.cloud import Cloud

# what stands for a value that comes from a resource which is left out
STAND_IN = "left-out"
# where a warehouse answers
HOST = "analytics-${Environment}.${AWS::AccountId}.${AWS::Region}.redshift-serverless.${AWS::URLSuffix}"


class _Loader(yaml.SafeLoader):
    """Short forms become the long ones."""


def _long(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        return {name: node.value.split(".", 1) if tag == "GetAtt" else node.value}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _long)


def holdable(path: Path) -> tuple[str, set[str]]:
    """The template as JSON, and the types that were left out."""
    template = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    template.pop("Transform", None)
    resources = template["Resources"]
    gone = {name for name, one in resources.items() if one["Type"] not in _RESOURCE_HANDLERS}
    kinds = {resources[name]["Type"] for name in gone}
    template["Resources"] = {name: one for name, one in resources.items() if name not in gone}
    for one in template["Resources"].values():
        if one.get("DependsOn") in gone:
            del one["DependsOn"]
    return json.dumps(_without(template, gone)), kinds


def with_local_redshift(body: str, cloud: Cloud) -> str:
    """The warehouse's template, which `holdable` gave, with logins for the Redshift of the local cloud."""
    assert HOST in body
    text = body.replace(HOST, "127.0.0.1").replace('\\"port\\": 5439', f'\\"port\\": {cloud.ports["redshift"]}')
    template = json.loads(text)
    admin = template["Resources"]["AdminSecret"]["Properties"]
    login = json.loads(admin["GenerateSecretString"]["SecretStringTemplate"]["Fn::Sub"])
    # the real one takes its password from the secret
    admin["SecretString"] = json.dumps({**login, "password": cloud.env["WAREHOUSE_PASSWORD"]})
    del admin["GenerateSecretString"]
    return json.dumps(template)


def closure(path: Path, *wanted: str) -> str:
    """The template as JSON with these resources, and with what they refer to, alone."""
    template = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    named, left = set[str](), set(wanted)
    while left:
        named |= left
        text = json.dumps([template["Resources"].get(name) for name in left])
        found = re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)[.}]', text)
        left = {name for names in found for name in names if name} - named
    kept = {
        section: {name: one for name, one in template[section].items() if name in named}
        for section in ("Parameters", "Resources")
    }
    return json.dumps(kept)


def _without(value: Any, gone: set[str]) -> Any:
    if isinstance(value, list):
        return [_without(one, gone) for one in value]
    if not isinstance(value, dict):
        return (
            re.sub(r"\$\{(\w+)[\w.]*\}", lambda m: STAND_IN if m[1] in gone else m[0], value)
            if isinstance(value, str)
            else value
        )
    if value.get("Ref") in gone or value.get("Fn::GetAtt", [""])[0] in gone:
        return STAND_IN
    return {key: _without(one, gone) for key, one in value.items()}
