"""The networks in training, and one step of each kind of stage."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Adam, Optimizer

from models.average import follow
from models.batches import Batch
from models.blender import AlphaBlender
from models.discriminator import PatchDiscriminator
from models.generator import DenseMappingNetwork, class_table, with_class_table
from models.losses import (
    Verdicts,
    feature_matching,
    fool_loss,
    judge_loss,
    label_agreement,
    reconstruction,
    region_colours,
)
from models.mask_vae import MaskVAE, simulated_edits, vae_loss
from models.perceptual import PerceptualLoss
from models.planes import one_hot, resized_labels
from models.recipe import Recipe

BETAS = (0.5, 0.999)
"""Adam's, for all networks."""

NETWORKS = ("generator", "average", "discriminator", "mask_vae", "blender")
OPTIMISERS = ("generator_optimiser", "discriminator_optimiser", "blend_optimiser", "mask_optimiser")


class _Mapping(nn.Module):
    """Encoding and decoding as one pass, which is what DistributedDataParallel can follow."""

    def __init__(self, network: DenseMappingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, labels: Tensor, batch: Batch, region: Tensor) -> Tensor:
        c = self.network.config
        style = self.network.encode(batch.style_labels, batch.style_image)
        if c.region_channels:
            style = with_class_table(c, style, class_table(c, style) * batch.kept)
        copies = len(labels) // len(style)
        context = (batch.image.repeat(copies, 1, 1, 1), region.repeat(copies, 1, 1, 1)) if c.context else ()
        return self.network.decode(labels, style.repeat(copies, 1), *context)


class Trainer:
    """All networks of a recipe, their optimisers and the running average of the generator's weights.

    Parameters
    ----------
    recipe
        Shapes and settings.
    device
        Where to train.
    perceptual
        The fixed networks behind the perceptual loss and the label loss; None leaves both out.
    bf16
        Whether convolutions run in bfloat16.
    distributed
        Whether gradients are averaged over the processes of the default group.
    """

    def __init__(
        self,
        recipe: Recipe,
        device: torch.device,
        perceptual: PerceptualLoss | None = None,
        bf16: bool = False,
        distributed: bool = False,
    ) -> None:
        self.recipe, self.device, self.bf16 = recipe, device, bf16
        self.generator = self._place(DenseMappingNetwork(recipe.generator))
        self.average = DenseMappingNetwork(recipe.generator).to(device).eval().requires_grad_(False)
        self.average.load_state_dict(self.generator.state_dict())
        self.discriminator = self._place(PatchDiscriminator(recipe.discriminator))
        self.mask_vae = self._place(MaskVAE(recipe.mask_vae))
        self.blender = self._place(AlphaBlender(recipe.blender))
        self.perceptual = self._place(perceptual) if perceptual is not None else None
        rate = recipe.learning_rate
        self.generator_optimiser = Adam(self.generator.parameters(), rate, BETAS)
        self.discriminator_optimiser = Adam(self.discriminator.parameters(), rate, BETAS)
        # One optimiser covers generator and blender when the blend is trained, as in the published code.
        blend = [*self.generator.parameters(), *self.blender.parameters()]
        self.blend_optimiser = Adam(blend, rate, BETAS)
        self.mask_optimiser = Adam(self.mask_vae.parameters(), rate, (0.9, 0.999))
        share: Callable[[nn.Module], nn.Module] = DistributedDataParallel if distributed else lambda module: module
        self.map = share(_Mapping(self.generator))
        self.judge = share(self.discriminator)
        self.autoencode = share(self.mask_vae)
        self.blend = share(self.blender)

    def _place(self, network: Any) -> Any:
        return network.to(self.device, memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def step(self, step: int, batch: Batch) -> dict[str, Tensor]:
        """Train on one batch; returns the losses, each a scalar tensor on the device, of this process's share."""
        stage, rate = self.recipe.stage_at(step), self.recipe.rate_at(step)
        for name in OPTIMISERS:
            getattr(self, name).param_groups[0]["lr"] = rate
        batch = batch.to(self.device)
        if stage.kind == "masks":
            return self._masks(batch)
        losses = self._mapping(batch) if stage.kind == "mapping" else self._simulated(batch)
        self._follow(step)
        return losses

    def _masks(self, batch: Batch) -> dict[str, Tensor]:
        size = self.recipe.mask_vae.size
        labels = resized_labels(batch.labels, (size, size))
        with self._autocast():
            logits, mean, log_variance = self.autoencode(one_hot(labels), batch.noise)
        loss = vae_loss(logits, labels, mean, log_variance)
        _update(self.mask_optimiser, loss)
        right = (logits.argmax(dim=1) == labels).float().mean()
        return {"mask_vae": loss.detach(), "mask_accuracy": right}

    def _mapping(self, batch: Batch) -> dict[str, Tensor]:
        """Stage 1: update the discriminator, then the generator."""
        planes = one_hot(batch.labels)
        with self._autocast():
            render = self.map(batch.labels, batch, batch.region)
        composed = _composed(render, batch)
        judge, real = self._train_judge(planes, batch, composed, batch.region)
        total, losses = self._terms(planes, batch, render, composed, batch.region, real)
        _update(self.generator_optimiser, total)
        return {"discriminator": judge, **losses}

    def _simulated(self, batch: Batch) -> dict[str, Tensor]:
        """Stage 2 (section 3.3): D(render), G(render), D(blend), then generator and blender on the blend."""
        planes = one_hot(batch.labels)
        inner, outer = simulated_edits(self.mask_vae, planes, one_hot(batch.reference))
        region = batch.region
        if self.recipe.generator.context:
            # What the simulated edits change is what is blanked.
            changed = ((inner != batch.labels) | (outer != batch.labels)).float()[:, None]
            reach = max(1, batch.labels.shape[-1] // 64)
            region = F.max_pool2d(changed, 2 * reach + 1, 1, reach)
        own = {"style_labels": batch.labels, "style_image": batch.image, "paired": torch.ones_like(batch.paired)}
        batch = replace(batch, region=region, **own)
        losses = self._mapping(batch)
        with self._autocast():
            renders = self.map(torch.cat([inner, outer]), batch, region)
            blend, _ = self.blend(*(_composed(render, batch).float() for render in renders.chunk(2)))
        judge, real = self._train_judge(planes, batch, blend, region)
        total, blended = self._terms(planes, batch, blend, blend, region, real)
        _update(self.blend_optimiser, total)
        losses["blend_discriminator"] = judge
        return losses | {f"blend_{name}": value for name, value in blended.items()}

    def _train_judge(self, planes: Tensor, batch: Batch, made: Tensor, region: Tensor) -> tuple[Tensor, Verdicts]:
        """Update the discriminator; returns its loss and its features of the real pictures."""
        count = len(planes)
        with self._autocast():
            both = self.judge(planes.repeat(2, 1, 1, 1), torch.cat([batch.image, made.detach()]))
        real = [[x[:count] for x in outputs] for outputs in both]
        fake = [[x[count:] for x in outputs] for outputs in both]
        loss = judge_loss(real, fake, region, self.recipe.gan).mean()
        _update(self.discriminator_optimiser, loss)
        return loss.detach(), [[x.detach() for x in outputs] for outputs in real]

    def _terms(
        self, planes: Tensor, batch: Batch, render: Tensor, composed: Tensor, region: Tensor, real: Verdicts
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the generator's losses of what it made (``render``), also inside its portrait (``composed``)."""
        weights, paired = self.recipe.weights, batch.paired
        self.discriminator.requires_grad_(False)
        with self._autocast():
            judged = self.discriminator(planes, composed)
        self.discriminator.requires_grad_(True)
        blanked_whole = region.flatten(1).amin(dim=1)
        known = paired * (1 - (1 - weights.whole) * blanked_whole)
        terms = {
            "reconstruction": (reconstruction(render, batch.image, region) * known).mean(),
            "adversarial": fool_loss(judged, region, self.recipe.gan).mean(),
            "features": (feature_matching(judged, real, region) * paired).mean(),
        }
        if self.perceptual is not None:
            with self._autocast():
                distance, logits = self.perceptual(composed, batch.image)
            terms["perceptual"] = (distance * paired).mean()
            terms["labels"] = label_agreement(logits, batch.labels, region).mean()
        if weights.colours and self.recipe.copied:
            colours = region_colours(render.float(), planes, batch.style_image, one_hot(batch.style_labels))
            terms["colours"] = (colours * (1 - paired)).mean()
        total = torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
        return total, {name: value.detach() for name, value in terms.items()}

    def _follow(self, step: int) -> None:
        """Move the running average of the weights, which counts the steps that have moved it."""
        follow(self.average, self.generator, self.recipe.course(step)[0], self.recipe.average)

    def state(self) -> dict[str, Any]:
        """Everything that resuming needs."""
        return {name: getattr(self, name).state_dict() for name in (*NETWORKS, *OPTIMISERS)}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state made by `state`."""
        for name in (*NETWORKS, *OPTIMISERS):
            getattr(self, name).load_state_dict(state[name])

    def start_from(self, network: DenseMappingNetwork) -> None:
        """Take up a generator's weights; inputs and parts that it did not have start without influence or anew.

        Raises
        ------
        ValueError
            If the weights are of a network of another shape.
        """
        theirs, ours = network.config.inputs, self.generator.config.inputs
        if ours[: len(theirs)] != theirs:
            raise ValueError(f"its inputs {theirs} are not the first of {ours}")
        mine = self.generator.state_dict()
        for name, value in network.state_dict().items():
            if name not in mine or not _pad_to(value, mine[name]):
                raise ValueError(f"{name} of shape {tuple(value.shape)} has no place in this network")
        self.generator.load_state_dict(mine)
        self.average.load_state_dict(mine)


def _composed(render: Tensor, batch: Batch) -> Tensor:
    """Return the render inside the batch's regions and the portraits outside."""
    return render * batch.region + batch.image * (1 - batch.region)


def _pad_to(value: Tensor, target: Tensor) -> bool:
    """Copy weights into a parameter that may have more input channels; False if they do not fit otherwise."""
    if value.shape == target.shape:
        target.copy_(value)
        return True
    wider = value.ndim == 4 and value.shape[1] < target.shape[1]
    if not wider or value.shape[:1] + value.shape[2:] != target.shape[:1] + target.shape[2:]:
        return False
    target.zero_()
    target[:, : value.shape[1]] = value
    return True


def _update(optimiser: Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
