"""Facts about which workspace a spec gets."""

import pytest

from aad.config import AnyIsolation, WorkspaceSettings
from aad.isolation import choose_isolation
from aad.spec import Spec


@pytest.mark.parametrize(("in_repository", "chosen"), [(True, "worktree"), (False, "none")])
def test_by_default_a_repository_gives_worktrees_and_any_other_folder_itself(
    *, in_repository: bool, chosen: str
) -> None:
    assert choose_isolation(Spec(id="A"), WorkspaceSettings(), in_repository=in_repository) == chosen


@pytest.mark.parametrize("in_repository", [True, False])
@pytest.mark.parametrize("word", ["worktree", "directory", "none"])
def test_what_the_settings_say_goes_for_every_place(word: AnyIsolation, *, in_repository: bool) -> None:
    settings = WorkspaceSettings(isolation=word)

    assert choose_isolation(Spec(id="A"), settings, in_repository=in_repository) == word


@pytest.mark.parametrize("settings", ["auto", "worktree"])
def test_what_a_spec_says_itself_comes_first(settings: AnyIsolation) -> None:
    spec = Spec(id="A", isolation="directory")

    chosen = choose_isolation(spec, WorkspaceSettings(isolation=settings), in_repository=True)

    assert chosen == "directory"
