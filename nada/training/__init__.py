"""Training a StyleGAN2 from pictures: `train` is the pure loop, `run_training` owns a run folder."""

from nada.training.loop import Recipe as Recipe
from nada.training.loop import TrainingDiverged as TrainingDiverged
from nada.training.loop import train as train
from nada.training.run import TrainingOutcome as TrainingOutcome
from nada.training.run import run_training as run_training
from nada.training.state import TrainingState as TrainingState
from nada.training.state import create_state as create_state
