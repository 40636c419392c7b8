"""The command that shows cells at work in the browser."""

import tempfile
from pathlib import Path

from keras_seq.cli.options import Option, takes
from keras_seq.cli.show import say


@takes(
    Option(
        "models",
        "Translators, language models, taggers that read from the left: .keras files, presets, "
        "folders of step graphs.",
        list[Path],
        flag="",
    ),
    Option("port", "The port on this computer; 0 for any that is free.", int, 8787, least=0),
    Option("open", "Open the page in the browser.", bool, False),
    Option("build", "Write the page to this folder, for any web host, and end.", Path),
)
def explore(args):
    """Show recurrent cells, translators, language models and taggers at work, in the browser.

    Inside a cell, gradients through time, what each architecture remembers, how a translator
    searches and where it looks, what a language model expects, how a tagger changes its mind; all
    is computed in the page. It is served to this computer alone, until Ctrl-C.
    """
    from keras_seq.explorer import build, make_server, page_folder, step_folders

    page = page_folder()
    with tempfile.TemporaryDirectory() as scratch:
        models = step_folders(args.models or [], scratch)
        if args.build is not None:
            build(args.build, models)
            say(f"Wrote {args.build}.")
            return
        with make_server(page, args.port, models) as server:
            serve(server, args.open)


def serve(server, open_browser):
    """Run the server until Ctrl-C."""
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    say(f"The explorer is at {address} until Ctrl-C.")
    if open_browser:
        import webbrowser

        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say("")
