"""How many descriptors this process may have, and for how many children they are enough. Starts none."""

import resource
import sys

# Descriptors that a child takes of us while it starts, and those that we need besides.
DESCRIPTORS_EACH = 7
DESCRIPTORS_OURS = 50


def read_limit() -> int:
    """Return how many descriptors we may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def count_affordable(limit: int) -> int:
    """Return how many children may run at once before so many descriptors run out; at least one."""
    return max((limit - DESCRIPTORS_OURS) // DESCRIPTORS_EACH, 1)


def count_needed(children: int) -> int:
    """Return how many descriptors so many children at once may take, and we beside them."""
    return DESCRIPTORS_OURS + DESCRIPTORS_EACH * children
