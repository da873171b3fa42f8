#!/bin/sh
# Train the bundled generator `demo-cifar10` from CIFAR-10; arguments go to nada train.
#   sh experiments/demo/train_cifar10.sh --data cifar10-32.zip --kimg 1000
# Stop with Ctrl-C, or give --duration 9; go on with: nada train --resume latest. See GENERATOR.md.
set -e
exec nada train --holdout-glob '?9??.jpg' --size 32 --cond class \
    --channels 96,96,96,64 --z-dim 128 --w-dim 128 --mapping-layers 2 \
    --batch 32 --lr 0.002 --gamma 0.05 --augment ada --augment-kinds flip,shift,scale,colour --ema-kimg 10 \
    --metrics demo-judge --metrics-kimg 40 --metrics-num 2000 --snapshot-kimg 8 --samples-kimg 80 --log-steps 50 \
    --precision bf16 --seed 0 --device cpu "$@"
