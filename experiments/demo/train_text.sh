#!/bin/sh
# Train a small generator that is told in words what to draw; arguments go to nada train. See GENERATOR.md.
#   python experiments/demo/captioned.py --data fruits-100.zip --out captioned
#   sh experiments/demo/train_text.sh --data captioned
set -e
exec nada train --holdout-glob 'test-*' --size 32 --cond text --text-guide demo \
    --channels 96,96,64,48 --z-dim 64 --w-dim 128 --mapping-layers 2 \
    --batch 16 --lr 0.002 --gamma 0.1 --augment ada --augment-kinds flip,shift --ema-kimg 5 \
    --metrics demo-judge --metrics-kimg 10 --snapshot-kimg 5 --samples-kimg 10 --kimg 80 \
    --precision bf16 --seed 0 --device cpu "$@"
