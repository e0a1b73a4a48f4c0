#!/usr/bin/env bash
# Writes requirements.lock (what the service needs) and requirements-dev.lock (that and the tests' tools) anew
# from pyproject.toml, with hashes and without addresses. Python 3.11 resolves: what it needs beyond the newer
# ones is installed there too and harmless.
#   scripts/lock.sh [--upgrade]
set -euo pipefail

cd "$(dirname "$0")/.."
tools=.cache/lock
export PIP_DISABLE_PIP_VERSION_CHECK=1 CUSTOM_COMPILE_COMMAND="make lock"

python=$(PYTHON="${PYTHON:-python3.11 python3}" scripts/python.sh)
if [ ! -x "$tools/bin/pip-compile" ]; then
  "$python" -m venv --clear "$tools"
  "$tools/bin/python" -m pip install -q "pip-tools==7.6.2"
fi

lock() { # OUTPUT [options]
  local output=$1
  shift
  echo "resolving $output ..."
  "$tools/bin/pip-compile" --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-trusted-host \
    --no-emit-find-links --no-emit-options --resolver=backtracking --output-file "$output" "$@" pyproject.toml
  if grep -n '://' "$output"; then
    echo "$output names an address (see above); a lock holds names, versions and hashes only" >&2
    exit 1
  fi
}

lock requirements.lock "$@"
lock requirements-dev.lock --extra dev --constraint requirements.lock "$@"
