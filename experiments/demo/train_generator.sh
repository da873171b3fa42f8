#!/bin/sh
# Train the bundled generator `demo` from a zip of fruit photographs; arguments go to nada train.
#   sh experiments/demo/train_generator.sh --data fruits-100.zip
# Stop with Ctrl-C; go on with: nada train --resume latest. Measure with measure_generator.py.
set -e
exec nada train --include 'train-*' --size 64 --cond class \
    --channels 128,128,128,64,64 --d-channels 128,128,128,64,32 --z-dim 128 --w-dim 128 --mapping-layers 2 \
    --batch 16 --lr 0.0015 --gamma 0.5 --augment ada --augment-kinds flip,shift --ema-kimg 5 \
    --precision bf16 --seed 0 --device cpu "$@"
