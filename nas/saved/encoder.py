"""A trained encoder on disk: safetensors weights with everything needed to use them again."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from operator import index
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compute.paths import user_path
from downstream.scaling import Scaler
from downstream.task import Identity, Task
from encoders.combined import AnyEncoder, CombinedEncoder, combined
from encoders.encoder import Encoder
from nas.cost.members import Member
from nas.representer import Representer
from nas.runs.whole_file import write_whole
from nas.saved.encoder_facts import COMBINED, SCHEMA, facts_of_task, read, written
from nas.saved.run_folder import why_incomplete
from nas.saved.tensor_file import SavedEncoderError, build_with, file_of, read_facts
from search_space.genotype import Genotype, GenotypeError


@dataclass(frozen=True)
class SavedEncoder:
    """An encoder, or several as one, and the facts that travel with it.

    Args:
        encoder: In evaluation mode.
        genotype: What it was built and trained from; that of the first member, the heaviest, where it has several.
        variates: Names of the input columns, in order.
        window: Time steps that it saw at a time in training.
        kind: Kind of the task it was found for.
        task_name: Name of that task.
        scaler: Mean and deviation of its training rows, per series and variate.
        rng_seed: Of its training.
        identity: Names by which its training data is known again.
        question: What was asked of the data beside its kind, as arguments of `load_task`.
        members: What stands side by side in a combination, the heaviest first; none for an encoder by itself.

    Raises:
        ValueError: If the members are not those of the encoder, or the first is not the heaviest.
    """

    encoder: AnyEncoder
    genotype: Genotype
    variates: tuple[str, ...]
    window: int
    kind: str
    task_name: str
    scaler: Scaler
    rng_seed: int
    identity: Identity = field(default_factory=Identity)
    question: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[Member, ...] = ()

    def __post_init__(self) -> None:
        """Check the members."""
        if (len(self.members) or 1) != len(self.encoder.members):
            raise ValueError("there must be one member for each encoder of a combination")
        if any(member.weight > self.members[0].weight for member in self.members):
            raise ValueError("the first member must be the heaviest")

    def save(self, path: str | Path) -> None:
        """Write the encoder as `save_encoder` does."""
        write_whole(user_path(path), self.file)

    @property
    def file(self) -> bytes:
        """What `save` writes; the tensors of a combination bear the number of their member, `0/...`."""
        weights = self.encoder.state_dict()
        if len(self.encoder.members) > 1:
            weights = {
                f"{number}/{name}": value
                for number, member in enumerate(self.encoder.members)
                for name, value in member.state_dict().items()
            }
        return file_of(weights, self._facts)

    @property
    def _facts(self) -> dict[str, Any]:
        return written(**{each.name: getattr(self, each.name) for each in fields(self) if each.name != "encoder"})

    @property
    def weights(self) -> tuple[float, ...] | None:
        """What the members of a combination count for probes; None for an encoder by itself."""
        return tuple(member.weight for member in self.members) or None

    def representer(self, device: torch.device | str) -> Representer:
        """Return what represents windows by the encoder, its members weighed, on a device."""
        return Representer(self.encoder.to(device), device=device, weights=self.weights)

    def encoder_for(self, variates: Sequence[str], *, has_names: bool) -> AnyEncoder:
        """Return the encoder for data with other variates.

        Args:
            variates: Of the data, those of training in their order where it has them all.
            has_names: Whether these are names of its own, which say what each variate is.

        Raises:
            SavedEncoderError: If the encoder mixes its variates and so needs exactly those of its training.
        """
        trained = self.variates
        mismatch = len(variates) != len(trained)
        if not self.encoder.independent and (mismatch or (has_names and self.other_names(variates))):
            raise SavedEncoderError(
                f"the data has the variates {_listed(variates)}, but the encoder mixes exactly {len(trained)}: "
                f"{_listed(trained)}; give the data these columns, or say by --variates which of its own stand for them"
            )
        if not mismatch:
            return self.encoder
        encoder = self._as_drawn(len(variates))
        encoder.load_state_dict(self.encoder.state_dict())
        return encoder.eval()

    def other_names(self, variates: Sequence[str]) -> bool:
        """Whether these are not the names of training, where that had any."""
        named = self.identity.columns  # a protocol may have added calendar columns behind them
        return bool(named) and tuple(variates)[: len(named)] != named

    def asked(self, kind: str) -> dict[str, Any]:
        """Return arguments of `load_task` with which other data is read, and asked, as that of training was."""
        return {"known": self.identity.columns or None, **(self.question if kind == self.kind else {})}

    def untrained(self, n_variates: int) -> AnyEncoder:
        """Return the encoder as it was before training; what was fitted stays as it was fitted."""
        encoder = self._as_drawn(n_variates)
        for member, trained in zip(encoder.members, self.encoder.members, strict=True):
            member.refit(trained)
        return encoder.eval()

    def _as_drawn(self, n_variates: int) -> AnyEncoder:
        """Return the encoder with the weights that training began with; those of two members may be the same."""
        drawn = []
        for member in self.encoder.members:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.rng_seed)
                drawn.append(Encoder(member.cell, variates=n_variates))
        return CombinedEncoder(drawn) if len(drawn) > 1 else drawn[0]


def save_encoder(
    path: str | Path, weights: Mapping[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int
) -> None:
    """Write weights and facts to one file, complete or not at all."""
    write_whole(user_path(path), encoder_file(weights, genotype=genotype, task=task, rng_seed=rng_seed))


def encoder_file(weights: Mapping[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int) -> bytes:
    """Return what `save_encoder` writes."""
    return file_of(weights, written(genotype=genotype, rng_seed=rng_seed, **facts_of_task(task)))


def combine_files(files: Sequence[bytes], *, weights: Sequence[float], iterations: Sequence[int]) -> bytes:
    """Return the file of a combination, from the files of its members; of a single one, that file itself.

    Args:
        files: One for each member, the heaviest first.
        weights: See `Member`; one for each.
        iterations: That each was trained for.

    Raises:
        SavedEncoderError: If a file is at fault.
        ValueError: If there are too many, two are equal, one is a combination itself, they are of different data,
            windows or rng_seeds, or weights and iterations are not as stated.
    """
    if not len(files) == len(weights) == len(iterations) >= 1:
        raise ValueError(f"there must be a weight and iterations for each file, got {len(files)} files")
    if len(files) == 1:
        return files[0]
    each = [_from_file(content) for content in files]
    if any(one.members for one in each):
        raise ValueError("a combination cannot be a member of another")
    facts = [one._facts for one in each]
    strange = [name for name in facts[0] if name != "genotype" and any(one[name] != facts[0][name] for one in facts)]
    if strange:
        raise ValueError(f"members must be of the same task and rng_seed; they differ in {', '.join(strange)}")
    together = combined([member for one in each for member in one.encoder.members])
    given = zip(each, weights, iterations, strict=True)
    members = tuple(Member(one.genotype, float(weight), index(n)) for one, weight, n in given)
    return replace(each[0], encoder=together, members=members).file


def _from_file(content: bytes) -> SavedEncoder:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "encoder.safetensors"
        path.write_bytes(content)
        return load_encoder(path)


def load_encoder(path: str | Path) -> SavedEncoder:
    """Read an encoder that `save_encoder` wrote; nothing in the file is ever executed.

    Args:
        path: The file, or a run folder that holds `encoder.safetensors`.

    Raises:
        SavedEncoderError: If the file is missing, which says of a run's folder why, is something else, holds an
            unknown operator, or does not fit.
    """
    path = user_path(path)
    if path.is_dir():
        path = path / "encoder.safetensors"
        if path.is_symlink():
            raise SavedEncoderError(f"{path} is a link; the encoder of a folder must lie in it")
        if not path.exists():
            raise SavedEncoderError(f"no saved encoder at {path}: {why_incomplete(path.parent)}")
    facts, weights = read_facts(path, what="encoder")
    if facts.get("schema") not in (SCHEMA, COMBINED):
        raise SavedEncoderError(f"{path}: schema {facts.get('schema')!r} is not known (known: {SCHEMA}, {COMBINED})")
    try:
        known = read(facts)
        cells = [member.genotype.encoder for member in known["members"]] or [known["genotype"].encoder]
        parts = _by_member(weights, len(cells)) if known["members"] else [weights]
        builds = [partial(Encoder, cell, variates=len(known["variates"])) for cell in cells]
        encoder = combined([build_with(part, build) for part, build in zip(parts, builds, strict=True)])
        return SavedEncoder(encoder=encoder, **known)
    except GenotypeError as error:
        raise SavedEncoderError(
            f"{path}: its genotype cannot be built here: {'; '.join(str(error).splitlines())}"
        ) from error
    except KeyError as error:
        raise SavedEncoderError(f"{path}: the fact {error} is missing, so this is no saved encoder") from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise SavedEncoderError(f"{path}: weights and genotype do not fit ({str(error).splitlines()[0]})") from error


def _by_member(weights: Mapping[str, Tensor], n_members: int) -> list[dict[str, Tensor]]:
    """Return the weights of each member under their own names."""
    parts: dict[str, dict[str, Tensor]] = {str(number): {} for number in range(n_members)}
    for name, value in weights.items():
        number, _, own = name.partition("/")
        if number not in parts:
            raise ValueError(f"{name} belongs to no member")
        parts[number][own] = value
    return list(parts.values())


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
