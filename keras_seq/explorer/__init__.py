"""The page that shows recurrent cells at work: where it is, served, written, shown in a notebook.

Its sources are in `explorer/` of a checkout; `make explorer` builds it into `static/` here.
"""

from keras_seq.explorer.models import step_folders
from keras_seq.explorer.page import build, page_folder
from keras_seq.explorer.server import make_server
from keras_seq.explorer.widget import explore

__all__ = ["build", "explore", "make_server", "page_folder", "step_folders"]
