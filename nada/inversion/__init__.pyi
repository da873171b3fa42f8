from nada.inversion.api import invert as invert
from nada.inversion.photos import Framing as Framing
from nada.inversion.photos import read_photo as read_photo
from nada.inversion.result import Inversion as Inversion
from nada.inversion.result import load_inversion as load_inversion
from nada.inversion.result import save_inversion as save_inversion
