"""The search that the options of a command ask for."""

import inspect

from keras_seq.cli import options
from keras_seq.cli.show import one_line


def written(args):
    """What the options of a command say of the length and the end of texts, for `generate`."""
    how = {"max_length": args["max_length"], "stop_tokens": args["stop_token"] or None}
    return {name: value for name, value in how.items() if value is not None}


class Search:
    """A loaded model and the search that the options of a command ask for.

    Args:
        model: the model.
        args: the arguments of the command.
        **how: what else `generate` of the model takes.
    """

    NAMES = tuple(option.name for option in options.search())[1:]

    def __init__(self, model, args, **how):
        self.model = model
        self.options = {name: args[name] for name in self.NAMES if args.get(name) is not None}
        self.sampler = self._sampler(args["sampler"])
        self.how = {name: args[name] for name in ("batch_size",) if name in args} | how
        self.parts = 0

    def __call__(self, texts):
        """Return the answers to a part of the texts, the next one: see `answers`."""
        self.parts += 1
        return self.answers(texts, self.parts - 1)

    def answers(self, texts, part, first_row=0):
        """Return the answers of each text, a list of dicts with `text` and `score`.

        Args:
            texts: texts of a part.
            part: the number of the part: each one of a file has other noise.
            first_row: the number of the first text in its part.
        """
        results = self._generate(texts, part, return_scores=True, first_row=first_row)
        return [answers if isinstance(answers, list) else [answers] for answers in results]

    def _generate(self, texts, more, **how):
        """What the model writes, with a seed that is larger by `more`."""
        sampler = self.sampler
        config = sampler.get_config()
        if more and "seed" in config:
            sampler = type(sampler)(**{**config, "seed": config["seed"] + more})
        return self.model.generate(texts, sampler=sampler, **how, **self.how)

    def lines(self, lines, first, part):
        """Return what is written for lines of one part: a line each, or with --n-best some.

        Args:
            lines: the lines.
            first: how many lines there are before them.
            part: how many lines are a part.
        """
        written = []
        for number, answers in enumerate(self.answers(lines, *divmod(first, part)), first + 1):
            for answer in answers:
                columns = [one_line(answer["text"])]
                if "n_best" in self.options:
                    columns = [str(number), f"{answer['score']:.4f}", *columns]
                written.append("\t".join(columns))
        return written

    def continuations(self, args):
        """Return what answers lines, or with --prompt that text, which has line ends of its own."""
        if args["count"] < 1 or (args["count"] > 1 and args["prompt"] is None):
            raise ValueError(f"--count counts texts from one --prompt; received {args['count']}.")
        if args["prompt"] is None:
            return self.lines
        return lambda texts, first, part: [
            answer["text"] for answers in self(texts) for answer in answers
        ]

    def _sampler(self, name):
        """The sampler of that name, or the model's own, with the options given."""
        from keras_seq import samplers

        sampler = self.model.sampler if name is None else samplers.get(name)
        if not self.options:
            return sampler
        kind = type(sampler)
        for option in self.options:
            if option not in inspect.signature(kind).parameters:
                owners = [
                    name
                    for name, owner in samplers.SAMPLERS.items()
                    if option in inspect.signature(owner).parameters
                ]
                raise ValueError(
                    f"--{option.replace('_', '-')} is an option of --sampler "
                    f"{' or '.join(owners)}; received --sampler {name or kind.__name__.lower()}."
                )
        return kind(**{**sampler.get_config(), **self.options})
