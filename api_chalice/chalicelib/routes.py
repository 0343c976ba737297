"""The routes: the only module that knows Chalice. A view hands its parameters to the service, nothing more."""

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalice import Blueprint, Response
from chalice.app import (
    Authorizer,
    Chalice,
    ChaliceUnhandledError,
    CognitoUserPoolAuthorizer,
    IAMAuthorizer,
    Request,
)
from lambdas.common.telemetry import measure

from .answers import Answer, Asked, problem
from .cors import cors_headers, preflight_headers
from .errors import ApiError, Mistake, invalid
from .exports import Exports
from .reader import Query
from .service import Service
from .static_files import file_answer

logger = logging.getLogger(__name__)

# What Chalice answers by itself: what to say of it, and what of the request was wrong.
FOREIGN = {
    405: ("This path does not take the method; see the header Allow.", "method"),
    415: ("This path takes application/json.", "Content-Type"),
    500: ("Something went wrong here; the log knows more under `instance`.", ""),
}
OTHERWISE = ("The request cannot be answered.", "request")
POOL = re.compile(r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[\w-]+")
# What stands where bytes were no UTF-8: gateways put it there as well.
REPLACED = "\ufffd"


class _FailedError(ChaliceUnhandledError):  # type: ignore[misc]
    """Carries an ApiError past Chalice's own handling to the middleware."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.detail)
        self.error = error


class _Routes:
    """Paths under one prefix. Those with a key are guarded by the authorizer as well."""

    def __init__(self, authorizer: Authorizer | None = None) -> None:
        self.blueprint = Blueprint(__name__)
        self._authorizer = authorizer

    def add(
        self, path: str, answer_to: Callable[..., Answer], *, key: bool = True, methods: tuple[str, ...] = ("GET",)
    ) -> None:
        """One path: its methods, HEAD where GET is, and OPTIONS, which browsers ask without a key."""
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

        def view(**names: str) -> Response:
            request = self.blueprint.current_request
            try:
                found = answer_to(*names.values(), _asked(request))
            except ApiError as error:
                raise _FailedError(error) from error
            return _response(Answer("", found.status, found.headers) if request.method == "HEAD" else found)

        def options(**_names: str) -> Response:
            headers = preflight_headers(self.blueprint.current_request.headers.get("origin", ""), allowed)
            return _response(Answer("", 204, {"Allow": allowed, **headers}))

        name = "_".join(part.strip("{}") for part in path.split("/") if part) or "page"
        guarded = {"api_key_required": True, "authorizer": self._authorizer} if key else {}
        for method in allowed.split(", ")[:-1]:
            # of a request without a body the header Content-Type says nothing
            media = ["application/json"] if method == "POST" else []
            self._route(path, f"{name}_{method.lower()}", method, content_types=media, **guarded)(view)
        self._route(path, f"{name}_options", "OPTIONS", content_types=[])(options)

    def _route(self, path: str, name: str, method: str, **options: Any) -> Any:
        return self.blueprint.route(path, name=name, methods=[method], **options)


def authorizer_of(text: str) -> Authorizer | None:
    """What the gateway asks for beside the key: nothing, `iam` signatures, or tokens (JWT) of Cognito user pools.

    Args:
        text: empty, `iam`, or the ARNs of user pools, separated by commas.

    Raises:
        ValueError: it is none of these.
    """
    if not text:
        return None
    if text == "iam":
        return IAMAuthorizer()
    pools = [pool.strip() for pool in text.split(",")]
    if all(POOL.fullmatch(pool) for pool in pools):
        return CognitoUserPoolAuthorizer("users", provider_arns=pools)
    raise ValueError(f"API_AUTHORIZER is {text!r}; allowed are nothing, iam, and ARNs of Cognito user pools")


def register(app: Chalice, service: Service, exports: Exports, authorizer: Authorizer | None = None) -> None:
    """Put the routes on the application. All of /v1 but health asks for an API key at the gateway."""
    v1 = _Routes(authorizer)
    v1.add("/health", service.health, key=False)
    v1.add("/datasets", service.datasets)
    v1.add("/datasets/{dataset}", service.dataset)
    v1.add("/datasets/{dataset}/records", service.records)
    v1.add("/datasets/{dataset}/aggregate", service.aggregate)
    v1.add("/datasets/{dataset}/stats", service.stats)
    v1.add("/datasets/{dataset}/values/{column}", service.values)
    v1.add("/datasets/{dataset}/days", service.days)
    v1.add("/loads", service.loads)
    v1.add("/exports", exports.create, methods=("POST",))
    v1.add("/exports/{export}", exports.get)
    pages = _Routes()
    pages.add("/", page, key=False)
    pages.add("/docs", docs, key=False)
    pages.add("/assets/{name}", asset, key=False)
    pages.add("/openapi.json", service.openapi, key=False)
    app.register_middleware(_every_answer_is_measured, "http")
    app.register_middleware(_every_error_is_a_problem, "http")
    app.register_blueprint(v1.blueprint, url_prefix="/v1")
    app.register_blueprint(pages.blueprint)


def page(asked: Asked) -> Answer:
    """The page that shows the data. What stands in its address is its own."""
    return file_answer("index.html", asked)


def docs(asked: Asked) -> Answer:
    """Swagger UI."""
    return file_answer("docs.html", asked)


def asset(name: str, asked: Asked) -> Answer:
    """A file that the pages load."""
    return file_answer(name, asked)


def _asked(request: Request) -> Asked:
    """The request's parts.

    Raises:
        ApiError: 400, some of it is no UTF-8.
    """
    params, headers = request.query_params, request.headers
    query: Query = {name: params.getlist(name) for name in params} if params else {}
    unreadable = [name for name, values in query.items() if REPLACED in "".join((name, *values))]
    if unreadable:
        raise invalid([Mistake(name[:200], "must be UTF-8, percent-encoded, without U+FFFD") for name in unreadable])
    body = (request.raw_body or b"").decode(errors="replace")
    if REPLACED in body:
        raise invalid([Mistake("body", "must be UTF-8, without U+FFFD")])
    return Asked(query, headers.get("accept", ""), headers.get("if-none-match", ""), body)


def _every_answer_is_measured(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: how long an answer took in the function, and whether it is the API's own failure."""
    began = time.perf_counter()
    response = get_response(request)
    spent = 1000 * (time.perf_counter() - began)
    measure("api", {"ApiLatency": spent, "ApiErrors": int(response.status_code >= 500)})
    return response


def _every_error_is_a_problem(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: whatever failed, here or in Chalice, is answered as application/problem+json."""
    try:
        response = get_response(request)
    except _FailedError as failed:
        response = _problem(request, failed.error)
    if response.status_code >= 400 and response.headers.get("Content-Type") != "application/problem+json":
        response = _problem(request, _foreign(response))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.update(cors_headers(request.headers.get("origin", "") if request else ""))
    return response


def _foreign(response: Response) -> ApiError:
    """An error that Chalice answered by itself."""
    detail, parameter = FOREIGN.get(response.status_code, OTHERWISE)
    error = ApiError(response.status_code, detail)
    error.mistakes = [Mistake(parameter, str(response.body.get("Message", "")))] if _told(response) else ()
    error.headers = {name: value for name, value in response.headers.items() if name == "Allow"}
    return error


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
