#!/bin/sh
# Train both bundled guides, one after the other, each on one thread; start it again after an interruption.
#   sh experiments/demo/train_guides.sh CORPUS RUNS
set -e
corpus=$1 runs=$2 here=$(dirname "$0")
export OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592
train() { python "$here/train_guide.py" --corpus "$corpus" --batch 96 "$@"; }

train --architecture resnet --out "$runs/resnet" --seed 1 --lr 0.0015 --channels-last --steps 6250 --decay 2250
# Hiding patches makes the transformer's steps up to twice as fast.
for phase in "2750 0.5" "4250 0.25"; do
    train --architecture vit --out "$runs/vit" --seed 0 --lr 0.001 --steps 4250 --decay 1500 \
        --until "${phase% *}" --patch-dropout "${phase#* }"
done
