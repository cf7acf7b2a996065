"""What needs a GPU: `make gpu-test`."""

import numpy as np
import pytest

from engine.frame import Frame
from engine.generate import load_generator, nvidia_driver
from engine.store import default_weights
from tests.fakes import make_portrait

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not nvidia_driver(), reason="no NVIDIA driver")]


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_cuda_agrees_with_the_cpu(backend):
    portrait = make_portrait(256, "ada")
    on_gpu = load_generator(default_weights(), backend, "cuda")
    assert on_gpu.info.device != "CPU", on_gpu.info.note
    on_cpu = load_generator(default_weights(), "torch", "cpu")
    frame = Frame.fit(256, 256, on_cpu.info.size, on_cpu.info.multiple)
    pixels, labels = frame.pixels(portrait.pixels), frame.labels(portrait.labels)
    region = np.zeros(labels.shape, np.float32)
    region[60:180, 80:200] = 1
    styles = [generator.encode(pixels, labels) for generator in (on_gpu, on_cpu)]
    np.testing.assert_allclose(styles[0].vector, styles[1].vector, atol=1e-3)
    images = [g.decode(labels, s, pixels, region) for g, s in zip((on_gpu, on_cpu), styles, strict=True)]
    if on_gpu.info.precision == "float32":
        np.testing.assert_allclose(images[0], images[1], atol=1e-3)
    else:
        assert 10 * np.log10(4 / np.square(images[0] - images[1]).mean()) >= 40
    on_gpu.close()
    on_cpu.close()
