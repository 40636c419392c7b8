"""The command that looks at an export as a server will."""

from pathlib import Path

from keras_seq.cli.options import REQUIRED, Option, takes
from keras_seq.cli.show import say


@takes(
    Option("path", "The folder of all versions, or of one.", Path, REQUIRED, flag=""),
    Option("repeats", "How often each batch is timed.", int, 50),
)
def serve_check(given):
    """Load an export in a fresh process, check its answers, and show how long they take.

    PATH is the folder of all versions, of which the newest is taken, or that of one version. The
    requests of the warm-up are sent, the examples of signature.json must be answered as it says,
    and a row of a batch as it is alone. Then batches of 1 and of 32 are timed, on the processor.
    """
    from keras_seq.export import serve_check

    found = serve_check(given.path, given.repeats)
    count, what = found["replayed"], "of the warm-up" if found["warm_up"] else "of signature.json"
    say(f"{found['path']}: loaded in {found['load_seconds']:.2f} s.")
    say(f"Answered {count} request{'s' * (count != 1)} {what}, and the examples as recorded.")
    show(found["latencies"])


def show(latencies):
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table("signature", box=None)
    for title in ("batch", "median ms", "95th percentile ms"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in latencies:
        table.add_row(
            one["signature"], str(one["batch"]), f"{one['median']:.2f}", f"{one['p95']:.2f}"
        )
    console = Console()
    if not console.is_terminal:  # a file has no edge at which to break lines
        console = Console(width=200)
    console.print(table)
