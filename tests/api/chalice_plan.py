"""Prints what `chalice deploy` would do with the project in argv[1], as JSON: functions and routes. Changes nothing."""

import json
import sys

from chalice.awsclient import TypedAWSClient
from chalice.cli.factory import CLIFactory
from chalice.config import DeployedResources
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
from chalice.deploy.deployer import create_build_stage
from chalice.deploy.models import APICall
from chalice.deploy.planner import PlanStage, RemoteState
from chalice.deploy.swagger import TemplatedSwaggerGenerator
from chalice.utils import UI, OSUtils


def main() -> None:
    factory = CLIFactory(sys.argv[1])
    config = factory.create_config_obj(chalice_stage_name="local")
    client = TypedAWSClient(factory.create_botocore_session())
    graph = ApplicationGraphBuilder().build(config, "local")
    dependencies = DependencyBuilder()
    build = create_build_stage(OSUtils(), UI(sys.stderr, sys.stderr), TemplatedSwaggerGenerator(), config)
    build.execute(config, dependencies.build_dependencies(graph))
    remote = RemoteState(client, DeployedResources.empty())
    plan = PlanStage(remote, OSUtils()).execute(dependencies.build_dependencies(graph))
    calls = [step for step in plan.instructions if isinstance(step, APICall)]
    functions = [
        {name: step.params[name] for name in ("handler", "memory_size", "timeout", "environment_variables")}
        for step in calls
        if step.method_name == "create_function"
    ]
    routes = [step.params["swagger_document"]["paths"] for step in calls if step.method_name == "import_rest_api"]
    json.dump({"functions": functions, "routes": routes}, sys.stdout, default=str)


main()
