from nada.movies.gif import shared_palette as shared_palette
from nada.movies.saving import check_movie as check_movie
from nada.movies.saving import kind_of as kind_of
from nada.movies.saving import save_movie as save_movie
