#!/usr/bin/env bash
# Sees that a system program is there; what is missing is installed on a root Debian, else named with its command.
#   scripts/need.sh [python] [git] [java] [maven] [chromium]
set -euo pipefail

cd "$(dirname "$0")/.."

java_is_new_enough() { # Kafka 4 needs Java 17
  local major
  major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ]
}

has() {
  case $1 in
    python) scripts/python.sh >/dev/null ;;
    git) command -v git >/dev/null ;;
    java) command -v java >/dev/null && java_is_new_enough ;;
    maven) command -v mvn >/dev/null ;;
    chromium) command -v chromium >/dev/null && command -v chromedriver >/dev/null ;;
    *) echo "need.sh: unknown program: $1" >&2; exit 2 ;;
  esac
}

what() {
  case $1 in
    python) echo "Python 3.11, 3.12 or 3.13 with venv" ;;
    git) echo "git" ;;
    java) echo "Java 17 or newer (for Kafka)" ;;
    maven) echo "Maven (fetches Kafka's jars)" ;;
    chromium) echo "Chromium with chromedriver (for the browser tests)" ;;
  esac
}

available() { [ -n "$(apt-cache search --names-only "^$1\$" 2>/dev/null)" ]; }

packages() { # the Debian packages of a program; of several Javas the first that this Debian has
  case $1 in
    python) echo "python3 python3-venv" ;;
    git) echo "git" ;;
    java)
      for version in 21 17 25; do
        if available "openjdk-$version-jre-headless"; then echo "openjdk-$version-jre-headless"; return; fi
      done
      echo "default-jre-headless" ;;
    maven) echo "maven" ;;
    chromium) echo "chromium chromium-driver" ;;
  esac
}

missing=()
for program in "$@"; do has "$program" || missing+=("$program"); done
[ ${#missing[@]} -gt 0 ] || exit 0

for program in "${missing[@]}"; do echo "missing: $(what "$program")" >&2; done

if ! command -v apt-get >/dev/null; then
  echo "Install what is missing with this system's package manager, then say the same again." >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  list=$(for program in "${missing[@]}"; do packages "$program"; done | tr '\n' ' ')
  echo "Install with: sudo apt-get install -y --no-install-recommends $list" >&2
  exit 1
fi

echo "installing with apt-get ..." >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
list=$(for program in "${missing[@]}"; do packages "$program"; done | tr '\n' ' ')
# shellcheck disable=SC2086  # the list is words
apt-get install -y -qq --no-install-recommends $list >/dev/null

for program in "${missing[@]}"; do
  has "$program" || { echo "still missing after apt-get: $(what "$program")" >&2; exit 1; }
done
