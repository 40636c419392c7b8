"""Write the step graphs of the explorer's tagger, `explorer/public/models/pos_en_left/`.

KERAS_BACKEND=torch python explorer/models/tagger.py MODEL.keras

The page has them as they stand there. How the model was trained, and on what, is in the README.md
beside them.
"""

import pathlib
import sys

import keras_seq as ks

FOLDER = pathlib.Path(__file__).parents[1] / "public" / "models" / "pos_en_left"
EXAMPLE = "The old man the boats that fish for cod ."


def main():
    """Export, and keep the card that stands there."""
    card = FOLDER / "README.md"
    text = card.read_text("utf-8") if card.is_file() else None
    model = ks.models.load_model(sys.argv[1])
    model.export(FOLDER, format="onnx", signature="stream", examples=[EXAMPLE])
    if text is not None:
        card.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
