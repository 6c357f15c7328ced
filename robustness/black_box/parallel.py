"""Runs requests side by side, such that no answer is lost when one of them fails."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from threading import Event
from typing import TypeVar

from robustness.black_box.pace import Stopped

Work = TypeVar("Work")
Answer = TypeVar("Answer")


def run_all(
    work: Sequence[Work],
    run: Callable[[Work, Event], Answer],
    keep: Callable[[Work, Answer], None],
    threads: int,
) -> None:
    """``run`` each of ``work`` in a thread and give each answer to ``keep``, in this thread, as it comes.

    After the first error nothing more is started; what is under way may end, and is kept, before the error
    is raised. The event given to ``run`` is set then: it may give up waiting by raising Stopped.
    """
    stop = Event()
    failure: Exception | None = None

    def guarded(each: Work) -> Answer:
        try:
            return run(each, stop)
        except BaseException:
            # Here and not in the thread that collects the answers, which may take a while to come to it.
            stop.set()
            raise

    # Not a `with` block: leaving one waits before anything else can be done.
    pool = ThreadPoolExecutor(max_workers=min(threads, len(work)) or 1)
    futures = {pool.submit(guarded, each): each for each in work}
    left = set(futures)
    try:
        for future in as_completed(futures):
            if future.cancelled():
                continue
            try:
                answer = future.result()
            except Stopped:
                continue
            except Exception as error:
                failure = failure or error
                _halt(stop, futures)
                continue
            left.discard(future)
            keep(futures[future], answer)
    except BaseException:  # interrupted, or the answers cannot be kept
        _halt(stop, futures)
        pool.shutdown(wait=True)
        for future in left:
            if not future.cancelled() and future.exception() is None:
                with suppress(Exception):
                    keep(futures[future], future.result())
        raise
    finally:
        pool.shutdown(wait=True)
    if failure is not None:
        raise failure


def _halt(stop: Event, futures: Iterable[Future[Answer]]) -> None:
    stop.set()
    for future in futures:
        future.cancel()
