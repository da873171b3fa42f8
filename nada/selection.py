"""Which parameters an adaptation may move: a policy in words becomes a tuple of parameter names.

A policy is `[GROUP+GROUP@]BLOCKS`, several joined by commas. BLOCKS is `late:N`, `early:N`, `all`, `blocks:64`,
`blocks:64-256`, `auto:K` or `auto-official:K`; `mapping` stands alone. Without groups the styled convolutions move
(conv, affine, bias, and const where 4 px takes part) and toRGB does not, as in the published work (Gal et al. 2021,
arXiv:2108.00946). The strength of the noise stays as it is, unlike there: all it can add is grain, and a guide is
easily pleased by grain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nada.errors import UsageError
from nada.models import Generator, Noise

DEFAULT_GROUPS = ("conv", "affine", "bias", "const")
_GROUPS = {
    "conv": r"b\d+\.conv[01]\.weight",
    "affine": r"b\d+\.conv[01]\.affine\.(weight|bias)",
    "bias": r"b\d+\.conv[01]\.bias",
    "noise": r"b\d+\.conv[01]\.noise_strength",
    "const": r"b4\.const",
    "torgb": r"b\d+\.torgb\..*",
    "mapping": r"mapping\..*",
    # The style of a layer is affine(w), so a constant offset in StyleSpace (Wu et al. 2020, arXiv:2011.12799) is
    # exactly a change of the affine bias: one number per input map, 6,048 in all at 1024 px.
    "style-offset": r"b\d+\.conv[01]\.affine\.bias",
}


@dataclass(frozen=True)
class Selection:
    """What a policy selects on one generator.

    `names` are all parameters that may move, in the generator's order. With `top_k` only the layers that score
    highest move in a step, `layer_names[i]` being what style i stands for.
    """

    policy: str
    names: tuple[str, ...]
    top_k: int = 0
    layer_names: tuple[tuple[str, ...], ...] = ()

    @property
    def adaptive(self) -> bool:
        """Whether layers are chosen anew in every step."""
        return self.top_k > 0


def select_parameters(generator: Generator, policy: str) -> Selection:
    """Return what `policy` selects on `generator`.

    Raises:
        UsageError: for a policy that cannot be read or that selects nothing; the message lists what there is.
    """
    terms = [term.strip() for term in policy.split(",")]
    if any(re.search(r"auto(-official)?:", term) for term in terms):
        if len(terms) > 1:
            raise UsageError(f"The policy {policy!r} mixes auto with others; auto:K stands alone.")
        return _select_adaptive(generator, policy)
    wanted = [pattern for term in terms for pattern in _patterns(generator, term, policy)]
    names = tuple(name for name, _ in generator.named_parameters() if any(pattern.fullmatch(name) for pattern in wanted))
    if not names:
        raise UsageError(f"The policy {policy!r} selects nothing on this generator; {_vocabulary(generator)}")
    return Selection(policy, names)


def _patterns(generator: Generator, term: str, policy: str) -> list[re.Pattern[str]]:
    groups_text, at, blocks_text = term.rpartition("@")
    if term in _GROUPS:
        groups_text, at, blocks_text = term, "@", "all"
    groups = groups_text.split("+") if at else list(DEFAULT_GROUPS)
    for group in groups:
        if group not in _GROUPS:
            raise UsageError(f"Unknown parameter group {group!r} in {policy!r}; {_vocabulary(generator)}")
    blocks = _block_range(generator, blocks_text, policy)
    inside = "|".join(blocks)
    return [re.compile(_GROUPS[group].replace(r"b\d+", f"(?:{inside})")) for group in groups if group != "const"] + [
        re.compile(_GROUPS["const"]) for group in groups if group == "const" and "b4" in blocks
    ]


def _block_range(generator: Generator, text: str, policy: str) -> tuple[str, ...]:
    names = generator.block_names
    if text == "all":
        return names
    counted = re.fullmatch(r"(late|early):(\d+)", text)
    if counted:
        count = int(counted[2])
        if not 1 <= count <= len(names):
            raise UsageError(f"{policy!r} asks for {count} blocks; this generator has {len(names)}: {', '.join(names)}.")
        return names[-count:] if counted[1] == "late" else names[:count]
    ranged = re.fullmatch(r"blocks:b?(\d+)(?:-b?(\d+))?", text)
    if ranged:
        low, high = int(ranged[1]), int(ranged[2] or ranged[1])
        return _blocks_between(low, high, policy, names)
    raise _unreadable(generator, policy, text)


def _blocks_between(low: int, high: int, policy: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The blocks of a range; an end that this generator does not have is a mistake, not a shorter range."""
    if missing := [f"b{end}" for end in dict.fromkeys((low, high)) if f"b{end}" not in names]:
        raise UsageError(
            f"The policy {policy!r} names {' and '.join(missing)}; this generator's blocks are {', '.join(names)}."
        )
    if low > high:
        raise UsageError(f"The policy {policy!r} selects nothing; write blocks:{high}-{low}, the smaller one first.")
    return tuple(name for name in names if low <= int(name[1:]) <= high)


def _unreadable(generator: Generator, policy: str, term: str) -> UsageError:
    """The error for a policy that nothing can be made of, with what a bare `late` may have meant."""
    usual = {"late": 2, "early": 2, "blocks": generator.config.resolution}
    usual |= dict.fromkeys(("auto", "auto-official"), 2 * generator.num_ws // 3)
    meant = f"did you mean {term}:{usual[term]}? Or " if term in usual else ""
    return UsageError(f"Cannot read the layer policy {policy!r}; {meant}{_vocabulary(generator)}")


def _vocabulary(generator: Generator) -> str:
    return (
        "use late:N, early:N, all, blocks:A-B, auto:K, auto-official:K or mapping, with GROUP+GROUP@ before blocks if "
        f"wanted; groups are {', '.join(_GROUPS)}, blocks {', '.join(generator.block_names)}."
    )


def _select_adaptive(generator: Generator, policy: str) -> Selection:
    match = re.fullmatch(r"auto(-official)?:(\d+)", policy.strip())
    if not match:
        raise _unreadable(generator, policy, policy)
    layers = (_official_layers if match[1] else _corrected_layers)(generator)
    top_k = int(match[2])
    if not 1 <= top_k <= len(layers):
        raise UsageError(f"The policy {policy!r} can choose 1 to {len(layers)} layers on this generator.")
    chosen = {name for names in layers for name in names}
    names = tuple(name for name, _ in generator.named_parameters() if name in chosen)
    return Selection(policy.strip(), names, top_k, layers)


def _module_names(generator: Generator, module: str) -> tuple[str, ...]:
    return tuple(name for name, _ in generator.named_parameters() if name.startswith(f"{module}."))


def _convolutions(generator: Generator) -> list[str]:
    return [f"{block}.{key}" for block in generator.block_names for key in getattr(generator, block).layers]


def _corrected_layers(generator: Generator) -> tuple[tuple[str, ...], ...]:
    """Style i stands for the convolution that reads it, moved as a whole, noise strength included, as published.

    The last style feeds toRGB alone, which stays frozen.
    """
    return tuple(_module_names(generator, conv) for conv in _convolutions(generator))


def _official_layers(generator: Generator) -> tuple[tuple[str, ...], ...]:
    """The published code's list: the first convolution, the first toRGB, then all others.

    From style 2 on this names the convolution before the one that reads the style; it is kept so that the two can
    be compared.
    """
    first, *others = _convolutions(generator)
    return tuple(_module_names(generator, module) for module in [first, "b4.torgb", *others])


def choose_layers(
    selection: Selection, generator: Generator, w: Tensor, target_loss: Callable[[Tensor], Tensor], noise: Noise
) -> frozenset[str]:
    """Return the names of the `top_k` layers whose style the target pulls hardest on (arXiv:2108.00946, section 4.2).

    Args:
        w: `(N, num_ws, w_dim)` styles to probe with; one gradient step on them is what the score measures, and with
            one plain step the order of the layers is that of the mean absolute gradient.
        target_loss: pictures `(N, C, H, W)` to a 0-d loss towards the target prompt.
    """
    w = w.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(target_loss(generator.synthesize(w, noise)), w)
    scores = gradient.abs().mean(dim=(0, 2))[: len(selection.layer_names)]
    best = torch.topk(scores, selection.top_k).indices.tolist()
    return frozenset(name for index in best for name in selection.layer_names[index])


def first_moving_block(generator: Generator, selection: Selection) -> str | None:
    """Return the first block that a selected parameter stands in: what lies before it need not be computed twice.

    None if the mapping moves, since every block then sees other styles.
    """
    if any(name.startswith("mapping.") for name in selection.names):
        return None
    moving = {name.split(".")[0] for name in selection.names}
    return next(name for name in generator.block_names if name in moving)
