"""Where a number should not be believed, or not for what it looks like."""

from __future__ import annotations

from collections.abc import Iterable

from nada.evaluation.origin import Origin
from nada.evaluation.scores import Doubt, Score
from nada.evaluation.sight import Sight
from nada.metrics.collapse import LEAST_DIVERSITY, MOST_DUPLICATES

LEAST_FOR_FID = 2048  # below, the covariance of Inception's 2048 features has no full rank
LEAST_FOR_SLICED = 2000
_NAMED_WORDS = 6
_PUBLISHED = ("fid", "fid_infinity", "kid", "is")

TRAINED_ON = "This generator was trained on its reference, so that one which only repeats it would score best."


def doubts(
    scores: list[Score],
    sight: Sight,
    origin: Origin,
    seen_in_training: bool = False,
    enlarged: tuple[int, int] | None = None,
) -> list[Doubt]:
    """Everything that should be known before one of the numbers is believed.

    Args:
        enlarged: the generator's side in pixels and the larger one that its pictures were brought to.
    """
    found = [*_few(scores, sight), *_foreign(scores), *_partial(scores, sight, origin), *_unread(scores, sight)]
    found += _enlarged(scores, enlarged)
    repeated = [Doubt(TRAINED_ON)] if seen_in_training else []
    return [*found, *_collapsed(scores), *_broken(sight), *repeated]


def _few(scores: list[Score], sight: Sight) -> Iterable[Doubt]:
    widths = {eye.name: eye.width for eye in sight.eyes}
    for score in scores:
        n, width = min(score.estimate.n), widths.get(score.features, 0)
        least = _least(score.key, width)
        if n < least:
            yield Doubt(
                f"{n} pictures are few for {width} features: the distance is too large, by an amount that only equal "
                f"counts share; take {least} or more of both, or believe the kernel distance.",
                (score.key,),
            )


def _least(key: str, width: int) -> int:
    """How many pictures a distance that is biased needs; 0 for all others."""
    if key == "fid":
        return LEAST_FOR_FID
    if key.startswith("sliced_"):
        return LEAST_FOR_SLICED
    return 2 * width if key.startswith("fd_") and not key.endswith("_infinity") else 0


def _enlarged(scores: list[Score], enlarged: tuple[int, int] | None) -> Iterable[Doubt]:
    keys = tuple(score.key for score in scores if score.key in _PUBLISHED)
    if enlarged is not None and keys:
        own, size = enlarged
        yield Doubt(
            f"Pictures of {own} px were enlarged to {size} px before Inception's own resize; published numbers at {own} px "
            f"were not: compare with them by --size {own}.",
            keys,
        )


def _foreign(scores: list[Score]) -> Iterable[Doubt]:
    keys = tuple(score.key for score in scores if score.key == "is" or score.key.startswith("is_"))
    if keys:
        yield Doubt(
            "The inception score knows the 1000 classes of ImageNet's photographs; of anything else it says little.", keys
        )


def _partial(scores: list[Score], sight: Sight, origin: Origin) -> Iterable[Doubt]:
    """A judge that had a part in the training."""
    for eye in {eye.tag: eye for eye in (*sight.eyes, sight.judge)}.values():
        keys = tuple(score.key for score in scores if score.features == eye.name)
        mine = eye.describe().get("sha256")
        if not keys or mine is None:
            continue
        if mine in origin.guides:
            yield Doubt(
                f"{eye.name} guided this adaptation, which was bent to please it; take another with --judge and --features.",
                keys,
            )
        elif mine in origin.choosers or eye.name in origin.choosers.values():
            yield Doubt(f"{eye.name} had no part in the loss, but it chose the step that these weights are of.", keys)


def _unread(scores: list[Score], sight: Sight) -> Iterable[Doubt]:
    unknown = sight.words.unknown if sight.words else ()
    if unknown:
        of_words = ("clip_t_", "quality_", "directional_")
        keys = tuple(score.key for score in scores if score.key.startswith(of_words))
        more = ", …" if len(unknown) > _NAMED_WORDS else ""
        shown = ", ".join(unknown[:_NAMED_WORDS]) + more
        yield Doubt(f"{sight.judge.name} never saw the words {shown}; take a judge such as ViT-B-32/openai.", keys)


def _collapsed(scores: list[Score]) -> Iterable[Doubt]:
    for score in scores:
        few = score.key.startswith("diversity_kept_") and score.estimate.high < LEAST_DIVERSITY
        if few or (score.key.startswith("duplicates_") and score.estimate.low > MOST_DUPLICATES):
            yield Doubt("The pictures are becoming one picture: this generator has collapsed.", (score.key,))


def _broken(sight: Sight) -> Iterable[Doubt]:
    for seen, what in ((sight.seen, "judged"), (sight.reference, "of the reference")):
        if seen is not None and seen.skipped:
            named = ", ".join(seen.skipped[:3]) + (", …" if len(seen.skipped) > 3 else "")
            yield Doubt(f"{len(seen.skipped)} of the pictures {what} cannot be read and are left out: {named}.")
