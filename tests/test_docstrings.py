"""The examples in docstrings run, and what is promised is documented."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import aad

EXAMPLES = {"aad", "aad.embedding", "aad.escalationchannel", "aad.graph", "aad.plan", "aad.units"}
MODULES = sorted(module.name for module in pkgutil.walk_packages(aad.__path__, "aad."))


@pytest.mark.parametrize("name", ["aad", *(name for name in MODULES if name != "aad.__main__")])
def test_the_examples_of_a_module_run(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(name)

    outcome = doctest.testmod(module, extraglobs={"project": tmp_path}, optionflags=doctest.ELLIPSIS)

    assert outcome.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()

    with_examples = {
        name for name in EXAMPLES for test in finder.find(importlib.import_module(name)) if test.examples
    }

    assert with_examples == {
        "aad",
        "aad.graph",
        "aad.embedding",
        "aad.escalationchannel",
        "aad.plan",
        "aad.units",
    }


@pytest.mark.parametrize("name", sorted(set(aad.__all__) - {"__version__"}))
def test_every_promised_name_exists_and_says_what_it_is(name: str) -> None:
    promised = getattr(aad, name)

    assert name == "SessionId" or inspect.getdoc(promised)


def test_the_promised_names_are_those_of_the_table() -> None:
    assert set(aad.__all__) == {"__version__", *aad._HOME_OF}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        aad.nonsense  # noqa: B018
