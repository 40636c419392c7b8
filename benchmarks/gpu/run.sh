#!/bin/sh
# Numbers and times on a GPU, on PyTorch and on JAX, in about 8 minutes:
#     benchmarks/gpu/run.sh OUT [WHEELS]
#     benchmarks/gpu/run.sh --quick OUT       a dry run on a CPU
# OUT is the folder for what is found: a .json and a .log of each part, written as it goes on. WHEELS
# is the folder that wheels.sh has filled, for a machine without Keras. BACKENDS=torch is one alone.
cd "$(dirname "$0")/../.." || exit 1
quick= times=1
if [ "$1" = --quick ]; then quick=--quick times=5 && shift; fi
out=${1:?the folder for the figures}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 1
python=${PYTHON:-python3}
export PYTHONPATH="$PWD:$PYTHONPATH" PYTHONUNBUFFERED=1 XLA_PYTHON_CLIENT_PREALLOCATE=false
if [ -n "$2" ]; then
    site=$(mktemp -d)
    $python -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$2"/*.whl || exit 1
    export PYTHONPATH="$PYTHONPATH:$site"
fi
failed=

# A part: its name, its backend, its seconds at most, and what it runs.
part() {
    name=$1 backend=$2 seconds=$3
    shift 3
    began=$(date +%s)
    KERAS_BACKEND=$backend timeout $((times * seconds)) $python -W ignore -m "$@" >"$out/$name.log" 2>&1 ||
        failed="$failed $name"
    echo "$name: $(($(date +%s) - began)) s; $(tail -n 1 "$out/$name.log")"
}

# The reference is that of PyTorch on the CPU, for both backends. JAX compiles each layer: fewer there.
CUDA_VISIBLE_DEVICES='' part numbers_cpu torch 120 benchmarks.gpu.numbers --write "$out/cpu.npz" \
    ${quick:+--short}
for backend in ${BACKENDS:-torch jax}; do
    part "speed_$backend" "$backend" 210 benchmarks.gpu.speed --minutes 2 $quick \
        --json "$out/speed_$backend.json"
    short=$quick
    if [ "$backend" = jax ]; then short=--short; fi
    part "numbers_$backend" "$backend" 120 benchmarks.gpu.numbers --read "$out/cpu.npz" \
        ${short:+--short} --json "$out/numbers_$backend.json"
done
if [ -n "$failed" ]; then echo "failed:$failed" && exit 1; fi
