"""What is known of face parsers, apart from the networks so that reading it does not import torch."""

GRAPH = "labels_of_a_face"
"""The value of the metadata key ``network`` that marks a graph made by `models.export_parser`."""

SIZE = 256
"""The side in pixels of the pictures that our own parsers are trained on."""

BISENET_SIZE = 512
"""The same of the published BiSeNet."""

BISENET_MEAN = (0.485, 0.456, 0.406)
BISENET_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], RGB: what BiSeNet's input is normalised with."""

BISENET_LICENCE = (
    "These face parsing weights were published for CelebAMask-HQ, whose licence allows non-commercial research and "
    "education only."
)
