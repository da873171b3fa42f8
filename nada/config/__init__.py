"""The options of the commands, as dataclasses. Nothing here loads torch."""

from nada.config.fields import from_json as from_json
from nada.config.fields import option as option
from nada.config.fields import options_of as options_of
from nada.config.fields import to_json as to_json
from nada.config.resuming import given_options as given_options
from nada.config.sections import SectionedCommand as SectionedCommand
