"""`run_evaluation`: from options to scores, in one process or several, and everything written down."""

from __future__ import annotations

from collections.abc import Callable

from nada import ops
from nada.config.evaluate import EvaluateConfig
from nada.evaluation.doubts import doubts
from nada.evaluation.keeping import keep_in_run
from nada.evaluation.looking import look
from nada.evaluation.measuring import measure
from nada.evaluation.perceptual import PICTURES, Remembered, perceive
from nada.evaluation.pictures import Pictures
from nada.evaluation.plan import Plan, make_plan
from nada.evaluation.report import Evaluation, describe, headline, options_of
from nada.evaluation.shelves import Seen
from nada.evaluation.sight import Sight
from nada.features import Extractor
from nada.files import write_json
from nada.processes import Share, joined, own_device

Say = Callable[[str], None]


def run_evaluation(config: EvaluateConfig, say: Say) -> Evaluation | None:
    """Judge what `config` names, tell it line by line, and keep it in the run and the file that are asked for.

    Nothing is written before all numbers are there. An evaluation that was interrupted starts again, but finds again
    what was seen of the reference and of the generator before.

    Returns:
        The result; None in all processes but the first.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for what cannot be read, made or written; no number is told then.
    """
    device = own_device(config.device)
    with joined(device) as share:
        plan = make_plan(config, device)
        if share.rank == 0:
            for line in headline(plan, ops.describe(device.type)):
                say(line)
        sight = see(plan, share)
    return None if share.rank else _conclude(plan, sight, say)


def see(plan: Plan, share: Share = Share()) -> Sight:
    """Show every picture to those who need to see it."""

    def shown(pictures: Pictures | None, eyes: tuple[Extractor, ...], what: str) -> Seen | None:
        return None if pictures is None else look(pictures, eyes, plan.config.batch, share, what, keep=True)

    reference = shown(plan.reference, plan.compared_by, "reference")
    lpips = plan.lpips if share.rank == 0 else None
    few = PICTURES if lpips is not None else 0  # LPIPS sees pictures again, and not features
    pictures = Remembered(plan.pictures, few)
    earlier = None if plan.before is None else Remembered(plan.before, few)
    before = shown(earlier, (plan.judge,), "before")
    seen = look(pictures, plan.judged_by, plan.config.batch, share, "model")
    perceived = None if lpips is None else perceive(lpips, pictures, earlier, plan.config.batch)
    return Sight(plan.eyes, plan.judge, seen, reference, before, plan.words, perceived, plan.config.seed)


def _conclude(plan: Plan, sight: Sight, say: Say) -> Evaluation:
    scores, left_out = measure(sight, plan.names, plan.strict)
    why_not = tuple(doubts(scores, sight, plan.origin, plan.seen_in_training, plan.enlarged))
    evaluation = Evaluation(tuple(scores), why_not, left_out, describe(plan), options_of(plan))
    if plan.config.json is not None:
        write_json(plan.config.json, evaluation.to_dict())
    kept = keep_in_run(plan.origin, evaluation) if plan.config.record else None
    say("")
    for line in evaluation.lines():
        say(line)
    for path in filter(None, (kept, plan.config.json)):
        say(f"written: {path}")
    return evaluation
