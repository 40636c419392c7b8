"""The command that looks at an export as a server will."""

from pathlib import Path

from keras_seq.cli.options import REQUIRED, Option, takes
from keras_seq.cli.show import say, show_table


@takes(
    Option("path", "The folder of all versions, or of one.", Path, REQUIRED, flag=""),
    Option("repeats", "How often each batch is timed.", int, 50),
)
def serve_check(args):
    """Load an export in a fresh process, check its answers, and show how long they take.

    PATH is the folder of all versions, of which the newest is taken, or that of one version. The
    requests of the warm-up are sent, the examples of signature.json must be answered as it says,
    and a row of a batch as it is alone. Then batches of 1 and of 32 are timed, on the processor.
    """
    from keras_seq.export import serve_check

    report = serve_check(args.path, args.repeats)
    count, what = report["replayed"], "of the warm-up" if report["warm_up"] else "of signature.json"
    say(f"{report['path']}: loaded in {report['load_seconds']:.2f} s.")
    say(f"Answered {count} request{'s' * (count != 1)} {what}, and the examples as recorded.")
    rows = [
        (row["signature"], str(row["batch"]), f"{row['median']:.2f}", f"{row['p95']:.2f}")
        for row in report["latencies"]
    ]
    show_table("signature", ("batch", "median ms", "95th percentile ms"), rows)
