"""Runs the tests against the program in build/app, and tells aad after each how far it is."""

import json
import os
import sys
import unittest
from pathlib import Path


def list_tests(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    """Return the tests of a suite, however deep they lie."""
    tests: list[unittest.TestCase] = []
    for test in suite:
        tests += list_tests(test) if isinstance(test, unittest.TestSuite) else [test]
    return tests


def report(progress: float, message: str) -> None:
    """Append a line to the file that aad reads; do nothing where there is no aad."""
    if "AAD_EVENTS" in os.environ:
        with Path(os.environ["AAD_EVENTS"]).open("a", encoding="utf-8") as events:
            events.write(json.dumps({"progress": round(progress, 2), "message": message}) + "\n")


def main() -> None:
    """Run all tests; fail if one does."""
    sys.path.insert(0, "build/app")
    tests = list_tests(unittest.defaultTestLoader.discover("tests"))
    result = unittest.TestResult()
    for number, test in enumerate(tests, 1):
        test.run(result)
        report(number / len(tests), f"{number} of {len(tests)} tests run")
    for failed, story in result.failures + result.errors:
        print(f"{failed.id()}\n{story}")
    print(f"{result.testsRun} tests, {len(result.failures) + len(result.errors)} failed")
    sys.exit(not result.wasSuccessful())


main()
