"""The routes: the only module that knows Chalice. A view hands its parameters to the service, nothing more."""

import logging
from collections.abc import Callable, Mapping

from chalice import Blueprint, Response
from chalice.app import Chalice, ChaliceUnhandledError, Request

from .encoding import Answer, problem
from .errors import ApiError, Mistake
from .parameters import Query
from .service import Service

logger = logging.getLogger(__name__)

PROBLEMS = {
    405: "This path does not take the method; see the header Allow.",
    415: "This path takes no such media type.",
    500: "Something went wrong here; the log knows more under `instance`.",
}


class _FailedError(ChaliceUnhandledError):  # type: ignore[misc]
    """Carries an ApiError past Chalice's own handling to the middleware."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.detail)
        self.error = error


def register(app: Chalice, service: Service) -> None:
    """Put the routes on the application. All of /v1 but health asks for an API key at the gateway."""
    v1 = Blueprint(__name__)
    _add(v1, "/health", service.health, key=False)
    _add(v1, "/datasets", service.datasets)
    _add(v1, "/datasets/{dataset}", service.dataset)
    _add(v1, "/datasets/{dataset}/records", service.records)
    _add(v1, "/datasets/{dataset}/aggregate", service.aggregate)
    app.register_middleware(_every_error_is_a_problem, "http")
    app.register_blueprint(v1, url_prefix="/v1")


def _add(v1: Blueprint, path: str, answer_to: Callable[..., Answer], *, key: bool = True) -> None:
    def view(**names: str) -> Response:
        try:
            return _response(answer_to(*names.values(), _query(v1.current_request)))
        except ApiError as error:
            raise _FailedError(error) from error

    v1.route(path, name=answer_to.__name__, methods=["GET"], api_key_required=key)(view)


def _query(request: Request) -> Query:
    params = request.query_params
    return {name: params.getlist(name) for name in params} if params else {}


def _every_error_is_a_problem(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: whatever failed, here or in Chalice, is answered as application/problem+json."""
    try:
        response = get_response(request)
    except _FailedError as failed:
        return _problem(request, failed.error)
    if response.status_code < 400:
        return response
    error = ApiError(response.status_code, PROBLEMS.get(response.status_code, "The request cannot be answered."))
    error.mistakes = [Mistake("request", str(response.body.get("Message", "")))] if _told(response) else ()
    error.headers = {name: value for name, value in response.headers.items() if name == "Allow"}
    return _problem(request, error)


def _problem(request: Request | None, error: ApiError) -> Response:
    request_id = _request_id(request)
    if error.status >= 500:
        # the reason stands in the lines before this one, which do not know the request's id
        logger.error("request %s ends with %s: %s", request_id, error.status, error.detail)
    return _response(problem(error, request_id))


def _told(response: Response) -> bool:
    """Whether Chalice's own words may go out: not those of an unforeseen error."""
    return response.status_code != 500 and isinstance(response.body, Mapping)


def _request_id(request: Request | None) -> str:
    """The invocation's id, which Lambda writes to the log; empty outside of Lambda."""
    return str(getattr(getattr(request, "lambda_context", None), "aws_request_id", ""))


def _response(found: Answer) -> Response:
    return Response(body=found.body, status_code=found.status, headers=dict(found.headers))
