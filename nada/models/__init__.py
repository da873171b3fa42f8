"""StyleGAN2 networks: generator and discriminator of any published size, written from the papers."""

from nada.models.compute import Compute as Compute
from nada.models.compute import KeptWeights as KeptWeights
from nada.models.config import DiscriminatorConfig as DiscriminatorConfig
from nada.models.config import GeneratorConfig as GeneratorConfig
from nada.models.config import default_channels as default_channels
from nada.models.discriminator import Discriminator as Discriminator
from nada.models.discriminator import frozen_layers as frozen_layers
from nada.models.generator import Features as Features
from nada.models.generator import Generator as Generator
from nada.models.generator import Noise as Noise
from nada.models.mapping import latents_from_seeds as latents_from_seeds
from nada.models.mapping import mix_styles as mix_styles
from nada.models.replacing import with_weights as with_weights
