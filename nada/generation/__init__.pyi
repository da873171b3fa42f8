from nada.generation.blocks import draw_pictures as draw_pictures
from nada.generation.blocks import pictures_of as pictures_of
from nada.generation.blocks import styles_of as styles_of
from nada.generation.blocks import styles_of_latents as styles_of_latents
from nada.generation.seeds import Seeds as Seeds
from nada.generation.seeds import parse_seeds as parse_seeds
