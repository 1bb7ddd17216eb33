"""Ten shapes of child, each harder to end than the one before. All run until somebody ends them."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen
from harness import Project, Token, until
from realprocesses import look_at_all, read_words

# Hops from process id to process id. Not as fast as it could: where the first process reaps late, each hop
# leaves a zombie for a while.
HOPPER = "import os, time\nwhile True:\n    if os.fork(): os._exit(0)\n    time.sleep(0.005)\n"

# A shell line, and how many processes it makes that hold the token.
SHAPES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "PLAIN": ("exec sleep {0}", 1),
        "IN-GROUP": ("sleep {0} & sleep {0}", 2),
        "OF-ITS-OWN-SESSION": ("setsid sleep {0} & sleep {0}", 2),
        "DAEMON": ("(setsid sleep {0} &); sleep {0}", 2),
        "DAEMON-WITHOUT-DESCRIPTORS": ("(setsid sleep {0} <&- >&- 2>&- &); sleep {0}", 2),
        "DAEMON-WITHOUT-ENVIRONMENT": ("(env -i setsid sleep {0} <&- >&- 2>&- &); sleep {0}", 2),
        "DEAF": ("trap '' TERM; sleep {0} & sleep {0}", 2),
        "STOPPED": ("sleep {0} & until grep -q ^sleep /proc/$!/comm; do :; done; kill -STOP $! $$", 1),
        "ORPHAN": ("sh -c 'sleep {0} &'; sleep {0}", 2),
        "HOPPER": (f"python3 -c '{HOPPER}' {{0}} & sleep {{0}}", 2),
    }
)


@frozen
class Zoo:
    """One session of each shape, which does nothing more once the file `tamed` is there."""

    tokens: Mapping[str, Token]

    @classmethod
    def open(cls, project: Project) -> "Zoo":
        """Write the specs."""
        zoo = cls({shape: Token() for shape in SHAPES})
        for shape, (line, _) in SHAPES.items():
            project.spec(shape, f"[ -e tamed ] && exit; {line.format(zoo.tokens[shape])}")
        return zoo

    def wait(self) -> None:
        """Wait until all of them live."""
        until(lambda: all(len(self.find(shape)) >= count for shape, (_, count) in SHAPES.items()))

    def find(self, *shapes: str) -> list[int]:
        """Return the processes of some shapes."""
        words = {self.tokens[shape].text.encode() for shape in shapes}
        return [pid for pid in look_at_all() if not words.isdisjoint(read_words(pid))]

    def survivors(self) -> list[str]:
        """Return the shapes of which something lives."""
        return [shape for shape in SHAPES if self.find(shape)] if self.find(*SHAPES) else []

    def end(self) -> None:
        """End whatever lives, for good."""
        for token in self.tokens.values():
            while token.holders():
                token.end_holders()
