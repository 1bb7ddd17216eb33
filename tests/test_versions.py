"""Programs are asked for their versions: all at once, each for so long, away from everything."""

import os

import pytest

from aad.versions import Asked, ask_versions

ENV = {"PATH": os.environ["PATH"]}


def shell(script: str, **env: str) -> Asked:
    return ("sh", "-c", script), {**ENV, **env}


def test_what_each_tells_comes_in_the_order_in_which_they_were_asked() -> None:
    told = ask_versions([shell("echo two >&2; echo one"), shell('echo "$0"')])

    assert told == [b"one\n\ntwo\n", b"--version\n\n"]


def test_one_that_fails_or_cannot_be_started_tells_nothing() -> None:
    assert ask_versions([shell("echo 1.0; exit 1"), (("/nowhere",), ENV)]) == [b"", b""]


def test_one_that_takes_too_long_is_ended_and_the_others_are_heard() -> None:
    stays = shell("echo 1.0; sleep 5 & exec sleep 5")

    assert ask_versions([stays, shell("echo 2.0")], limit=0.2) == [b"", b"2.0\n\n"]


def test_each_is_in_a_home_of_its_own_and_sees_what_it_is_given_alone() -> None:
    script = 'echo "$GIVEN $USER"; [ "$PWD" = "$HOME" ] && [ "$HOME" = "$TMPDIR" ] && ls "$HOME"; touch here'

    assert ask_versions([shell(script, GIVEN="a"), shell(script, GIVEN="b")]) == [b"a \n\n", b"b \n\n"]


def test_an_interrupt_ends_all_of_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        ask_versions([shell("kill -INT $PPID; exec sleep 5")])


def test_where_nothing_is_asked_nothing_is_told() -> None:
    assert ask_versions([]) == []
