"""Train a small CLIP on the corpus. The same command goes on, bit for bit, from its last state.

    python train_guide.py --corpus CORPUS --architecture vit --out RUN --steps 6000 --decay 1500

Loss: pictures against captions of every other one of them and back, with soft targets because several
captions are true of a picture, plus pictures against one phrase for every style and one for every object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from augment import disturb, learning_rate, spoil_photos
from captions import (
    KINDS,
    OBJECTS,
    STYLE_NAMES,
    Caption,
    caption_for,
    object_caption,
    style_caption,
    truth,
)
from guide_folder import build, export, tokenizer, write_vocabulary
from torch import Tensor, nn

SHARES = {  # of a batch; what is left is spread over the other renderings
    ("cifar", "photo"): 0.27,
    ("fruit", "photo"): 0.09,
    ("emoji", "flat"): 0.035,
    ("logo", "flat"): 0.035,
    ("fruit", "flat"): 0.035,
}
NOTE = "Ten drawing styles and fourteen objects at 64 px, trained on programmatic renderings; see README.md."
MAX_SCALE = 30.0  # a softer ceiling than CLIP's 100 keeps embeddings apart by more than a hair


@dataclass
class Corpus:
    images: np.ndarray
    codes: np.ndarray  # (N, 4): style, object, colour, kind
    buckets: list[np.ndarray]
    shares: np.ndarray

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        table = np.load(folder / "table.npz")
        codes, train = table["codes"], ~table["held_out"]
        pairs = [(kind, style) for kind in KINDS[:2] for style in STYLE_NAMES] + [
            ("emoji", "flat"),
            ("logo", "flat"),
        ]
        buckets = [
            np.flatnonzero(train & (codes[:, 3] == KINDS.index(kind)) & (codes[:, 0] == STYLE_NAMES.index(style)))
            for kind, style in pairs
        ]
        rest = {"cifar": 2.0, "fruit": 1.0}
        free = sum(rest[pair[0]] for pair in pairs if pair not in SHARES)
        left = 1 - sum(SHARES.values())
        shares = np.array([SHARES[pair] if pair in SHARES else left * rest[pair[0]] / free for pair in pairs])
        shares *= [len(bucket) > 0 for bucket in buckets]
        return cls(np.load(folder / "images.npy", mmap_mode="r"), codes, buckets, shares / shares.sum())

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Tensor, np.ndarray]:
        """Augmented pictures (N, 3, 64, 64) in [-1, 1] and their codes (N, 5)."""
        chosen = rng.choice(len(self.buckets), size, p=self.shares)
        rows = np.array([self.buckets[k][rng.integers(len(self.buckets[k]))] for k in chosen])
        x = torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float().div_(255).contiguous()
        codes = self.codes[rows]
        flaws = spoil_photos(x, codes, rng)
        return disturb(x, codes, rng) * 2 - 1, np.concatenate([codes, flaws[:, None]], axis=1)


def soft_targets_loss(logits: Tensor, true: Tensor) -> Tensor:
    """Cross entropy against equal shares for every true pair in a row; rows without one do not count."""
    counts = true.sum(1)
    rows = counts > 0
    return -((F.log_softmax(logits[rows], 1) * true[rows]).sum(1) / counts[rows]).mean()


def guide_loss(model: nn.Module, tokenize, x: Tensor, codes: np.ndarray, rng: np.random.Generator) -> Tensor:
    styles = [style_caption(style, rng) for style in STYLE_NAMES]
    things = [object_caption(thing, rng) for thing in OBJECTS]
    captions: list[Caption] = [caption_for(row, rng) for row in codes[::2]] + styles + things
    true = torch.from_numpy(truth(codes, np.array([caption.masks for caption in captions]))).float()
    scale = model.logit_scale.exp().clamp(max=MAX_SCALE)
    seen = model.encode_image(x, normalize=True)
    said = model.encode_text(tokenize([caption.text for caption in captions]), normalize=True)
    logits = scale * seen @ said.T
    n = len(captions) - len(styles) - len(things)
    s = n + len(styles)
    paired = soft_targets_loss(logits[:, :n], true[:, :n]) + soft_targets_loss(logits[:, :n].T, true[:, :n].T)
    return 0.5 * paired + soft_targets_loss(logits[:, n:s], true[:, n:s]) + soft_targets_loss(logits[:, s:], true[:, s:])


class Training:
    """Model, averaged weights, optimiser and generators: everything that a resumed run needs."""

    def __init__(self, architecture: str, seed: int, peak: float, patch_dropout: float) -> None:
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.model, self.step = build(architecture, patch_dropout).train(), 0
        self.seconds = self.processor = 0.0  # since the first start, interruptions left out
        self.peak = peak
        matrices = [p for p in self.model.parameters() if p.ndim >= 2]
        vectors = [p for p in self.model.parameters() if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()}

    def advance(self, loss: Tensor, rate: float, keep: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(keep, self.step / (self.step + 20))
        for name, value in self.model.state_dict().items():
            mean = self.average[name]
            mean.lerp_(value, 1 - keep) if mean.is_floating_point() else mean.copy_(value)

    def save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "processor": self.processor,
            "torch": torch.get_rng_state(),
            "numpy": json.dumps(self.rng.bit_generator.state),
        }
        temporary = path.with_name(path.name + ".tmp")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.processor = state["step"], state["seconds"], state["processor"]
        torch.set_rng_state(state["torch"])
        self.rng.bit_generator.state = json.loads(state["numpy"])


def _drop_lines_after(log: Path, step: int) -> None:
    """Forget what was logged between the last saved state and the interruption; it is done again."""
    lines = log.read_text().splitlines() if log.is_file() else []
    log.write_text("".join(line + "\n" for line in lines if json.loads(line)["step"] <= step))


def train(options: argparse.Namespace) -> None:
    corpus, run = Corpus.open(options.corpus), options.out
    training = Training(options.architecture, options.seed, options.lr, options.patch_dropout)
    write_vocabulary(run)
    tokenize = tokenizer(run)
    if (run / "last.ckpt").is_file():
        training.load(run / "last.ckpt")
        _drop_lines_after(run / "log.jsonl", training.step)
    began, work, losses = time.perf_counter() - training.seconds, time.process_time() - training.processor, []
    end = options.until or options.steps
    while training.step < end:
        x, codes = corpus.batch(options.batch, training.rng)
        if options.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        rate = learning_rate(training.step, options.lr, 300, options.steps - options.decay, options.steps)
        loss = guide_loss(training.model, tokenize, x, codes, training.rng)
        training.advance(loss, rate, 0.998)
        losses.append(loss.item())
        training.seconds, training.processor = time.perf_counter() - began, time.process_time() - work
        if training.step % 50 == 0:
            line = {
                "step": training.step,
                "loss": round(float(np.mean(losses)), 4),
                "lr": rate,
                "scale": round(training.model.logit_scale.exp().item(), 2),
                "seconds": round(training.seconds, 1),
                "cpu_seconds": round(training.processor, 1),
                "images": training.step * options.batch,
            }
            losses = []
            with (run / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
        if training.step % 250 == 0 or training.step == end:
            training.save(run / "last.ckpt")
            export(run, options.architecture, training.average, options.note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--architecture", choices=("vit", "resnet"), required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--decay", type=int, default=0, help="last steps, over which the learning rate falls to nothing")
    parser.add_argument("--until", type=int, help="stop here on the way; default: --steps")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--patch-dropout", type=float, default=0.0, help="share of patches hidden in training (vit)")
    parser.add_argument("--channels-last", action="store_true", help="faster for resnet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", default=NOTE, help="goes into nada.json")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
