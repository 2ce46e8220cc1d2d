"""One row of a batch: the tags it has, the tag it is writing, and what it was refused. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

import msgspec

from tagkit.expansion.refusals import Node, refuse

Candidates = tuple[Sequence[int], Sequence[float]]  # token ids, ascending; their probabilities
Widen = Callable[[Sequence[int]], Candidates]  # tokens that are used up -> others


class Judge(Protocol):
    """Decides on finished tags, and keeps count of those it let through."""

    @property
    def missing(self) -> int:
        """Tags still wanted; the row may not end while it is above 0."""

    @property
    def full(self) -> bool:
        """Whether no further tag can be let through."""

    def __call__(self, tag: str) -> str | None:
        """None when `tag` is taken, else why not."""


class Request(msgspec.Struct, frozen=True):
    """What a row is to continue: token ids, a seed, and who judges its tags."""

    ids: tuple[int, ...]
    seed: int
    judge: Judge


class Sampling(msgspec.Struct, frozen=True):
    """Which tokens may be drawn.

    temperature: 0 takes the likeliest token. top_k: so many likeliest tokens, 0 for all.
    top_p: the likeliest tokens that make up this share of the probability, 1 for all.
    min_p: tokens at least this share as likely as the likeliest, 0 for all.
    repetition_penalty: makes tokens that the row has less likely (Keskar et al. 2019); 1 for none.
    """

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 100
    min_p: float = 0.0
    repetition_penalty: float = 1.0


class Limits(msgspec.Struct, frozen=True):
    """Where a row ends if nothing else ends it.

    new_tokens: tokens of the tags that were taken.
    context: tokens of the prompt and new tokens together.
    refused_at_one_place and refused: refused tags in front of one kept tag, and of a row.
    tag_tokens: a longer tag is no tag and counts as refused.

    So the network reads at most `new_tokens + refused * tag_tokens` tokens for a row.
    """

    new_tokens: int = 512
    context: int = 2048
    refused_at_one_place: int = 64
    refused: int = 512
    tag_tokens: int = 32


class Vocabulary(msgspec.Struct, frozen=True):
    """What a row must know of its tokenizer.

    ends: tokens that end the list. commas: tokens with a comma in them, of which `bare` begin with
    it. text: the text of several tokens, special tokens left out.
    """

    ends: frozenset[int]
    commas: frozenset[int]
    bare: frozenset[int]
    text: Callable[[Sequence[int]], str]


class Refusal(msgspec.Struct, frozen=True):
    """A tag the model wrote and did not get, and why."""

    tag: str
    because: str


class Draft(msgspec.Struct, frozen=True):
    """What came of a request: tags in the order written, refusals without repetition.

    ended: `end` by the model itself, `full` by the judge, `tokens` or `refusals` by a limit,
    `nothing` where every continuation was refused. tokens: those that the network read, refused
    tags included.
    """

    tags: tuple[str, ...]
    refused: tuple[Refusal, ...]
    ended: str
    tokens: int


def nothing_else(_tried: Sequence[int]) -> Candidates:
    """Where no other tokens exist."""
    return (), ()


class Row:
    """The state of one row between two readings of the model.

    text: ids of the prompt and of all that stands before the tag being written.
    seen: for each of the row's slots in the cache, 1 if the row sees the token there now, 0 if that
    belongs to a refused tag. slot: that of the newest token.
    ended: empty while the row goes on; see `Draft`.
    """

    def __init__(
        self, request: Request, vocabulary: Vocabulary, limits: Limits, *, greedy: bool
    ) -> None:
        self.seen = bytearray()
        self.slot = -1
        self._judge = request.judge
        self._vocabulary = vocabulary
        self._limits = limits
        self._random = None if greedy else Random(request.seed)
        self._given = len(request.ids)
        self.text = list(request.ids)  # everything in front of the tag being written
        self._before: list[int] = []  # the token with the comma in front of that tag
        self._path: list[tuple[Node, int]] = []  # the tag being written
        self._root = self._newest = Node(-1, (), ())
        self._widen: Widen = nothing_else
        self._tags: list[str] = []
        self._refused: dict[Refusal, None] = {}
        self._free: list[int] = []  # slots of tags that can no more come back
        self._read = self._tries = self._tries_here = 0
        self.ended = "full" if request.judge.full else ""
        if len(request.ids) >= limits.context:
            self.ended = "tokens"

    @property
    def position(self) -> int:
        """Position of the newest token in the row's text, from 0."""
        return len(self.text) + len(self._path) - 1

    @property
    def must_go_on(self) -> bool:
        """Whether the list may not end behind the newest token."""
        return self._judge.missing > (1 if self._path else 0)

    @property
    def ids(self) -> list[int]:
        """Token ids of the row's text and of the tag being written."""
        return self.text + self._written_ids()

    def grow(self, ids: Sequence[int], probabilities: Sequence[float], widen: Widen) -> None:
        """Take in what may follow the newest token.

        widen: called when all of that was refused in front of a tag; gives other tokens.
        """
        self._newest = Node(self.slot, ids, probabilities)
        if self._path:
            parent, index = self._path[-1]
            parent.children[index] = self._newest
        else:
            self._root = self._newest
            self._widen = widen

    def advance(self) -> int | None:
        """Draw up to a token that the model has not read yet; None when the row has ended."""
        node = self._newest
        while not self.ended:
            index = node.draw(self._random)
            if index is None:
                self._replace_root()
                continue
            self._path.append((node, index))
            if index in node.children:
                node = node.children[index]
                self.seen[node.slot] = 1
                continue
            token = self._judged(node.ids[index])
            if token is not None and self._has_room():
                return token
            node = self._root
        return None

    def draft(self) -> Draft:
        """What came of the row."""
        return Draft(tuple(self._tags), tuple(self._refused), self.ended, self._read)

    def _judged(self, token: int) -> int | None:
        """What the model reads when it drew `token`; None if a tag was refused or the row ended."""
        if token in self._vocabulary.commas or token in self._vocabulary.ends:
            return self._finished(token)
        if len(self._path) > self._limits.tag_tokens:
            self._refuse()
            return None
        return token

    def _finished(self, token: int) -> int | None:
        """The comma behind the tag that `token` finishes; None if it was refused or was the last.

        A list that ends too early, with a tag that does not count, goes on.
        """
        ends = token in self._vocabulary.ends
        names = self._written(ends)
        if ends and names == [""] and self._judge.missing <= 0:
            self.ended = "end"
            return None
        name = names[0] if len(names) == 1 else ""
        reason = self._judge(name) if name else "nonsense"
        if reason is not None:
            if name:
                self._refused[Refusal(name, reason)] = None
            self._refuse()
            return None
        self._tags.append(name)
        if self._judge.full:
            self.ended = "full"
        elif ends and self._judge.missing <= 0:
            self.ended = "end"
        comma = min(self._vocabulary.bare) if ends else token
        self._begin_tag(comma)
        return None if self.ended else comma

    def _written(self, ends: bool) -> list[str]:
        """The tags that the path finishes: one, unless the model wrote nonsense."""
        parts = self._vocabulary.text(self._before + self._written_ids()).split(",")[
            len(self._before) :
        ]
        return [part.strip() for part in (parts if ends else parts[:-1])]

    def _written_ids(self) -> list[int]:
        return [node.ids[index] for node, index in self._path]

    def _begin_tag(self, comma: int) -> None:
        self.text += [*self._written_ids()[:-1], comma]
        self._before = [comma]
        self._path.clear()
        self._tries_here = 0
        self._free = [slot for slot, seen in enumerate(self.seen) if not seen]

    def _refuse(self) -> None:
        """Take the path out of the distribution and go back to where the tag began."""
        node, index = self._path[-1]
        finishing = self._vocabulary.bare | self._vocabulary.ends
        alike = len(self._path) > 1 and node.ids[index] in finishing
        refuse(self._path, finishing if alike else ())
        for below, _ in self._path[1:]:
            self.seen[below.slot] = 0
        self._path.clear()
        self._tries += 1
        self._tries_here += 1
        limits = self._limits
        if self._tries >= limits.refused or self._tries_here >= limits.refused_at_one_place:
            self.ended = "refusals"

    def _replace_root(self) -> None:
        """All that could stand here was refused: let through what the filters kept back."""
        self._root.replace(*self._widen(self._root.ids))
        if not self._root.ids:
            self.ended = "nothing"

    def _has_room(self) -> bool:
        """Whether the model may read one more token; then it has a slot in the cache."""
        new = self.position + 1 - self._given
        if new > self._limits.new_tokens or self.position >= self._limits.context:
            self.ended = "tokens"
            return False
        self.slot = self._free.pop() if self._free else len(self.seen)
        self.seen[self.slot : self.slot + 1] = b"\1"
        self._read += 1
        return True
