#!/bin/sh
# Fetch what keras_seq needs on a machine that has PyTorch, JAX and NumPy, and no network:
#     benchmarks/gpu/wheels.sh FOLDER [PYTHON]    the Python of that machine, such as 3.12
# Less than 60 MB; TensorFlow is not among it, which only the TensorFlow backend and exports need.
set -e
cd "$(dirname "$0")/../.."
folder=${1:?the folder for the wheels}
python=${2:-3.12}
mkdir -p "$folder"
python3 -m pip download --quiet --no-deps --dest "$folder" --only-binary=:all: \
    --python-version "$python" --implementation cp --abi "cp$(echo "$python" | tr -d .)" --abi abi3 \
    --abi none --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    keras==3.15.1 absl-py h5py ml-dtypes namex optree rich markdown-it-py mdurl pygments packaging \
    typing-extensions sentencepiece Babel typer click shellingham annotated-doc \
    sacrebleu portalocker regex tabulate colorama lxml
du -sh "$folder"
