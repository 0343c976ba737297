#!/usr/bin/env bash
# The system packages that the long tests need, by name. Whatever is there already is left alone.
set -euo pipefail

missing=()

# need PACKAGE COMMAND...: any one of the commands will do
need() {
  local package=$1 command
  shift
  for command in "$@"; do
    if command -v "$command" >/dev/null; then return; fi
  done
  missing+=("$package")
}

need chromium chromium chromium-browser google-chrome # tests/browser drive a real one
need buildah buildah                                  # images are built without an engine
need skopeo skopeo                                    # and promoted from one registry to another
need docker-registry docker-registry

if ((${#missing[@]})); then
  as_root=()
  if ((EUID)); then as_root=(sudo); fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
fi
