"""Images from build to release: python -m infrastructure.images build|push|release|promote [ENV].

build            build all images of this commit with buildah, podman or docker (ENGINE names one)
push ENV         push them to the environment's repositories, once a commit
release ENV      record that this tree runs green in the environment; after its smoke test
promote ENV      bring there what DEV has run green, by digest; never builds
"""

import argparse
import logging
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.images import engine, release
from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PARTS, PROJECT
from infrastructure.images.source import read_source

ENVIRONMENTS = ("local", "dev", "prod")


def _run(arguments: argparse.Namespace) -> None:
    source = read_source()
    if arguments.action == "build":
        found = engine.find()
        for part in PARTS:
            if part.name in (arguments.part or [part.name]):
                engine.build(found, part, source)
        return
    session, env, state = boto3.Session(), arguments.env, arguments.state.resolve()
    if arguments.action == "push":
        release.push(session, env, source, state)
    elif arguments.action == "release":
        release.release(session, env, source, state)
    else:
        release.promote(session, env, source, state, releases=arguments.releases)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infrastructure.images", description=(__doc__ or "").splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    build = actions.add_parser("build")
    build.add_argument("--part", action="append", choices=[part.name for part in PARTS], help="default: all")
    for name in ("push", "release", "promote"):
        action = actions.add_parser(name)
        action.add_argument("env", choices=ENVIRONMENTS)
        action.add_argument("--state", type=Path, default=PROJECT / ".local", help="where the record is kept")
        if name == "promote":
            action.add_argument("--releases", metavar="BUCKET", help="DEV's artifact bucket, if in another account")
    return parser.parse_args()


def main() -> int:
    """Do one action; 0 when it is done, 1 with the reason when not."""
    logging.basicConfig(level=logging.WARNING, format="images: %(message)s", stream=sys.stdout)
    logging.getLogger("infrastructure").setLevel(logging.INFO)
    try:
        _run(_arguments())
    except (ImagesError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"images: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
