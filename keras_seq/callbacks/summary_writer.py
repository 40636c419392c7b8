"""Numbers for TensorBoard, from every backend."""

import os

import numpy as np

from keras_seq._tensorflow import tensorflow


class SummaryWriter:
    """Writes named numbers of training steps as TensorBoard reads them, by `tf.summary`.

    Args:
        target: a folder, str or path-like, in which files are made; or a writer of
            `tf.summary.create_file_writer`, which whoever made it closes.

    Raises:
        ValueError: for anything else.
    """

    def __init__(self, target):
        self.folder = None
        self._writer = None
        if isinstance(target, (str, os.PathLike)):
            self.folder = os.fspath(target)
        elif hasattr(target, "as_default") and hasattr(target, "flush"):
            self._writer = target
        else:
            raise ValueError(
                "`writer` must be a folder or a writer of tf.summary.create_file_writer; received "
                f"{target!r}."
            )

    def write(self, step, numbers):
        """Write a dict of numbers as scalars."""
        tf = tensorflow()
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self.folder)
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "scalars"
        # Not `tf.summary.scalar`, which needs the package of TensorBoard to be installed.
        with self._writer.as_default(), tf.summary.record_if(True):
            for name, value in numbers.items():
                tf.summary.write(name, np.float32(value), step=step, metadata=metadata)

    def flush(self):
        """Put onto disk what was written."""
        if self._writer is not None:
            self._writer.flush()

    def close(self):
        """Close what was opened here."""
        self.flush()
        if self.folder is not None and self._writer is not None:
            self._writer.close()
            self._writer = None
