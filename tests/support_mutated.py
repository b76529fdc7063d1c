# SPDX-License-Identifier: GPL-2.0-only
"""JSON that is changed anywhere to anything."""

from __future__ import annotations

import copy
import re
from typing import Any

from hypothesis import strategies as st

RAW = re.compile(
    r"object (has no attribute|is not)|unhashable|argument of type|argument must be|indices must|"
    r"invalid literal|index out of range|NoneType"
)
"""What Python says, and no user understands."""

LARGE = st.sampled_from([-1, 1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**30, 10**400])
SCALARS = (
    st.none() | st.booleans() | st.integers(-4, 40) | LARGE | st.floats() | st.text(max_size=6)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in some data."""
    inner = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def mutated(data: Any, path: tuple[Any, ...], how: str, new: Any) -> Any:
    """The data with one value replaced, removed, or doubled."""
    if not path:
        return new
    made = copy.deepcopy(data)
    place = made
    for key in path[:-1]:
        place = place[key]
    if how == "replace":
        place[path[-1]] = new
    elif how == "remove":
        del place[path[-1]]
    elif isinstance(place, list):
        place.insert(path[-1], copy.deepcopy(place[path[-1]]))
    else:
        place[f"{path[-1]}s"] = new
    return made
