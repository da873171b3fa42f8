"""Where a number should not be believed, or not for what it looks like."""

from __future__ import annotations

from collections.abc import Iterable

from nada.evaluation.origin import Origin
from nada.evaluation.scores import Doubt, Score
from nada.evaluation.sight import Sight
from nada.metrics.collapse import LEAST_DIVERSITY, MOST_DUPLICATES

LEAST_FOR_FID = 2048  # below, the covariance of Inception's 2048 features has no full rank
LEAST_FOR_SLICED = LEAST_FOR_NEIGHBOURS = 2000
LEAST_FOR_SCORE = LEAST_FOR_CMMD = 5000  # at 1000, equal sets have a CMMD as large as many a difference
_NAMED_WORDS = 6
_OF_NEIGHBOURS = ("precision_", "recall_", "density_", "coverage_")
_ONLY_EQUAL = "by an amount that only equal counts share"


def doubts(scores: list[Score], sight: Sight, origin: Origin) -> list[Doubt]:
    """Everything that should be known of what was seen, and by whom, before one of the numbers is believed."""
    found = [*_few(scores, sight), *_thrown_away(scores, sight), *_foreign(scores)]
    found += [*_partial(scores, sight, origin), *_unread(scores, sight)]
    return [*found, *_collapsed(scores), *_broken(sight)]


def _few(scores: list[Score], sight: Sight) -> Iterable[Doubt]:
    """Numbers that measure the size of their sample, those of one reason together."""
    widths = {eye.name: eye.width for eye in sight.eyes}
    found: dict[str, list[str]] = {}
    for score in scores:
        if text := _why_few(score.key, min(score.estimate.n), widths.get(score.features, 0)):
            found.setdefault(text, []).append(score.key)
    return [Doubt(text, tuple(keys)) for text, keys in found.items()]


def _why_few(key: str, n: int, width: int) -> str:
    """Why so many pictures are not enough for a number that is biased; nothing where they are, and for all others."""
    if (least := _least_of_distance(key, width)) > n:
        return (
            f"{n} pictures are few for {width} features: the distance is too large, {_ONLY_EQUAL}; take {least} or more "
            "of both, or believe the kernel distance."
        )
    if (key == "is" or key.startswith("is_")) and n < LEAST_FOR_SCORE:
        return f"{n} pictures are few for an inception score, which grows with them; published ones are of 50000."
    if key.startswith("cmmd_") and not key.startswith("cmmd_unbiased_") and n < LEAST_FOR_CMMD:
        return (
            f"{n} pictures are few for the published CMMD: it is too large, {_ONLY_EQUAL}; take {LEAST_FOR_CMMD} or more "
            "of both, or believe the unbiased one."
        )
    if key.startswith(_OF_NEIGHBOURS) and n < LEAST_FOR_NEIGHBOURS:
        return (
            f"{n} pictures are few for nearest neighbours: precision, recall, density and coverage change with counts; "
            f"compare them at equal ones, or take {LEAST_FOR_NEIGHBOURS} or more."
        )
    return ""


def _least_of_distance(key: str, width: int) -> int:
    """How many pictures a distance that is biased needs; 0 for all others."""
    if "_infinity" in key:
        return 0
    if key == "fid" or key.startswith("fid_"):
        return LEAST_FOR_FID
    if key.startswith("sliced_"):
        return LEAST_FOR_SLICED
    return 2 * width if key.startswith("fd_") else 0


def _thrown_away(scores: list[Score], sight: Sight) -> Iterable[Doubt]:
    """Neighbours are looked for among equal counts: a small reference makes many pictures to nothing."""
    keys = tuple(score.key for score in scores if score.key.startswith(_OF_NEIGHBOURS))
    if keys and sight.reference is not None and sight.reference.count < sight.seen.count:
        few = sight.reference.count
        yield Doubt(
            f"The reference has {few} pictures and {sight.seen.count} are judged: neighbours are of {few} of each.", keys
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
        if mine in origin.guides or eye.name in origin.guides.values():
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
