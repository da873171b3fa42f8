"""Adapted domains as small files: the tensors that an adaptation moved, read, scaled, added and carried over.

An adaptation is a handful of tensors on top of a base generator, so domains of one base can be mixed in weight space
(Wang et al. 2019, arXiv:1811.10515; Gal et al. 2021, arXiv:2108.00946), and small ones carried over to another generator
that was fine-tuned from the same parent (Alanov et al. 2023, "StyleDomain", arXiv:2212.10229).
"""

from nada.domains.blending import Blender as Blender
from nada.domains.blending import Pair as Pair
from nada.domains.blending import at_strength as at_strength
from nada.domains.blending import blend as blend
from nada.domains.blending import load_pair as load_pair
from nada.domains.domain import Domain as Domain
from nada.domains.domain import offsets_of as offsets_of
from nada.domains.domain import read_domain as read_domain
