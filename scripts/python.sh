#!/usr/bin/env bash
# Prints the Python to make the environment with: $PYTHON if it is set, else the first fitting one on the path.
set -euo pipefail

fits='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
  if "$candidate" -c "$fits" >/dev/null 2>&1; then
    command -v "$candidate"
    exit 0
  fi
done
echo "no Python 3.11, 3.12 or 3.13 with venv among: ${PYTHON:-python3 python3.13 python3.12 python3.11}" >&2
exit 1
