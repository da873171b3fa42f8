"""Adaptation of a generator to a prompt: the loop, the stopping rule, and the run folder around them."""

from nada.adaptation.api import AdaptResult as AdaptResult
from nada.adaptation.api import adapt as adapt
from nada.adaptation.loop import Adaptation as Adaptation
from nada.adaptation.loop import StepReport as StepReport
from nada.adaptation.settings import Settings as Settings
from nada.adaptation.settings import default_learning_rate as default_learning_rate
from nada.adaptation.settings import published_settings as published_settings
from nada.adaptation.watch import Watch as Watch
