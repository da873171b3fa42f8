"""Files and answers over HTTP, asked for politely and checked: the standard library only."""

from nada.web.client import Answer as Answer
from nada.web.client import Client as Client
from nada.web.patience import Clock as Clock
from nada.web.patience import Patience as Patience
from nada.web.problems import Refused as Refused
from nada.web.problems import Unreachable as Unreachable
from nada.web.transfer import save_file as save_file
