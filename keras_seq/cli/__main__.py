"""`python -m keras_seq.cli`."""

from keras_seq.cli import main

main()
