"""How git is called."""

import os
from pathlib import Path

import pytest
from gitrepo import ENVIRON, GitRepo

from aad.gitcalls import (
    OLDEST,
    GitError,
    ask_git,
    decode,
    find_version,
    make_argv,
    make_environment,
    read_git,
    say_why,
    split_names,
)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """Return a repository with one commit."""
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"a.txt": "a\n"})
    return repo


def test_the_environment_has_no_variable_that_leads_git_elsewhere_or_lets_it_ask() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/home/u",
        "LC_ALL": "ja_JP.UTF-8",
        "GIT_DIR": "/elsewhere",
        "GIT_INDEX_FILE": "/elsewhere/index",
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_EXEC_PATH": "/opt/git",
    }

    made = make_environment(environ)

    assert made == {
        "PATH": "/bin",
        "HOME": "/home/u",
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_EXEC_PATH": "/opt/git",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def test_the_variables_of_a_hook_lead_a_call_nowhere_else(repo: GitRepo, tmp_path: Path) -> None:
    other = GitRepo(tmp_path / "other")
    hook = {**ENVIRON, "GIT_DIR": os.fspath(other.git_dir), "GIT_WORK_TREE": os.fspath(other.root)}

    told = read_git(repo.root, "rev-parse", "--absolute-git-dir", environ=hook)

    assert told == f"{repo.git_dir}\n"


def test_the_environment_is_the_process_own_unless_another_is_given(repo: GitRepo) -> None:
    told = read_git(repo.root, "rev-parse", "--show-prefix")

    assert told == "\n"


def test_a_call_runs_no_hook(repo: GitRepo) -> None:
    hook = repo.write(".git/hooks/reference-transaction", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o700)

    done = ask_git(repo.root, "update-ref", "refs/heads/x", repo.find("HEAD"), environ=ENVIRON)

    assert (done.returncode, done.stderr) == (0, b"")


def test_an_argv_begins_with_the_settings_and_ends_with_the_call() -> None:
    argv = make_argv("status", "-z")

    assert (argv[0], argv[-2:]) == ("git", ["status", "-z"])
    assert set(argv[1:-2:2]) == {"-c"}


def test_what_git_wrote_on_stderr_is_in_the_error(repo: GitRepo) -> None:
    with pytest.raises(GitError) as caught:
        read_git(repo.root, "rev-parse", "--verify", "nothing", environ=ENVIRON)

    assert caught.value.command == "rev-parse"
    assert str(caught.value) == "git rev-parse: fatal: Needed a single revision"


def test_a_call_may_be_asked_whatever_its_exit_code(repo: GitRepo) -> None:
    done = ask_git(repo.root, "rev-parse", "--verify", "--quiet", "nothing", environ=ENVIRON)

    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_a_missing_git_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(GitError) as caught:
        ask_git(tmp_path, "version", environ={"PATH": os.fspath(tmp_path)})

    assert str(caught.value) == "git version: git: No such file or directory"


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    with pytest.raises(GitError) as caught:
        ask_git(missing, "version", environ=ENVIRON)

    assert str(caught.value) == f"git version: {missing}: No such file or directory"


def test_the_version_is_numbers_that_compare() -> None:
    found = find_version()

    assert len(found) == 3
    assert found >= OLDEST


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("git version 2.39.5", (2, 39, 5)),
        ("git version 2.50.1 (Apple Git-155)", (2, 50, 1)),
        ("git version 2.47.1.windows.1", (2, 47, 1)),
        ("git version 2.51.GIT", (2, 51, 0)),
        ("git version 3.0-rc1", (3, 0, 0)),
        ("something else", ()),
    ],
)
def test_every_maker_of_git_tells_its_version_another_way(
    said: str, version: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\necho '{said}'\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert find_version() == version


def test_without_git_there_is_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))

    with pytest.raises(GitError):
        find_version()


@pytest.mark.parametrize(
    ("stderr", "why"),
    [
        (b"fatal: not a git repository\n", "fatal: not a git repository"),
        (b"warning: x\nerror: one\nfatal: two\n", "error: one; fatal: two"),
        (b"hint: do this\n  plain words  \n\nmore\n", "plain words; more"),
        (b"hint: do this\n", "exit code 3"),
        (b"", "exit code 3"),
        (b"fatal: \xff\n", "fatal: \udcff"),
    ],
)
def test_of_what_git_says_the_blame_is_kept(stderr: bytes, why: str) -> None:
    assert say_why(stderr, 3) == why


def test_names_that_are_no_utf_8_survive_the_way_there_and_back() -> None:
    names = split_names("日本 語\0".encode() + b"a\nb\0\xff\0\0")

    assert names == ["日本 語", "a\nb", "\udcff"]
    assert os.fsencode(names[2]) == b"\xff"
    assert split_names(decode(b"one\0two\0")) == ["one", "two"]
