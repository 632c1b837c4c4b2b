#!/bin/sh
# deploy/tools.sh: what tests of the chart and of its alerts run, where it is not there yet; without, those tests skip.
# helm is built by Go into the user's cache directory, once, in minutes; promtool comes with Debian's package
# `prometheus`, which is installed for a root of CI alone.
set -eu
helm_version=v3.16.4
tools="${XDG_CACHE_HOME:-$HOME/.cache}/vitrine/tools"
if ! command -v promtool >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ]; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; } >/dev/null 2>&1 ||
            echo 'tools: promtool could not be installed' >&2
    else
        echo 'tools: promtool is not installed: apt-get install prometheus' >&2
    fi
fi
if command -v helm >/dev/null 2>&1 || [ -x "$tools/helm" ]; then exit 0; fi
command -v go >/dev/null 2>&1 || { echo 'tools: neither helm nor Go is installed' >&2; exit 0; }
echo "tools: building helm $helm_version into $tools"
GOBIN="$tools" nice -n 10 go install "helm.sh/helm/v3/cmd/helm@$helm_version" ||
    echo 'tools: helm could not be built' >&2
