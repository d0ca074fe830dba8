#!/usr/bin/env bash
# The whole of docs/results.md, from the installed packages and CamVid: trains what is not trained yet, judges what is not judged
# yet, and writes the page. Stopped at any time, it goes on where it was.
#
#     scripts/results.sh [FOLDER of CamVid [FOLDER to work in]] [--fast]      (--fast: minutes, to see whether all of it runs)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHON=${PYTHON:-python3}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

fast=()
places=()
for word in "$@"; do
    if test "$word" = --fast; then fast=(--fast); else places+=("$word"); fi
done
camvid=${places[0]:-../shared/data/camvid}
work=${places[1]:-../results}
# without a page of figures that mean nothing in docs/
output=docs
test ${#fast[@]} = 0 || output=$work

$PYTHON scripts/train_models.py --camvid "$camvid" --work "$work" "${fast[@]}" ${SEEDS:+--seeds $SEEDS}
$PYTHON scripts/make_results.py --camvid "$camvid" --work "$work" --output "$output" "${fast[@]}" ${SEEDS:+--seeds $SEEDS}
