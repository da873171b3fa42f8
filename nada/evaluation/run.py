"""`run_evaluation`: from options to scores, in one process or several, and everything written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nada import ops
from nada.config.evaluate import EvaluateConfig
from nada.errors import NadaError
from nada.evaluation.doubts import doubts
from nada.evaluation.keeping import keep_in_run
from nada.evaluation.looking import look
from nada.evaluation.measuring import measure
from nada.evaluation.perceptual import PICTURES, Remembered, perceive
from nada.evaluation.pictures import Pictures
from nada.evaluation.plan import Plan, make_plan
from nada.evaluation.protocol import describe, headline, options_of
from nada.evaluation.report import Evaluation
from nada.evaluation.setting import doubts_of_setting
from nada.evaluation.shelves import Seen
from nada.evaluation.sight import Sight
from nada.features import Extractor
from nada.files import write_json
from nada.processes import Share, joined, own_device

Say = Callable[[str], None]


def run_evaluation(config: EvaluateConfig, say: Say) -> Evaluation | None:
    """Judge what `config` names, tell it line by line, and keep it in the run and the file that are asked for.

    Nothing is written before all numbers are there, and they are told before anything is written. An evaluation that
    was interrupted starts again, but finds again what was seen of the reference and of the generator before.

    Returns:
        The result; None in all processes but the first. What was asked for by name and could not be had, though it
        seemed so, is in its `missing`.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for what cannot be read or made, with no number told; for what cannot be written, after all were told.
    """
    device = own_device(config.device)
    with joined(device) as share:
        plan = make_plan(config, device)
        kernels = ops.describe(device.type)
        if share.rank == 0:
            for line in headline(plan, kernels):
                say(line)
        sight = see(plan, share)
        protocol = {} if share.rank else describe(plan, kernels, share.world)
    return None if share.rank else _conclude(plan, sight, protocol, say)


def see(plan: Plan, share: Share = Share()) -> Sight:
    """Show every picture to those who need to see it."""

    def shown(pictures: Pictures | None, eyes: tuple[Extractor, ...], what: str) -> Seen | None:
        return look(pictures, eyes, plan.config.batch, share, what, keep=True) if pictures is not None and eyes else None

    reference = shown(plan.reference, plan.compared_by, "reference")
    lpips = plan.lpips if share.rank == 0 else None
    few = PICTURES if lpips is not None else 0  # LPIPS sees pictures again, and not features
    pictures = Remembered(plan.pictures, few)
    earlier = None if plan.before is None else Remembered(plan.before, few)
    before = shown(earlier, plan.remembered_by, "before")
    seen = look(pictures, plan.judged_by, plan.config.batch, share, "model")
    changed = earlier if plan.shows_change else None
    perceived = None if lpips is None else perceive(lpips, pictures, changed, plan.config.batch)
    return Sight(plan.eyes, plan.judge, seen, reference, before, plan.words, perceived, plan.config.seed)


def _conclude(plan: Plan, sight: Sight, protocol: dict[str, Any], say: Say) -> Evaluation:
    scores, failed = measure(sight, plan.tasks)
    if not scores:
        reasons = "; ".join(f"{name}: {why}" for name, why in {**failed, **plan.left_out}.items())
        raise NadaError(f"there is not one number. {reasons}")
    told = [*doubts(scores, sight, plan.origin), *doubts_of_setting(plan, scores)]
    evaluation = Evaluation(tuple(scores), tuple(told), {**plan.left_out, **failed}, protocol, options_of(plan))
    say("")
    for line in evaluation.lines():
        say(line)
    if plan.config.json is not None:
        say(f"written: {write_json(plan.config.json, evaluation.to_dict())}")
    kept = keep_in_run(plan.origin, evaluation) if plan.config.record else None
    if kept is not None:
        say(f"written: {kept}")
    return evaluation
