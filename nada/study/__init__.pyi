from nada.study.cell import Cell as Cell
from nada.study.grid import Grid as Grid
from nada.study.measuring import Ruler as Ruler
from nada.study.runner import Study as Study
from nada.study.runner import run_study as run_study
