"""The command that shows cells at work in the browser."""

from pathlib import Path

from keras_seq.cli.options import Option, takes
from keras_seq.cli.show import say


@takes(
    Option("port", "The port on this computer; 0 for any that is free.", int, 8787, least=0),
    Option("open", "Open the page in the browser.", bool, False),
    Option("build", "Write the page to this new folder, for any web host, and end.", Path),
)
def explore(args):
    """Show recurrent cells at work, in a page in the browser.

    Inside a cell, gradients through time, and what each architecture remembers; all is computed in
    the page. It is served to this computer alone, until Ctrl-C.
    """
    from keras_seq.explorer import build, make_server, page_folder

    if args.build is not None:
        build(args.build)
        say(f"Wrote {args.build}.")
        return
    with make_server(page_folder(), args.port) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        say(f"The explorer is at {address} until Ctrl-C.")
        if args.open:
            import webbrowser

            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("")
