"""Networks on a device: all of them together, or in turn where memory does not hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from tagkit.rendering.memory import memory_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch


class Residence:
    """Which networks are on the device.

    in_turn: always one part at a time, or (False) not even if memory runs out; None: from when it
    first does. The others wait on the CPU, where they were loaded: each picture then costs the
    way of the UNet to the device and back, which is seconds, not minutes.
    """

    def __init__(self, device: torch.device, in_turn: bool | None) -> None:
        self.device = device
        self._may = in_turn is not False and device.type == "cuda"
        self._in_turn = bool(in_turn) and self._may
        # Weak, since a VAE that is no longer of use must not stay.
        self._parts: dict[str, WeakSet[Any]] = {}
        self._present = ""

    def take(self, part: str, network: Any, **form: Any) -> Guest:
        """A network that belongs to a part, laid out as `form` says (`Module.to`).

        Raises MemoryError where the device is too small and networks may not take turns.
        """
        if not self._in_turn:
            try:
                with memory_errors():
                    network = network.to(self.device, **form)
            except MemoryError:
                if not self.begin_turns():
                    raise
        if self._in_turn:
            network = network.to("cpu", **form)
        self._parts.setdefault(part, WeakSet()).add(network)
        return Guest(self, part, network)

    def begin_turns(self) -> bool:
        """From now on they take turns. False where that would not help, or was done before."""
        if self._in_turn or not self._may:
            return False
        self._in_turn, self._present = True, ""
        self._send_away(self._parts)
        return True

    def enter(self, part: str) -> None:
        """The networks of this part are about to be used."""
        if not self._in_turn or part == self._present:
            return
        self._send_away(other for other in self._parts if other != part)
        for network in self._parts[part]:
            network.to(self.device)
        self._present = part

    def _send_away(self, parts: Iterable[str]) -> None:
        for part in parts:
            for network in self._parts[part]:
                network.to("cpu")


class Guest:
    """A network that comes to the device when it is used; it is used like the network itself."""

    def __init__(self, residence: Residence, part: str, network: Any) -> None:
        self._residence = residence
        self._part = part
        self._network = network
        self.device = residence.device

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The network's answer."""
        self._residence.enter(self._part)
        return self._network(*args, **kwargs)

    def encode(self, *args: Any) -> Any:
        """A VAE's."""
        self._residence.enter(self._part)
        return self._network.encode(*args)

    def decode(self, *args: Any) -> Any:
        """A VAE's."""
        self._residence.enter(self._part)
        return self._network.decode(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)
