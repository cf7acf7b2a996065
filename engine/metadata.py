"""What a picture's file says besides its pixels: kept when it is saved, and marked where a network had a part in it."""

import re
import struct
from collections.abc import MutableMapping
from typing import Any, BinaryIO
from xml.etree import ElementTree

from PIL import ExifTags, Image

PROGRAM = "Maskbrush"
REMARK = "Parts of this picture were made by a neural generator (Maskbrush)."
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

USER_COMMENT = 0x9286
COMMENT_CODE = b"ASCII\0\0\0"
LAYOUT_TAGS = (
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284, 288, 289, 292}
    | {293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347}
    | {512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724}
)
"""Tags of a TIFF that say how its pixels lie (orientation among them), or hold what is kept by other means."""

DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
PREFIXES = {
    "x": "adobe:ns:meta/",
    "rdf": RDF,
    "Iptc4xmpExt": IPTC,
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
for _prefix, _uri in PREFIXES.items():
    ElementTree.register_namespace(_prefix, _uri)  # the usual prefixes, for readers that know no others


def clean_exif(image: Image.Image) -> bytes | None:
    """Return a picture's EXIF without its orientation, its thumbnail and a TIFF's layout; None if broken or empty.

    For a TIFF, this must be called while its file is open.
    """
    try:
        kept = _unpacked(image.getexif())
        for tag in LAYOUT_TAGS & set(kept):
            del kept[tag]
        return kept.tobytes() if kept else None
    except Exception:  # Pillow raises anything for broken EXIF data
        return None


def _unpacked(exif: Image.Exif) -> Image.Exif:
    """Return a copy that holds its directories itself, and text as the bytes it was read from.

    Pillow reads text as Latin-1, but would write question marks for what is not ASCII.
    """
    result = Image.Exif()
    result.endian = exif.endian
    for tag, value in exif.items():
        result[tag] = _spelled(dict(exif.get_ifd(tag))) if tag in DIRECTORIES else value
    details = result.get(ExifTags.IFD.Exif, {})
    if ExifTags.IFD.Interop in details:
        details[ExifTags.IFD.Interop] = _spelled(dict(exif.get_ifd(ExifTags.IFD.Interop)))
    _spelled(result)
    return result


def _spelled(values: MutableMapping[int, Any]) -> MutableMapping[int, Any]:
    for tag, value in list(values.items()):
        if isinstance(value, str) and not value.isascii():
            values[tag] = value.encode("latin-1", "replace")
    return values


def marked_exif(data: bytes | None) -> bytes:
    """Return EXIF data with the program's name and the remark, after the comment that is there.

    Parameters
    ----------
    data
        From `clean_exif`; replaced if it turns out to be broken.
    """
    try:
        exif = _loaded(data)
        details = exif.setdefault(ExifTags.IFD.Exif, {})
        details[USER_COMMENT] = _with_remark(details.get(USER_COMMENT, b""), exif.endian)
        exif[ExifTags.Base.Software] = PROGRAM
        return exif.tobytes()
    except Exception:
        return marked_exif(None) if data else b""


def _loaded(data: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data or b"")
    return _unpacked(exif)


def _with_remark(comment: bytes | str, order: str | None) -> bytes:
    if isinstance(comment, str):
        comment = COMMENT_CODE + comment.encode("latin-1", "replace")
    code, text = comment[:8], comment[8:]
    codec = "ascii"
    if code.startswith(b"UNICODE"):
        codec = "utf-16-le" if order == "<" else "utf-16-be"
    remark = REMARK.encode(codec)
    if remark in text:
        return comment
    if not text.strip(b"\0 "):
        return COMMENT_CODE + REMARK.encode()
    if codec == "ascii":
        text = text.rstrip(b"\0 ")
    return code + text + " ".encode(codec) + remark


def marked_xmp(packet: bytes | None) -> bytes:
    """Return an XMP packet that says that parts of the picture come from a trained network.

    Parameters
    ----------
    packet
        The picture's own, into which this is merged; a broken one is replaced.
    """
    try:
        root = _parse(packet or b"")
    except (ElementTree.ParseError, ValueError, LookupError):
        root = ElementTree.Element(f"{{{PREFIXES['x']}}}xmpmeta")
        ElementTree.SubElement(root, f"{{{RDF}}}RDF")
    rdf = root if root.tag == f"{{{RDF}}}RDF" else root.find(f"{{{RDF}}}RDF")
    assert rdf is not None
    name = f"{{{IPTC}}}DigitalSourceType"
    descriptions = rdf.findall(f"{{{RDF}}}Description")
    for description in descriptions:
        description.attrib.pop(name, None)
        for old in description.findall(name):
            description.remove(old)
    if not descriptions:
        descriptions = [ElementTree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})]
    descriptions[0].set(name, SOURCE_TYPE)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)
    start, end = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n', '\n<?xpacket end="w"?>'
    return start.encode() + body + end.encode()


def _parse(packet: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in packet:
        raise ValueError("XMP has no document type; entities could be made to fill the memory")
    body = re.sub(rb"<\?xpacket.*?\?>", b"", packet, flags=re.DOTALL).strip(b"\0 \r\n\t")
    root = ElementTree.fromstring(body)
    if root.tag != f"{{{RDF}}}RDF" and root.find(f"{{{RDF}}}RDF") is None:
        raise ValueError("no RDF in it")
    return root


def xmp_of(image: Image.Image) -> bytes | None:
    """Return a picture's XMP packet, wherever its format left it; None if it has none."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    return packet if isinstance(packet, bytes) and packet else None


def add_to_tiff(file: BinaryIO, exif: bytes | None, xmp: bytes | None) -> None:
    """Add EXIF and XMP to a TIFF that was just written: libtiff, which compresses, cannot write an EXIF directory.

    They are appended, with a directory that unites them with what the first one holds; what that one has stays.

    Parameters
    ----------
    file
        Open for reading and writing.
    """
    if not exif and not xmp:
        return
    extra = _loaded(exif)
    if xmp:
        extra[ExifTags.Base.XMLPacket] = xmp
    file.seek(0)
    head = file.read(8)
    order = "<" if head[:2] == b"II" else ">"
    extra.endian = order
    entries = {}
    file.seek(0, 2)
    # An offset in a TIFF is even.
    file.write(b"\0" * (file.tell() % 2))
    added = file.tell()
    # Without the head of a file of its own, which precedes the directory.
    file.write(extra.tobytes(added)[14:])
    after = b"\0" * 4
    for start in (added, struct.unpack(order + "L", head[4:])[0]):
        file.seek(start)
        (count,) = struct.unpack(order + "H", file.read(2))
        for _ in range(count):
            entry = file.read(12)
            entries[struct.unpack(order + "H", entry[:2])[0]] = entry
        after = file.read(4)
    file.seek(0, 2)
    file.write(b"\0" * (file.tell() % 2))
    start = file.tell()
    file.write(struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + after)
    file.seek(4)
    file.write(struct.pack(order + "L", start))
