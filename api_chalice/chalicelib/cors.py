"""Which pages of other origins may read the API: those in CORS_ORIGINS, separated by commas, or all by `*`."""

import os

EXPOSED = "ETag, Link, X-Meta, Retry-After"
ASKED = "x-api-key, content-type, if-none-match, authorization, x-amz-date, x-amz-security-token"
SECONDS = "7200"


def cors_headers(origin: str) -> dict[str, str]:
    """What tells a browser that a page of this origin may read the answer; nothing where it may not."""
    allowed = [item.strip() for item in os.environ.get("CORS_ORIGINS", "").split(",") if item.strip()]
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if origin and origin in allowed:
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": EXPOSED,
            "Vary": "Accept, Origin",
        }
    return {}


def preflight_headers(origin: str, methods: str) -> dict[str, str]:
    """The same for the question that a browser asks before the request."""
    if not cors_headers(origin):
        return {}
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ASKED,
        "Access-Control-Max-Age": SECONDS,
    }
