#!/bin/sh
# The same study on the fruit of demo, 64 px: 435 cells of about 20 seconds of one core; see cifar10.sh.
#
#   sh experiments/freeze_study/demo.sh OUT [more options of nada freeze-study, such as --dry-run]
set -eu
here=$(dirname "$0")
out=${1:?where the study shall lie}
shift
exec python -m nada freeze-study --generator demo --pairs "$here/pairs-demo.txt" \
    --lr x0.25,auto,x4 --seeds 0,1,2 --steps 200 --num 128 --jobs 2 --threads 1 --out "$out" "$@"
