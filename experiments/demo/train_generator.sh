#!/bin/sh
# Train the bundled generator `demo` from a zip of fruit photographs; arguments go to nada train.
#   sh experiments/demo/train_generator.sh --data fruits-100.zip --kimg 200
#   sh experiments/demo/train_generator.sh --data fruits-100.zip --kimg 64 \
#       --init runs/00000-train-fruits-100-64px --schedule linear --warmup-kimg 1
# The second run lets the learning rate of the first fall to 0. Stop either with Ctrl-C; go on with: nada train --resume
# latest. Measure with measure_generator.py.
set -e
exec nada train --include 'train-*' --holdout-glob 'test-*' --size 64 --cond class \
    --channels 96,96,96,64,64 --d-channels 96,96,96,64,32 --z-dim 128 --w-dim 128 --mapping-layers 2 \
    --batch 16 --lr 0.0015 --gamma 0.5 --augment ada --augment-kinds flip,shift --ema-kimg 5 \
    --metrics demo-judge --metrics-kimg 16 --metrics-num 1000 --snapshot-kimg 8 --samples-kimg 16 \
    --precision bf16 --seed 0 --device cpu "$@"
