"""How good a generator is: pictures made or read, seen by extractors, scored, and written down with their protocol."""

from nada.evaluation.report import Evaluation
from nada.evaluation.run import run_evaluation

__all__ = ["Evaluation", "run_evaluation"]
