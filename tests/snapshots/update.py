"""Accept what is new in the public surface: `python -m tests.snapshots.update`.

It only adds: where something is gone or different, it says so and writes nothing.
"""

import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "torch"  # as in the test
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))


def main():
    """Write the three files of today's surface."""
    import torch  # noqa: F401  (after TensorFlow it can crash the process)
    from snapshots import surface

    now = surface.read()
    before = {name: surface.load(name) for name in now}
    lost, added = surface.compare(before, now)
    if lost:
        sys.exit("Nothing was written. What was public stays as it was:\n  " + "\n  ".join(lost))
    for name, part in now.items():
        surface.save(name, part)
    surface.HELP.write_text(surface.written_help(surface.help_pages()), "utf-8")
    print("\n".join(added) or "Nothing is new.")


if __name__ == "__main__":
    main()
