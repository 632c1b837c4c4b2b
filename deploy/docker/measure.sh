#!/bin/sh
# deploy/docker/measure.sh [installed-cpu|installed-gpu]: what an image's environment takes on disk, installed into an
# empty directory by the last `uv sync` of that stage of the Dockerfile; the base image (python:3.11-slim) is not in it.
# Prints megabytes (10^6 bytes). No Docker is needed; uv is the one of `make setup`, or of UV.
set -eu
stage=${1:-installed-cpu}
cd "$(dirname "$0")/../.."
options=$(sed -n "/ AS $stage\$/,/^FROM/s/^RUN uv sync //p" deploy/docker/Dockerfile | tail -n 1 | sed 's/\${EXTRAS}//; s/--no-cache//')
[ -n "$options" ] || { echo "measure: the Dockerfile has no stage $stage" >&2; exit 2; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# shellcheck disable=SC2086
UV_PROJECT_ENVIRONMENT="$root/venv" "${UV:-.uv/bin/uv}" sync --quiet --python 3.11 $options
echo "$stage: $(($(du -s --apparent-size --block-size=1 "$root/venv" | cut -f1) / 1000000)) MB"
find "$root/venv" -path '*/site-packages/*' -prune -type d -exec du -s --apparent-size --block-size=1MB {} + | sort -rn | head -n 8 |
    sed "s#$root/venv/lib/python3.11/site-packages/##"
if [ -d "$root/venv/lib/python3.11/site-packages/torch" ]; then echo "with torch"; else echo "without torch"; fi
