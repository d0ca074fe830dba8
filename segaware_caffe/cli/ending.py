"""How every command ends: its exit status, one sentence for a mistake, nothing at all where nobody listens any more."""

import io
import os
import signal
import sys
from collections.abc import Callable

from segaware_caffe.errors import CaffeError

#: exit statuses: a mistake of the user's; Ctrl-C; a pipe that was closed (`| head`), as a shell shows the signal
MISTAKE, INTERRUPTED, CLOSED = 2, 128 + signal.SIGINT, 128 + 13


def ending(program: str, run: Callable[[], int | None], mistake: Callable[[str], None] | None = None) -> int:
    """Run a command; its exit status. `mistake` shows the sentence on what is wrong, which else goes to stderr after `program`."""
    _prepare_streams()
    try:
        status = run() or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _listen_to_nobody()
        return CLOSED
    except (CaffeError, OSError, MemoryError, RuntimeError) as error:
        text = sentence(error)
        if text is None:
            raise
        if mistake:
            mistake(text)
        else:
            print(f"{program}: {text}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED


def sentence(error: Exception) -> str | None:
    """What to tell the user; None for an error that is the program's own."""
    if isinstance(error, CaffeError):
        return str(error)
    if isinstance(error, OSError):
        words = error.strerror or str(error)
        return f"{os.fsdecode(error.filename)}: {words}" if isinstance(error.filename, (str, bytes, os.PathLike)) else words
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error) or "out of memory" in str(error):
        return "there is not enough memory for this; smaller inputs or a smaller batch need less"
    return None


def _prepare_streams() -> None:
    """Let both take names of files that are no UTF-8, and be there if the shell has closed them."""
    for name, errors in (("stdout", "surrogateescape"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _listen_to_nobody() -> None:
    """Let what is still in stdout's buffer go nowhere, in place of a complaint as the program ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
