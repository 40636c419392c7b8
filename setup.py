"""What a wheel holds besides the package: the small ones of the models in `saved_models/`.

Each is the file of the model, its card, and, where there are some, its step graphs, which answer
without Keras.
"""

import pathlib

from setuptools import setup
from setuptools.command.build_py import build_py

SMALL = [
    "dates",
    "g2p_en",
]
STEPS = [f"step/{file}" for file in ("encode.onnx", "start.onnx", "step.onnx", "manifest.json")]
MODELS = pathlib.Path(__file__).parent / "saved_models"
FILES = [
    f"saved_models/{name}/{file}"
    for name in SMALL
    for file in ("model.keras", "README.md", *(STEPS if (MODELS / name / "step").is_dir() else ()))
]


class BuildWithModels(build_py):
    """Copies the files into the package; one that is installed editable reads the checkout."""

    def run(self):
        """Build, and copy."""
        super().run()
        if not self.editable_mode:
            for file, copy in zip(FILES, self._copies(), strict=True):
                self.mkpath(str(pathlib.Path(copy).parent))
                self.copy_file(file, copy)

    def get_outputs(self, include_bytecode=True):
        """Return what is installed."""
        return super().get_outputs(include_bytecode) + self._copies()

    def get_source_files(self):
        """Return what an archive of the sources needs."""
        return super().get_source_files() + FILES

    def _copies(self):
        return [f"{self.build_lib}/keras_seq/{file}" for file in FILES]


setup(cmdclass={"build_py": BuildWithModels})
