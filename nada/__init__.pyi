from nada import checkpoints as checkpoints
from nada import clip as clip
from nada import domains as domains
from nada import features as features
from nada import images as images
from nada import interpolation as interpolation
from nada import metrics as metrics
from nada import mixing as mixing
from nada import models as models
from nada import ops as ops
from nada import selection as selection
from nada.adaptation import AdaptResult as AdaptResult
from nada.adaptation import adapt as adapt
from nada.checkpoints import load_discriminator as load_discriminator
from nada.checkpoints import load_generator as load_generator
from nada.checkpoints import save_generator as save_generator
from nada.clip import Guide as Guide
from nada.interpolation import interpolate as interpolate
from nada.movies import save_movie as save_movie

__version__: str
