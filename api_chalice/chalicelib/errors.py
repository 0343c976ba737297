"""What the API answers when it cannot answer: one shape for every error, RFC 9457's application/problem+json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"
# Each names what is allowed: thousands of them would not fit into an answer.
MOST_MISTAKES = 50


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a request: which parameter, why, and what would have been right."""

    parameter: str
    detail: str
    allowed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The mistake as it stands in the answer's `errors`."""
        found: dict[str, Any] = {"parameter": self.parameter, "detail": self.detail}
        return found | {"allowed": list(self.allowed)} if self.allowed else found


@dataclass
class ApiError(Exception):
    """A request that ends with this status. `detail` goes to the client: no SQL and no driver's words in it."""

    status: int
    detail: str
    mistakes: Sequence[Mistake] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, request_id: str = "") -> dict[str, Any]:
        """The problem document; `request_id` finds the request in the log."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if request_id:
            document["instance"] = f"urn:request:{request_id}"
        if self.mistakes:
            document["errors"] = [mistake.as_dict() for mistake in self.mistakes]
        return document


def invalid(mistakes: Sequence[Mistake]) -> ApiError:
    """400 with every mistake at once; a request with more than anybody makes by accident gets the first of them."""
    count = len(mistakes)
    detail = f"{count} mistake{'s' if count > 1 else ''} in the request; see `errors`."
    if count > MOST_MISTAKES:
        detail += f" They are the first {MOST_MISTAKES}."
    return ApiError(400, detail, tuple(mistakes[:MOST_MISTAKES]))


def unknown_dataset(name: str, known: Sequence[str]) -> ApiError:
    """404 that says which datasets there are."""
    mistake = Mistake("dataset", f"there is no dataset {name[:100]!r}", tuple(known))
    return ApiError(404, "No such dataset; see `errors` for those there are.", (mistake,))


def unknown_column(name: str, known: Sequence[str]) -> ApiError:
    """404 that says which columns there are."""
    mistake = Mistake("column", f"there is no column {name[:100]!r} whose values can be counted", tuple(known))
    return ApiError(404, "No such column; see `errors` for those there are.", (mistake,))


def not_acceptable(accept: str, offered: Sequence[str]) -> ApiError:
    """406 that says what can be had; `format` goes before the header Accept."""
    mistake = Mistake("Accept", f"{accept[:200]!r} takes none of the formats there are", tuple(offered))
    return ApiError(406, "Nothing that is on offer is acceptable; see `errors`.", (mistake,))


def too_large(size: int, limit: int) -> ApiError:
    """413 for an answer that the function could not hand to the gateway; sizes in bytes."""
    told = f"The answer would take {size} bytes; {limit} can be sent. Lower `limit`, or ask for fewer `columns`."
    return ApiError(413, told, (Mistake("limit", "or `columns`: less has to be asked for"),))


def unavailable(detail: str, retry_after: int) -> ApiError:
    """503: the same request may pass after `retry_after` seconds."""
    return ApiError(503, detail, headers={"Retry-After": str(retry_after)})


def timed_out(seconds: int) -> ApiError:
    """504: the warehouse was stopped after so many seconds."""
    return ApiError(504, f"The warehouse took longer than {seconds} seconds. Ask for a shorter range or fewer groups.")
