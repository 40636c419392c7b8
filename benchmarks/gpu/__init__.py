"""What a machine with a GPU is asked: are the numbers those of a CPU, and how long does it take."""
