"""Doubts about what is compared with what: they are of the question, and would stand whatever the numbers are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from nada.evaluation.pictures import Made, Pictures, Stored
from nada.evaluation.plan import Plan
from nada.evaluation.scores import Doubt, Score

TRAINED_ON = "This generator was trained on its reference, so that one which only repeats it would score best."
GUIDED_BY = (
    "This adaptation was guided by the pictures of its reference, so that one which only repeats them would score best."
)
SAME = "The pictures that are judged and those of the reference are the same."

_OF_REFERENCE = ("fd_", "fid", "kd_", "kid", "precision_", "recall_", "density_", "coverage_", "cmmd_", "sliced_")
_BLUR = 1.1  # enlarged more than the other by this factor, one set is blurred visibly
_SHARES = 1.5  # between the most and the least frequent class


class Sides(NamedTuple):
    """The shorter sides of pictures before they are resized: the least, the one in the middle and the largest."""

    least: int
    middle: int
    most: int

    def __str__(self) -> str:
        """As a sentence has it."""
        return f"{self.least} px" if self.least == self.most else f"{self.least} to {self.most} px"


def doubts_of_setting(plan: Plan, scores: list[Score]) -> list[Doubt]:
    """What should be known of pictures and reference before a distance between them is believed."""
    size, sides = plan.config.size, sides_of(plan.pictures)
    found = list(resized(scores, size, sides))
    if plan.reference is not None:
        found += [*blurred(scores, size, sides, sides_of(plan.reference)), *_mixed(plan.pictures, plan.reference, scores)]
        found += _repeated(plan, plan.reference)
    return found


def published_of(scores: Iterable[Score]) -> tuple[str, ...]:
    """The keys of numbers that are compared with published ones."""
    famous = (score for score in scores if score.features == "inception")  # with other weights it has another name
    return tuple(score.key for score in famous if score.key.startswith(("fid", "kid", "is")))


def sides_of(pictures: Pictures) -> Sides | None:
    """How large pictures are by themselves; None where no header says so."""
    if isinstance(pictures, Made):
        return Sides(*[pictures.generator.config.resolution] * 3)
    counts = pictures.survey.sides if isinstance(pictures, Stored) else {}
    if not counts:
        return None
    before, middle = 0, 0
    for side, count in counts.items():  # in order
        middle, before = side, before + count
        if 2 * before >= sum(counts.values()):
            break
    return Sides(min(counts), middle, max(counts))


def resized(scores: list[Score], size: int, sides: Sides | None) -> Iterator[Doubt]:
    """Published numbers are of pictures as the generator makes them."""
    keys = published_of(scores)
    if keys and sides is not None and sides.middle != size:
        how = "enlarged" if sides.middle < size else "shrunk"
        yield Doubt(
            f"Pictures of {sides} were {how} to {size} px before Inception's own resize; those of published numbers "
            f"were not: compare with them by --size {sides.middle}.",
            keys,
        )


def blurred(scores: list[Score], size: int, sides: Sides | None, others: Sides | None) -> Iterator[Doubt]:
    """A picture that was enlarged is blurred; one that was shrunk, as by who prepares a data set, is as sharp as any."""
    keys = _of_reference(scores)
    if not keys or sides is None or others is None:
        return
    one, other = (max(1.0, size / some.middle) for some in (sides, others))
    if max(one, other) > _BLUR * min(one, other):
        yield Doubt(
            f"Pictures of {sides} and a reference of {others} were brought to {size} px: one of them is the more blurred, "
            f"which alone moves a distance; --size {min(sides.middle, others.middle)} does to both the same.",
            keys,
        )


def _mixed(pictures: Pictures, reference: Pictures, scores: list[Score]) -> Iterator[Doubt]:
    """Classes in other shares, which a distance takes for a difference of the pictures."""
    keys = _of_reference(scores)
    if not keys or not isinstance(pictures, Made):
        return
    if isinstance(reference, Made):
        one, other = _shown(pictures), _shown(reference)
        if one != other:
            yield Doubt(f"The pictures are of {one} and the reference of {other}, which alone moves a distance.", keys)
    elif isinstance(reference, Stored) and _of_its_classes(pictures, reference):
        counts = reference.survey.classes.values()
        if max(counts) > _SHARES * min(counts):
            yield Doubt(
                f"Every class is made equally often, while the reference has {min(counts)} to {max(counts)} pictures of "
                "each; where published numbers draw classes as the data have them, these measure the shares, too.",
                keys,
            )


def _of_its_classes(pictures: Made, reference: Stored) -> bool:
    """Whether a generator makes all its classes in turn, and pictures in files are of these classes."""
    config, there = pictures.generator.config, reference.survey.classes
    same = set(there) == set(config.condition_names) if config.condition_names else len(there) == config.num_classes
    return config.num_classes > 1 and not pictures.classes and same


def _shown(pictures: Made) -> str:
    """Which conditions pictures are of, in words."""
    config = pictures.generator.config
    if not config.num_conditions:
        return "no condition"
    if set(pictures.classes or range(config.num_conditions)) == set(range(config.num_conditions)):
        return "all conditions"
    return ", ".join(config.condition_names[n] if config.condition_names else f"condition {n}" for n in pictures.classes)


def _of_reference(scores: list[Score]) -> tuple[str, ...]:
    return tuple(score.key for score in scores if score.key.startswith(_OF_REFERENCE))


def _repeated(plan: Plan, reference: Pictures) -> Iterator[Doubt]:
    """A reference that is what is judged, or what it was made of."""
    if not isinstance(reference, Stored):
        return
    if isinstance(plan.pictures, Stored) and plan.pictures.survey.sha256 == reference.survey.sha256:
        yield Doubt(SAME)
    images = plan.origin.target_images
    if images is not None and _inside(reference.name, images):
        yield Doubt(GUIDED_BY)
    data = plan.origin.data
    if data is not None and _inside(reference.name, data) and not _apart(plan, reference, data):
        yield Doubt(TRAINED_ON)


def _real(name: str) -> Path:
    return Path(os.path.normcase(Path(name).expanduser().resolve()))


def _inside(name: str, folder: str) -> bool:
    """Whether two paths lead to one place, or the first to a part of the second."""
    return _real(name).is_relative_to(_real(folder))


def _apart(plan: Plan, reference: Pictures, data: str) -> bool:
    """Whether what is taken of a training's data may be what it did not see.

    A training on everything saw every part; one that chose by name did not see what another pattern or folder chooses.
    """
    origin, include = plan.origin, plan.config.include
    if include is None and _real(reference.name) == _real(data):
        return plan.config.reference is None and origin.holds_out
    own = origin.option("include")
    return bool(origin.option("holdout_glob")) or (own is not None and own != include)
