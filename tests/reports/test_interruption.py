import os
import signal
import threading

import pytest

from aiopslab.reports.interruption import SIGNALS, Interruption, Terminated


def handlers():
    return [signal.getsignal(number) for number in SIGNALS]


def ask(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ([signal.SIGINT], KeyboardInterrupt),
        ([signal.SIGTERM], Terminated),
        ([signal.SIGTERM, signal.SIGINT], Terminated),
    ],
)
def test_a_signal_is_answered_when_all_is_safe(numbers, error):
    before, heard, safe = handlers(), [], False
    with pytest.raises(error) as raised, Interruption() as interruption:
        with interruption.listened(lambda: heard.append(interruption.count)):
            for number in numbers:
                ask(number)
        safe = True
        interruption.answer()
    assert safe and type(raised.value) is error
    assert heard == list(range(1, len(numbers) + 1))
    assert handlers() == before


def test_what_may_take_long_is_broken_once():
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.breaking():
            ask(signal.SIGINT)
        ask(signal.SIGINT)  # while what there is is written
        assert interruption.count == 2


def test_without_a_signal_nothing_is_raised():
    with Interruption() as interruption:
        interruption.answer()
        with interruption.breaking():
            pass
    assert interruption.count == 0


def test_who_ignores_signals_goes_on_ignoring_them():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            ask(signal.SIGINT)
            assert interruption.count == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_signals_to_their_owner():
    before, seen = handlers(), []

    def enter():
        with Interruption() as interruption:
            seen.append(handlers())
            interruption.answer()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
