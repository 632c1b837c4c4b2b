#!/bin/sh
# deploy/tools.sh: helm, which the tests of the chart run, built by Go into the user's cache directory; once, in minutes.
# Without it those tests skip. promtool, for the tests of alerts, comes with Debian's package `prometheus`.
set -eu
helm_version=v3.16.4
tools="${XDG_CACHE_HOME:-$HOME/.cache}/vitrine/tools"
if command -v helm >/dev/null 2>&1 || [ -x "$tools/helm" ]; then exit 0; fi
command -v go >/dev/null 2>&1 || { echo 'tools: neither helm nor Go is installed: the tests of the chart are skipped' >&2; exit 0; }
echo "tools: building helm $helm_version into $tools"
GOBIN="$tools" nice -n 10 go install "helm.sh/helm/v3/cmd/helm@$helm_version"
