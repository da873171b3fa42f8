"""Public data sets of pictures, fetched from where they are published."""

from nada.data.downloads.cifar10 import fetch_cifar10 as fetch_cifar10
from nada.data.downloads.pokemon import fetch_pokemon as fetch_pokemon
from nada.data.downloads.tally import Tally as Tally
