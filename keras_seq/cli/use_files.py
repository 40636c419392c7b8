"""The commands that use a model, with files of texts: block by block, and shared among many."""

import itertools
from pathlib import Path

from keras_seq._presets import preset_file
from keras_seq.cli import options
from keras_seq.cli.options import Option
from keras_seq.cli.quick_start import named_backend
from keras_seq.cli.show import PART, say
from keras_seq.distributed import blocks

FILE_OPTIONS = (
    Option(
        "input",
        "A file of texts, one a line, or a pattern of files, such as 'news/*.gz'.",
        panel=options.FILES,
    ),
    Option("output", "With --input: the folder for the answers.", Path, panel=options.FILES),
    Option(
        "block_size",
        "With --input: lines of a block; a crash loses one block at most.",
        int,
        10_000,
        options.FILES,
        least=1,
    ),
    Option(
        "shard",
        "With --input: I/N, to answer the I-th of N shares; all run the same command.",
        panel=options.FILES,
    ),
)
# What may differ from start to start.
_FREE = ("model", "input", "output", "shard", "block_size")


class Files:
    """Files of texts and the folder of their answers, by the options of a command.

    Args:
        command: the name of the command.
        args: its options.
        steps: the folder of step graphs that answer, or `None`.

    Raises:
        ValueError: for files that are not there, a folder that cannot be written to, or that has
            answers to other texts or by other options.
    """

    def __init__(self, command, args, steps):
        self.args, self.folder = args, args.output
        self.shard = (0, 1) if args.shard is None else blocks.read_shard(args.shard)
        self.files = blocks.find_files(args.input, args.output)
        given = {name: value for name, value in vars(args).items() if name not in _FREE}
        backend = "step graphs" if steps else named_backend() or "tensorflow"
        self.plan = {
            "version": blocks.VERSION,
            "command": command,
            "model": blocks.digest(steps or preset_file(args.model)),
            "backend": backend,
            "block_size": args.block_size,
            **{f"--{name.replace('_', '-')}": value for name, value in given.items()},
            "input": blocks.describe_files(self.files),
        }
        blocks.check_folder(self.folder, self.plan)

    @classmethod
    def of(cls, command, args, steps):
        """The files that the options name, or `None` where they name none."""
        if args.input is not None and args.output is not None:
            if getattr(args, "prompt", None) is not None:
                raise ValueError("--prompt and --input are two sources of texts: choose one.")
            return cls(command, args, steps)
        for name, other in (("input", "output"), ("output", "input"), ("shard", "input")):
            if getattr(args, name) is not None:
                raise ValueError(f"--{name} must be given together with --{other}.")
        return None

    def write(self, answer):
        """Answer what is not answered yet, by a function as `Search.lines` is one."""
        args = self.args
        part, count = PART * args.batch_size, 0
        blocks.begin(self.folder, self.plan)
        for path, first, lines in blocks.missing_blocks(
            self.files, self.folder, args.block_size, self.shard, args.encoding
        ):
            end, answers = first + len(lines), []
            starts = [first, *range(first - first % part + part, end, part)]
            for start, stop in itertools.pairwise([*starts, end]):
                answers += answer(lines[start - first : stop - first], start, part)
            blocks.write_block(path, answers)
            say(f"{path}: {len(lines):,} lines")
            count += 1
        say(f"Wrote {count} blocks into {self.folder}; all others of the share were there.")
