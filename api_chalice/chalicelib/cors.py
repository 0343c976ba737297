"""Which pages of other origins may read the API: those in CORS_ORIGINS, separated by commas, or all by `*`."""

import os

EXPOSED = "ETag, Link, X-Meta, Retry-After"
ASKED = "x-api-key, content-type, if-none-match, authorization, x-amz-date, x-amz-security-token"
SECONDS = "7200"


def cors_headers(origin: str) -> dict[str, str]:
    """What tells a browser that a page of this origin may read the answer, and a cache that others may not."""
    allowed = [item.strip() for item in os.environ.get("CORS_ORIGINS", "").split(",") if item.strip()]
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if not allowed:
        return {}
    # said to every origin: what a cache keeps for one that may not read is not the answer to one that may
    varies = {"Vary": "Accept, Origin"}
    if origin not in allowed:
        return varies
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, **varies}


def preflight_headers(origin: str, methods: str) -> dict[str, str]:
    """The same for the question that a browser asks before the request."""
    if "Access-Control-Allow-Origin" not in cors_headers(origin):
        return {}
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ASKED,
        "Access-Control-Max-Age": SECONDS,
    }
