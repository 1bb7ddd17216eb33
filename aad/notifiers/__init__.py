"""Who tells people of escalations: one way a file, behind the interface of `base`."""

from collections.abc import Iterator, Mapping

from aad.childhandle import RunChild
from aad.config import EscalationSettings
from aad.notifiers.apprise import make_apprise_notifiers
from aad.notifiers.base import Notifier
from aad.notifiers.command import CommandNotifier
from aad.notifiers.desktop import DesktopNotifier


def make_notifiers(
    settings: EscalationSettings,
    *,
    environ: Mapping[str, str],
    env: Mapping[str, str],
    cwd: str,
    run_child: RunChild,
    lang: str = "en",
) -> list[Notifier]:
    """Return the notifiers that the settings ask for.

    `environ` is all that we know, for addresses and displays; `env` what every child may see of it.
    """

    def make() -> Iterator[Notifier]:
        if settings.command:
            yield CommandNotifier(argv=settings.command, env=env, cwd=cwd, run_child=run_child, lang=lang)
        if "desktop" in settings.notify:
            yield DesktopNotifier(environ=environ, env=env, run_child=run_child, lang=lang)
        yield from make_apprise_notifiers(
            settings.apprise, environ=environ, env=env, run_child=run_child, lang=lang
        )

    return list(make())
