"""The backend that a type checker sees keeps to the contract."""

import keras_seq.backend
from keras_seq.backend.api import Backend

contract: Backend = keras_seq.backend
