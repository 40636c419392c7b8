"""Tiny Shakespeare: a megabyte of plays, for language models over characters."""

from keras_seq.datasets._known_file import check_split, known_file, read_text

# The repository that it comes from, at one commit.
_ADDRESS = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt"
)
_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
_ENDS = {"train": (0, 80), "dev": (80, 90), "test": (90, 100)}  # per cent of the characters


def tiny_shakespeare(split: str = "train") -> list[str]:
    """A part of 40,000 lines of Shakespeare's plays, raw text of 65 different characters.

    train is the first 80 % of the 1,115,394 characters, dev what follows up to 90 %, and test the
    last 10 %; each part goes on to the end of its line, and the three together are the whole file.
    (Elsewhere the last 10 % are often what one chooses on; here they are for the final figure.)

    The file is read from the folder that the environment variable `KERAS_SEQ_DATA` names,
    `tinyshakespeare/input.txt`; another content than the known one gives a warning. If it is not
    there, it is downloaded once from github.com/karpathy/char-rnn, at a fixed commit, to the cache
    of Keras, and its sha256 is checked.

    Licence: the text is in the public domain. Models trained on it may be shipped.

    Args:
        split: "train", "dev" or "test".

    Returns:
        A list of one str, the text with its line ends.

    Raises:
        ValueError: the split is another one, the file is not UTF-8, or a download is not the
            expected file.
        Exception: what `keras.utils.get_file` raises when the address cannot be reached.

    Example:
        >>> from keras_seq.datasets import tiny_shakespeare
        >>> (text,) = tiny_shakespeare("dev")
        >>> text.endswith("\\n"), 111_000 < len(text) < 112_000
        (True, True)

    Reference: Karpathy 2015, "The unreasonable effectiveness of recurrent neural networks".
    """
    check_split(split, _ENDS)
    text = read_text(known_file("tinyshakespeare", "input.txt", _SHA256, "", _ADDRESS))
    start, end = (_line_end(text, len(text) * part // 100) for part in _ENDS[split])
    return [text[start:end]]


def _line_end(text, place):
    """Where the next line begins, seen from `place`; the beginning and the end stay."""
    if place == 0:
        return 0
    line_end = text.find("\n", place - 1)
    return len(text) if line_end < 0 else line_end + 1
