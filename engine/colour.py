"""A picture's own colours and sRGB: for showing them, for painting into them, and for formats that hold other ones."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from engine.types import Pixels, Region

Colours = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
STRIP_PIXELS = 1_000_000
"""A patch is worked on in strips of so many pixels, which bounds the memory that 100 megapixels take."""
SAME = 2
"""Profiles whose colours differ from sRGB by no more than this, of 255, are taken for sRGB: no rounding is worth it."""

HOLDS = {
    "PNG": {"1", "L", "LA", "P", "I;16", "RGB", "RGBA"},
    "JPEG": {"L", "RGB", "CMYK"},
    "WEBP": {"RGB", "RGBA"},
    "TIFF": {"1", "L", "LA", "P", "I", "I;16", "F", "RGB", "RGBA", "CMYK", "LAB"},
}
"""The modes that each format gives back as they were."""


def is_deep(mode: str) -> bool:
    """Whether a mode is greyscale of more than 8 bits."""
    return mode.startswith("I") or mode == "F"


def white_of(image: Image.Image) -> float:
    """Return the value that stands for white in a deep greyscale picture."""
    if image.mode.startswith("I"):
        return 65535.0
    return 1.0 if np.asarray(image).max() <= 1 else 255.0


def to_rgb(image: Image.Image) -> Pixels:
    """Turn any mode into uint8 (H, W, 3) RGB, without regard to its profile; transparency is laid on white.

    Pillow cuts deeper greyscale off at 255, which turns a 16-bit picture white: here it is scaled.

    Raises
    ------
    ValueError
        If Pillow knows no way from the mode to RGB.
    """
    if is_deep(image.mode):
        values = np.asarray(image).astype(np.float32)
        grey = np.rint(np.clip(values / white_of(image), 0, 1) * 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def to_srgb(image: Image.Image) -> Pixels:
    """Turn any mode into uint8 (H, W, 3) sRGB, through the picture's profile if it has one that can be used.

    Raises
    ------
    ValueError
        If Pillow knows no way from the mode to RGB.
    """
    base = _base(image.mode)
    transform = _transform(image, base, back=False)
    if transform is None:
        return to_rgb(image)
    if base == "CMYK":
        flat = image
    else:
        pixels = to_rgb(image)
        flat = Image.fromarray(np.ascontiguousarray(pixels[..., 0]) if base == "L" else pixels)
    return np.array(ImageCms.applyTransform(flat, transform))


def _base(mode: str) -> str:
    """Return the mode in which a profile sees a picture's colours; empty where none has a say."""
    if mode in ("1", "L", "LA", "La") or is_deep(mode):
        return "L"
    if mode in ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA"):
        return "RGB"
    return mode if mode == "CMYK" else ""


def _transform(image: Image.Image, base: str, *, back: bool) -> Any | None:
    """Return the way from a picture's profile to sRGB, or back; None if it has no usable profile, or sRGB itself."""
    space = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}.get(base)
    data = image.info.get("icc_profile")
    if not isinstance(data, bytes) or space is None:
        return None
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(data))
        if getattr(own.profile, "xcolor_space", "").strip() != space:
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        forth = ImageCms.buildTransform(own, srgb, base, "RGB", intent, flags)
        if base != "CMYK" and _changes_nothing(forth, base):
            return None
        return ImageCms.buildTransform(srgb, own, "RGB", base, intent, flags) if back else forth
    except Exception:  # a broken profile; many kinds of error, and a picture without colour management is still one
        return None


def _changes_nothing(transform: Any, base: str) -> bool:
    # By what it does and not by its name: there are many sRGB profiles, and many names.
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    if base == "L":
        probe = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    image = Image.fromarray(probe if base == "RGB" else np.ascontiguousarray(probe[..., 0]))
    result = np.asarray(ImageCms.applyTransform(image, transform)).astype(int)
    return bool(np.abs(result - probe).max() <= SAME)


def _own_colours(image: Image.Image) -> Callable[[Colours], NDArray[np.floating]]:
    """Return the way from sRGB, (h, w, 3) 0..255, to the numbers of a picture's colour channels, (h, w, channels)."""
    base = _base(image.mode)
    transform = _transform(image, base, back=True)
    if base == "L":
        scale = white_of(image) / 255 if is_deep(image.mode) else 1.0
        ramp = np.arange(256, dtype=np.float32)
        if transform is not None:
            greys = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 256, 1), 3, axis=2))
            ramp = np.asarray(ImageCms.applyTransform(greys, transform)).ravel().astype(np.float32)
        # Interpolated, so that 16 bits stay finer than the profile's 8.
        return lambda colours: (scale * np.interp(colours @ LUMA, np.arange(256), ramp))[..., None]
    if transform is None and base == "RGB":
        return lambda colours: colours

    def convert(colours: Colours) -> NDArray[np.floating]:
        flat = Image.fromarray(np.rint(colours).astype(np.uint8))
        own = flat.convert(base) if transform is None else ImageCms.applyTransform(flat, transform)
        return np.asarray(own).astype(np.float32)

    return convert


def _paintable(image: Image.Image) -> Image.Image:
    """Return a copy in a mode that can hold new colours: its own wherever that is one."""
    mode = image.mode
    # A palette has no room, and a colour that stands for transparency must not be painted by chance.
    if mode in ("P", "PA", "RGB", "RGBa") and (image.has_transparency_data or mode == "RGBa"):
        return image.convert("RGBA")
    if mode in ("1", "L", "La") and (image.has_transparency_data or mode == "La"):
        return image.convert("LA")
    if mode == "1":
        return image.convert("L")
    if mode in ("P", "YCbCr", "LAB", "HSV"):
        return image.convert("RGB")
    return image.copy()


def mix(own: NDArray[Any], wanted: NDArray[np.floating], alpha: NDArray[np.float32]) -> None:
    """Move ``own`` (h, w, channels), in place, towards ``wanted`` by ``alpha`` (h, w): nowhere else than above 0."""
    if own.dtype == np.uint8 and own.shape[2] == 3:
        step = cv2.subtract(wanted, own, dtype=cv2.CV_32F)
        step *= cv2.merge([alpha] * 3)
        # OpenCV rounds and clips as the lines below do, but several times as fast; nothing added leaves what there is.
        own[...] = cv2.add(own, step, dtype=cv2.CV_8U)
        return
    mixed = own + alpha[..., None] * (wanted - own)
    if own.dtype.kind in "iu":
        limits = np.iinfo(own.dtype)
        mixed = np.clip(np.rint(mixed), limits.min, limits.max)
    np.copyto(own, mixed, where=(alpha > 0)[..., None], casting="unsafe")


def strips(region: Region) -> list[Region]:
    """Cut a region into strips of about `STRIP_PIXELS`."""
    rows = max(1, STRIP_PIXELS // max(1, region.x1 - region.x0))
    tops = range(region.y0, region.y1, rows)
    return [Region(top, region.x0, min(top + rows, region.y1), region.x1) for top in tops]


def paint(image: Image.Image, region: Region, colours: Colours, alpha: NDArray[np.float32]) -> Image.Image:
    """Lay colours over a part of a picture, in the picture's own mode and colours.

    Parameters
    ----------
    image
        Any mode; not written to.
    region
        The part, inside the picture.
    colours
        float32 (h, w, 3), sRGB 0..255.
    alpha
        float32 (h, w) in [0, 1].

    Returns
    -------
    Image
        Wherever alpha is 0 identical to ``image``, as is its transparency. Of its mode, except that palettes, YCbCr,
        LAB and HSV turn into RGB, black and white into L, and pictures with a transparent colour into RGBA or LA.
    """
    result = _paintable(image)
    own_colours = _own_colours(result)
    channels = len(result.getbands()) - (result.mode in ("LA", "RGBA", "RGBX"))
    for strip in strips(region):
        rows = slice(strip.y0 - region.y0, strip.y1 - region.y0)
        weight = alpha[rows]
        if not weight.any():
            continue
        box = (strip.x0, strip.y0, strip.x1, strip.y1)
        numbers = np.array(result.crop(box))
        mix(
            numbers.reshape(*weight.shape, -1)[..., :channels],
            own_colours(np.clip(colours[rows], 0, 255)),
            weight,
        )
        result.paste(Image.frombytes(result.mode, (weight.shape[1], weight.shape[0]), numbers.tobytes()), box)
    return result


def fit(image: Image.Image, kind: str) -> tuple[Image.Image, tuple[str, ...]]:
    """Bring a picture into a mode that a format holds, with as little loss as can be.

    Parameters
    ----------
    image
        Any mode; not written to.
    kind
        PNG, JPEG, WEBP or TIFF.

    Returns
    -------
    image, notes
        ``image`` itself where it needs no change; without a profile where its profile does not fit any more. The notes
        tell, in full sentences, what was lost.
    """
    image = _spelled_out(image, kind)
    mode, name = image.mode, kind.replace("WEBP", "WebP")
    if mode in HOLDS[kind]:
        return image, ()
    if mode == "1" and kind == "JPEG":
        return image.convert("L"), ()
    if mode in ("LA", "RGBA"):
        base = image.convert("RGBA")
        if kind == "WEBP":
            return _without_grey_profile(image, base), ()
        flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), base).convert(mode[:-1])
        flat.info = image.info.copy()
        clear = image.getchannel("A").getextrema() != (255, 255)
        return flat, (f"{name} holds no transparency: it was laid on white.",) if clear else ()
    if is_deep(mode):
        grey = Image.fromarray(np.ascontiguousarray(to_rgb(image)[..., 0]))
        # Its colour for transparency is a number of another depth.
        grey.info = {key: value for key, value in image.info.items() if key != "transparency"}
        lost = "32" if mode in ("I", "F") else "16"
        grey, _ = fit(grey, kind)
        return grey, (f"The picture's {lost} bits of grey were reduced to 8 for {name}.",)
    if mode in ("1", "L", "P"):
        return _without_grey_profile(image, image.convert("RGB")), ()
    return Image.fromarray(to_srgb(image)), (f"{name} holds no {mode} colours: they were converted to sRGB.",)


def _spelled_out(image: Image.Image, kind: str) -> Image.Image:
    """Return the same picture in one of the modes that some format holds."""
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and kind == "PNG"):
        values = np.asarray(image)
        if mode == "I;16" or (mode == "I" and (values.min() < 0 or values.max() > 65535)):
            return image
        deep = Image.fromarray(values.astype(np.uint16))
        deep.info = image.info.copy()
        return deep
    if mode == "PA" or (mode in ("P", "RGB") and kind != "PNG" and image.has_transparency_data):
        return image.convert("RGBA")
    if mode == "La" or (mode in ("1", "L") and kind != "PNG" and image.has_transparency_data):
        return image.convert("LA")
    direct = {"RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}
    return image.convert(direct[mode]) if mode in direct else image


def _without_grey_profile(image: Image.Image, colour: Image.Image) -> Image.Image:
    """Return the RGB or RGBA version of a picture; one that was grey by a profile is converted to sRGB."""
    if _base(image.mode) != "L":
        return colour
    if _transform(image, "L", back=False) is not None:
        converted = Image.fromarray(to_srgb(image.convert("L")))
        if colour.mode == "RGBA":
            converted.putalpha(colour.getchannel("A"))
        return converted
    colour.info.pop("icc_profile", None)
    return colour
