from nada.mixing.recipe import Mix as Mix
from nada.mixing.recipe import Part as Part
from nada.mixing.recipe import mix as mix
from nada.mixing.recipe import parse_weights as parse_weights
from nada.mixing.run import run_mix as run_mix
