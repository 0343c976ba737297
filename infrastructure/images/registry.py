"""A registry of images: logins, what lies under a name, copies by digest."""

import base64
import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3

from infrastructure.images import engine
from infrastructure.images.errors import ImagesError

MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
DIGEST = "Docker-Content-Digest"


class Logins:
    """One login for the registries of some repositories: ECR's token is good for all that its principal may reach."""

    def __init__(self, token: str, repositories: Iterable[str]) -> None:
        self._token = token
        self._hosts = {host(repository) for repository in repositories}
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=60), retries=urllib3.Retry(3))

    @contextlib.contextmanager
    def environment(self) -> Iterator[Mapping[str, str]]:
        """Variables by which engines find the login, in a file that is gone afterwards and in no argument."""
        content = json.dumps({"auths": {name: {"auth": self._token} for name in sorted(self._hosts)}})
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "config.json"
            file.touch(mode=0o600)
            file.write_text(content, encoding="ascii")
            yield {"DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": str(file)}

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest that a tag has in a repository; None when there is no such tag.

        Raises:
            ImagesError: the registry refuses to say.
        """
        scheme = "http" if engine.is_loopback(repository) else "https"
        name = repository.removeprefix(f"{host(repository)}/")
        headers = {"Accept": MANIFESTS, "Authorization": f"Basic {self._token}"}
        url = f"{scheme}://{host(repository)}/v2/{name}/manifests/{tag}"
        answer = self._http.request("HEAD", url, headers=headers)
        if answer.status == 404:
            return None
        if answer.status != 200 or DIGEST not in answer.headers:
            raise ImagesError(f"{repository}: the registry answers with status {answer.status} when asked for {tag}")
        return str(answer.headers[DIGEST])


def log_in(session: Any, repositories: Iterable[str]) -> Logins:
    """Log in to ECR as the session's principal.

    Raises:
        ImagesError: ECR gives no token.
    """
    given = session.client("ecr").get_authorization_token()["authorizationData"]
    if not given:
        raise ImagesError("ECR gives no authorization token")
    token = given[0]["authorizationToken"]
    base64.b64decode(token, validate=True)
    return Logins(token, repositories)


def host(repository: str) -> str:
    """The registry of a repository: what stands before its first slash."""
    return repository.partition("/")[0]


def copy(source: str, target: str, environ: Mapping[str, str]) -> None:
    """Copy an image as it is, by digest: nothing is packed anew.

    Raises:
        ImagesError: it cannot be copied; skopeo has said why.
    """
    loopback = [
        *(["--src-tls-verify=false"] if engine.is_loopback(source) else []),
        *(["--dest-tls-verify=false"] if engine.is_loopback(target) else []),
    ]
    command = ["skopeo", "copy", "--quiet", "--preserve-digests", *loopback, f"docker://{source}", f"docker://{target}"]
    try:
        engine.run(command, environ)
    except FileNotFoundError as error:
        raise ImagesError("skopeo is not installed (Debian, Ubuntu: apt-get install skopeo)") from error
