"""Which back ends may run a model, and in which order: each is tested before it is used, and some are measured."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.generate import BackendUnavailableError, Generator
from engine.selftest import read_check, self_test
from engine.store import complete, kept_graphs
from engine.torch_device import DeviceMemoryError
from engine.tuning import Measurement, Pair, in_order, measure, measurements, remember
from engine.types import EngineError
from models.config import reason_of

LOG = logging.getLogger(__name__)

LAST_RESORT = "torch"
"""It starts slowest and takes the most memory on a CPU, so that it is not worth measuring there."""

Progress = Callable[[str], None]
Load = Callable[[str, str, Progress], Generator]
"""Loads a generator, given a back end, a device, and what to tell of what takes long."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A generator that can be used.

    Attributes
    ----------
    pair
        Its back end and device.
    generator
        It has passed its self-test.
    drafts, parts
        Whether its drafts of the whole picture, and of parts, are good enough to be shown.
    """

    pair: Pair
    generator: Generator
    drafts: bool = True
    parts: bool = True


class Choice:
    """Loads a model on one back end after the other.

    Parameters
    ----------
    weights
        The weight file.
    pairs
        The back ends and devices to try, best first.
    load
        Loads one; raises BackendUnavailableError if that cannot be used.
    fastest
        Whether the CPU's back ends are put in another order if that is faster.
    known
        Why better ones are not among them.
    progress
        Told in a few words what takes long until the first one is open.

    Attributes
    ----------
    pairs
        As above.
    reasons
        Why back ends were not used, or are no longer.
    """

    def __init__(
        self,
        weights: Path,
        pairs: Sequence[Pair],
        load: Load,
        fastest: bool = True,
        known: Sequence[str] = (),
        progress: Progress = lambda text: None,
    ) -> None:
        self.pairs = tuple(pairs)
        self.reasons = list(known)
        self._known_reasons = tuple(known)
        self._weights, self._load, self._fastest, self._progress = weights, load, fastest, progress
        self._in_need = False
        self._measured: dict[Pair, Measurement] = {}
        self._avoided: set[str] = set()

    def walk(self) -> Iterator[Opened]:
        """Open one after the other, each when it is asked for; it is then for the caller to close.

        Those on a CPU may be measured when its turn comes, and then the fastest is the first of them. But once one has
        been opened, the next is needed in the middle of an edit: then nothing is measured.

        Raises
        ------
        ModelError
            If the weight file cannot be used.
        """
        self.reasons[:] = self._known_reasons
        self._measured = measurements(self._weights)
        self._avoided.clear()
        cpu = [pair for pair in self.pairs if pair[1] == "cpu"]
        for pair in self.pairs:
            if pair not in cpu and pair[1] not in self._avoided and (opened := self._tried(pair)) is not None:
                yield self._handed_out(opened)
        if self._in_need:
            cpu = self._at_hand(cpu)
        elif self._fastest:
            yield from self._raced(cpu)
            return
        for pair in cpu:
            if (opened := self._tried(pair)) is not None:
                yield self._handed_out(opened)

    def note(self, reason: str) -> None:
        """Add a reason why a back end is not used; each is told once."""
        if reason not in self.reasons:
            self.reasons.append(reason)

    def avoid(self, device: str) -> None:
        """Open nothing more on a device until `walk` is called again."""
        self._avoided.add(device)

    def _handed_out(self, opened: Opened) -> Opened:
        self._in_need = True
        return opened

    def _at_hand(self, pairs: list[Pair]) -> list[Pair]:
        """Sort back ends: the fastest first, as far as is known, but those that have to be prepared for long last."""
        pairs = in_order(pairs, self._measured) if self._fastest else pairs
        if complete(kept_graphs(self._weights)):
            return pairs
        return sorted(pairs, key=lambda pair: pair[0] != LAST_RESORT)

    def _raced(self, pairs: list[Pair]) -> Iterator[Opened]:
        """Open one after the other, the fastest first; what has not been measured yet is, before that."""
        failures: dict[Pair, str] = {}
        last: Opened | None = None
        # The one that is likely to win comes last, as it can stay open. The others are closed at once: they would go on
        # with preparations of their own, and hold memory.
        for pair in reversed(pairs):
            if pair[0] == LAST_RESORT or pair in self._measured:
                continue
            if last is not None:
                last.generator.close()
                last = None
            try:
                last = self._open(pair)
            except BackendUnavailableError as error:
                failures[pair] = str(error)
        order = in_order([pair for pair in pairs if pair not in failures], self._measured)
        if last is not None and last.pair != order[0]:
            last.generator.close()
            last = None
        for pair in pairs[: pairs.index(order[0])] if order else ():
            if pair in failures:
                self.note(failures.pop(pair))
        for pair in order:
            opened = last or self._tried(pair)
            last = None
            if opened is not None:
                yield self._handed_out(opened)
            # Of use only once what would have been better than these is gone.
            for reason in failures.values():
                self.note(reason)
        for reason in failures.values():
            self.note(reason)

    def _tried(self, pair: Pair) -> Opened | None:
        """Open one; None if it cannot be used."""
        try:
            return self._open(pair)
        except BackendUnavailableError as error:
            self.note(str(error))
            return None

    def _tell(self, text: str) -> None:
        if not self._in_need:
            self._progress(text)

    def _open(self, pair: Pair) -> Opened:
        name, device = pair
        try:
            generator = self._load(name, device, self._tell)
        except DeviceMemoryError as error:
            raise BackendUnavailableError("The graphics card has not enough memory for this model") from error
        except (EngineError, BackendUnavailableError):
            raise
        except MemoryError as error:
            raise BackendUnavailableError(
                f"there is not enough memory to load the model on {device.upper()}"
            ) from error
        except Exception as error:  # the next one need not have the same fault
            LOG.exception("%s on %s cannot be loaded", name, device)
            raise BackendUnavailableError(f"the model cannot be loaded with {name} ({reason_of(error)})") from error
        try:
            check = read_check(kept_graphs(self._weights))
            self_test(generator, check)
            measurement = self._measured.get(pair)
            drafts = generator.info.drafts
            new = name != LAST_RESORT and device == "cpu" and measurement is None
            if not self._in_need and (new or (drafts and (measurement is None or measurement.draft_db is None))):
                # Where there is nothing to choose from, it does not take long enough to be told.
                measurement = measure(generator, self._tell if self._fastest else lambda text: None)
                if measurement is not None:
                    self._measured[pair] = measurement
                    remember(self._weights, pair, measurement)
            if not drafts or (measurement is not None and measurement.accurate):
                return Opened(pair, generator)
            LOG.info("%s draws no %s drafts of this model: they are not accurate enough", name, drafts)
            return Opened(pair, generator, drafts=False, parts=_without_int8(generator))
        except BaseException:
            with suppress(Exception):
                generator.close()
            raise


def _without_int8(generator: Generator) -> bool:
    """Have a back end compute in float32 only; returns whether it can, so that its drafts of parts are right."""
    refuse = getattr(generator, "refuse_int8", None)
    if refuse is None:
        return False
    refuse()
    return True
