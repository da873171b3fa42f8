"""Training a StyleGAN2 from pictures: `train` is the pure loop, `run_training` owns a run folder."""

from nada.training.loop import train as train
from nada.training.recipe import Recipe as Recipe
from nada.training.run import TrainingOutcome as TrainingOutcome
from nada.training.run import run_training as run_training
from nada.training.state import TrainingState as TrainingState
from nada.training.state import create_state as create_state
from nada.training.update import TrainingDiverged as TrainingDiverged
