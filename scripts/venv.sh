#!/usr/bin/env bash
# Makes (or brings up to date) the environment from the hash-locked requirements and installs the project into it.
#   scripts/venv.sh DIR
set -euo pipefail

cd "$(dirname "$0")/.."
venv=$1
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

scripts/need.sh python
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
if ! "$venv/bin/python" -c "$fits" >/dev/null 2>&1 || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  python=$(scripts/python.sh)
  echo "making $venv with $("$python" --version) ..."
  "$python" -m venv --clear "$venv"
fi

echo "installing the locked packages into $venv ..."
if ! "$venv/bin/python" -m pip install -q --require-hashes -r requirements-dev.lock; then
  echo "The packages could not be installed (see above). No network? Then say the same again once there is one." >&2
  exit 1
fi
"$venv/bin/python" -m pip install -q --no-deps --no-build-isolation -e .
touch "$venv/.stamp"
echo "ready: $venv/bin/tocsin"
