"""The built page: a folder of files that any host can serve."""

import shutil

from keras_seq._files import replacing_folder
from keras_seq.explorer.models import STATIC, files_of, index_of

INDEX = "models/index.json"
CARD = "README.md"
_NOT_OF_THE_PAGE = shutil.ignore_patterns("widget.js")  # that is for notebooks


def page_folder():
    """Return the folder of the built page.

    Raises:
        FileNotFoundError: it is not built; says how.
    """
    if not (STATIC / "index.html").is_file():
        raise FileNotFoundError("The explorer is not built: `make explorer` does it, with Node 20.")
    return STATIC


def build(folder, models=None):
    """Write the page and models to a folder, as a whole or not at all.

    Args:
        folder: str or path-like: a new folder, an empty one, or one that was written so before,
            which is replaced.
        models: a dict from names to folders of step graphs.

    Raises:
        ValueError: something else is there, or it cannot be written.
        FileNotFoundError: the page is not built.
    """
    source, models = page_folder(), models or {}
    with replacing_folder(folder, INDEX) as beside:
        shutil.copytree(source, beside, dirs_exist_ok=True, ignore=_NOT_OF_THE_PAGE)
        shutil.rmtree(beside / "models", ignore_errors=True)  # those among `models` follow
        for name, place in models.items():
            (beside / "models" / name).mkdir(parents=True)
            card = [CARD] if (place / CARD).is_file() else []  # whom a model is owed to
            for file in [*files_of(place), *card]:
                shutil.copy(place / file, beside / "models" / name)
        (beside / "models").mkdir(exist_ok=True)
        (beside / INDEX).write_bytes(index_of(models))
