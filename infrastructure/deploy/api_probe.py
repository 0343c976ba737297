"""Run by the packaging gate, without any installed package: does the unpacked API in argv[1] answer by itself?"""

import sys

sys.path.insert(0, sys.argv[1])

import app  # type: ignore[import-not-found]  # of the package, found by the line above

EVENT = {
    "requestContext": {"resourcePath": "/v1/health", "httpMethod": "GET", "requestId": "probe"},
    "httpMethod": "GET",
    "headers": {},
    "multiValueQueryStringParameters": None,
    "pathParameters": {},
    "body": None,
    "stageVariables": None,
    "isBase64Encoded": False,
}

answer = app.app(EVENT, None)
if answer["statusCode"] != 200:
    sys.exit(f"/v1/health: {answer}")
if "redshift_connector" in sys.modules:
    sys.exit("/v1/health must not need the driver")

from chalicelib.schemas import load_catalogue  # type: ignore[import-not-found]  # noqa: E402 - as above

if not load_catalogue().datasets:
    sys.exit("no contract is in the package")

import boto3  # noqa: E402, F401 - what the first query needs
import redshift_connector  # noqa: E402, F401
