"""The page that shows recurrent cells at work: where it is, served and written to a folder.

Its sources are in `explorer/` of a checkout; `make explorer` builds it into `static/` here.
"""

from keras_seq.explorer.models import step_folders
from keras_seq.explorer.page import build, page_folder
from keras_seq.explorer.server import make_server

__all__ = ["build", "make_server", "page_folder", "step_folders"]
