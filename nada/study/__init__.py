"""The freeze study: which layers should move, answered by a grid of adaptations and a judge that guided none of them.

    from nada.config.study import StudyConfig
    from nada.study import run_study
    run_study(StudyConfig(source="photo", target="pencil sketch", jobs=2), say=print)

Names are resolved when they are first used: importing this package loads no torch.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
