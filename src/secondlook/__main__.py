"""Where the command ``secondlook`` starts: it handles Ctrl-C before it imports anything that takes time."""

import _signal as signal  # type: ignore[import-not-found]  # ``signal`` itself takes 10 ms to import its enums
import os

CODE = 130
NOTHING = b"Interrupted. Nothing was changed. Run the same command again.\n"


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the parent process wants it ignored
        signal.signal(signal.SIGINT, _end)
    from secondlook.blas import use_one_thread

    use_one_thread()
    from secondlook import cli  # models, engines and the API take a second to import

    cli.main()


def _end(number: int, frame: object) -> None:
    """End at once: an exception could be lost in whatever is being imported."""
    os.write(2, NOTHING)
    os._exit(CODE)


if __name__ == "__main__":
    main()
