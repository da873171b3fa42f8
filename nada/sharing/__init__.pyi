from nada.sharing.api import Exported as Exported
from nada.sharing.api import export as export
