"""The local API gateway takes its own answers from an API's definition, as AWS does.

MiniStack keeps gateway responses and gives them, but does not read them in the body of a `AWS::ApiGateway::RestApi`:
there they stand as `x-amazon-apigateway-gateway-responses`.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.html
"""

from typing import Any

from ministack.services import apigateway_v1

EXTENSION = "x-amazon-apigateway-gateway-responses"

_import = apigateway_v1._import_rest_api


def read_gateway_responses() -> None:
    """Have this process's MiniStack read them."""
    apigateway_v1._import_rest_api = _import_with_responses


def _import_with_responses(spec: Any, base_data: Any = None) -> str:
    """The id of the API that the definition describes.

    Raises:
        ValueError: a response is of no kind that the gateway knows, or has no status.
    """
    api_id = str(_import(spec, base_data))
    for kind, response in (spec.get(EXTENSION) or {}).items():
        status, _, body = apigateway_v1._put_gateway_response(api_id, kind, response)
        if status >= 400:
            raise ValueError(f"{EXTENSION}: {kind}: {body!r}")
    return api_id
