#!/bin/sh
# The freeze study on demo-cifar10: every way to choose blocks, three pairs, three learning rates, three seeds.
#
#   sh experiments/freeze_study/cifar10.sh OUT [more options of nada freeze-study, such as --dry-run]
#
# 354 cells of about 15 seconds of one core, 200 steps as nada adapt takes them. Interrupted or killed, the same line goes on.
set -eu
here=$(dirname "$0")
out=${1:?where the study shall lie}
shift
exec python -m nada freeze-study --generator demo-cifar10 --pairs "$here/pairs-cifar10.txt" \
    --lr x0.25,auto,x4 --seeds 0,1,2 --steps 200 --num 128 --jobs 2 --threads 1 --out "$out" "$@"
