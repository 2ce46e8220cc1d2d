"""A template written out: one drawn prompt, or all there are."""

from __future__ import annotations

from itertools import accumulate, count
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.errors import UserError
from tagkit.prompt.templates.choices import Choices, Every, InTurn, Seeded
from tagkit.prompt.templates.files import Value
from tagkit.prompt.templates.reading import Source, read_template
from tagkit.prompt.templates.tree import (
    Assignment,
    Group,
    Node,
    Options,
    Template,
    Variable,
    Wildcard,
    Wrap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from tagkit.prompt.templates.wildcards import Wildcards
