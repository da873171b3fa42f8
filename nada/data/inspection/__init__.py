"""The first look at pictures that somebody wants to train on: what is there, what is odd, what is there twice."""

from nada.data.inspection.inspecting import Inspection as Inspection
from nada.data.inspection.inspecting import inspect_data as inspect_data
from nada.data.inspection.page import write_page as write_page
from nada.data.inspection.summary import as_text as as_text
from nada.data.inspection.summary import summarise as summarise
