"""What keras_seq is measured against."""
