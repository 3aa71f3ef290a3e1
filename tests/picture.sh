#!/usr/bin/env bash
# Records the demo and draws the picture that README shows.
set -euo pipefail
recording=$(mktemp)
trap 'rm -f "$recording"' EXIT
script --quiet --return --flush --command 'stty cols 100; target/debug/latchkey-demo --yes' "$recording" </dev/null
sed -e '1d' -e '/^Script done/d' "$recording" | target/debug/latchkey-picture >docs/demo.svg
echo "docs/demo.svg"
