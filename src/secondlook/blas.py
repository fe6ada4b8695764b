"""One thread for NumPy's matrix products: a second one would spin beside the encoder's threads and slow both.

A process of Secondlook's own sets the environment before NumPy is imported. In any other process, such as a program
that calls ``secondlook.connect``, the limit holds only while such a product is computed.
"""

import os
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What the libraries that NumPy may be built on read when they are loaded."""


def use_one_thread(environment: MutableMapping[str, str] = os.environ) -> None:
    """For a process of Secondlook's own, before NumPy is imported there; a value that the user set stays.

    Tokenisers get no threads of their own either: those of models/batching.py use the processor.
    """
    for name in VARIABLES:
        environment.setdefault(name, "1")
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    if environment is os.environ:
        _limit.needed = False


class Limit:
    """One thread while a product is computed, and then again as many as there were.

    OpenBLAS has one number for the whole process, and threadpoolctl lets one thread at a time change it: so one
    product is computed after the other, and where the host program has set a limit by threadpoolctl, that one holds.
    """

    def __init__(self) -> None:
        self.needed = True
        self._lock = threading.RLock()
        self._libraries: Any = None  # threadpoolctl has no types

    @contextmanager
    def held(self) -> Iterator[None]:
        """Around products; they may be nested."""
        with self._lock:
            if self._libraries is None:
                from threadpoolctl import ThreadpoolController  # most processes need none

                self._libraries = ThreadpoolController().select(user_api="blas")
            with self._libraries.limit(limits=1):
                yield


_limit = Limit()


def one_blas_thread() -> AbstractContextManager[None]:
    """Around matrix products of NumPy."""
    return _limit.held() if _limit.needed else nullcontext()
