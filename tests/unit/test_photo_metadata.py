import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin
from PIL.ExifTags import IFD

from engine.metadata import REMARK, SOURCE_TYPE, marked_exif, marked_xmp
from engine.photo import Photo, photo_of, read_photo, save_photo
from tests.unit.test_photo import WIDE, colours, in_mode, make_patch

PACKET = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg">
<dc:creator><rdf:Seq><rdf:li>J\xc3\xbcrgen</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def camera_exif(comment: bytes | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif[0x013B] = "J\u00fcrgen".encode("latin-1")
    exif[IFD.Exif] = {0x829A: TiffImagePlugin.IFDRational(1, 60), 0xA005: {1: "R98"}}
    if comment is not None:
        exif[IFD.Exif][0x9286] = comment
    exif[IFD.GPSInfo] = {1: "N", 2: (51.0, 30.0, 2.5)}
    return exif


def full_photo(mode: str = "RGB", icc: bytes | None = None, comment: bytes | None = None) -> Photo:
    image = in_mode(mode)
    image.info.update(exif=camera_exif(comment).tobytes(), xmp=PACKET, dpi=(300.0, 300.0))
    if icc:
        image.info["icc_profile"] = icc
    return photo_of(image, "a")


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def exif_of(path: Path) -> tuple[dict, dict, dict]:
    with Image.open(path) as image:
        exif = image.getexif()
        parts = exif, exif.get_ifd(IFD.Exif), exif.get_ifd(IFD.GPSInfo)
        return dict(parts[0]), dict(parts[1]), dict(parts[2])


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("patched", [False, True])
def test_metadata_are_kept_and_marked(tmp_path: Path, suffix: str, patched: bool) -> None:
    path = tmp_path / f"a.{suffix}"
    assert save_photo(path, full_photo("RGB", WIDE), make_patch() if patched else None) == ()
    image = opened(path)
    exif, details, position = exif_of(path)
    assert image.info["icc_profile"] == WIDE
    assert exif[0x010F] == "A camera" and exif[0x013B] == "J\u00fcrgen"
    assert float(details[0x829A]) == pytest.approx(1 / 60)
    with Image.open(path) as file:
        assert file.getexif().get_ifd(IFD.Interop) == {1: "R98"}
    assert position[1] == "N" and [float(value) for value in position[2]] == [51, 30, 2.5]
    if suffix != "webp":
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    packet = image.info["xmp"]
    assert "J\u00fcrgen".encode() in packet and b"image/jpeg" in packet
    assert (SOURCE_TYPE.encode() in packet) == patched
    assert details.get(0x9286) == (b"ASCII\0\0\0" + REMARK.encode() if patched else None)
    assert exif.get(0x0131) == ("Maskbrush" if patched else None)
    if suffix == "png":
        assert image.info.get("Comment") == (REMARK if patched else None)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("patched", [False, True])
def test_metadata_where_there_were_none(tmp_path: Path, suffix: str, patched: bool) -> None:
    path = tmp_path / f"a.{suffix}"
    save_photo(path, photo_of(in_mode("RGB"), "a"), make_patch() if patched else None)
    _, details, _ = exif_of(path)
    content = path.read_bytes()
    assert (REMARK.encode() in content) == (SOURCE_TYPE.encode() in content) == (b"Maskbrush" in content) == patched
    assert (0x9286 in details) == patched


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_metadata_survive_from_every_format(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / "b.tif"
    save_photo(first, full_photo("RGB", WIDE), make_patch(), quality=100)
    for target in (second, tmp_path / "c.jpg"):
        save_photo(target, read_photo(first), make_patch())
        exif, details, position = exif_of(target)
        assert exif[0x010F] == "A camera" and exif[0x013B] == "J\u00fcrgen" and position[1] == "N"
        assert details[0x9286].count(REMARK.encode()) == 1
        assert opened(target).info["xmp"].count(SOURCE_TYPE.encode()) == 1


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (b"ASCII\0\0\0In Rome", b"ASCII\0\0\0In Rome " + REMARK.encode()),
        (b"ASCII\0\0\0In Rome\0\0  \0", b"ASCII\0\0\0In Rome " + REMARK.encode()),
        (b"\0" * 8 + b"In Rome", b"\0" * 8 + b"In Rome " + REMARK.encode()),
        (
            b"UNICODE\0" + "Rom\u00e4".encode("utf-16-be"),
            b"UNICODE\0" + f"Rom\u00e4 {REMARK}".encode("utf-16-be"),
        ),
        (b"\0" * 64, b"ASCII\0\0\0" + REMARK.encode()),
        (b"", b"ASCII\0\0\0" + REMARK.encode()),
    ],
)
def test_the_remark_is_added_to_a_comment(comment: bytes, expected: bytes) -> None:
    once = marked_exif(camera_exif(comment).tobytes())
    for data in (once, marked_exif(once)):
        exif = Image.Exif()
        exif.load(data)
        assert exif.get_ifd(IFD.Exif)[0x9286] == expected


def test_the_thumbnail_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    thumbnail = b"\xff\xd8 a thumbnail \xff\xd9"
    main = struct.pack(">HHHLLL", 1, 0x010F, 2, 9, 26, 0)[:14] + struct.pack(">L", 36)
    data = b"MM\0*\0\0\0\x08" + main + b"A camera\0\0"
    first = struct.pack(">H", 2) + struct.pack(">HHLL", 0x0201, 4, 1, 66) + struct.pack(">HHLL", 0x0202, 4, 1, 17)
    data += first + b"\0" * 4
    data = b"Exif\0\0" + data + thumbnail
    Image.fromarray(colours()).save(tmp_path / "a.jpg", exif=data)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif().get_ifd(IFD.IFD1)
    for name in ("b.jpg", "b.png", "b.tif", "b.webp"):
        save_photo(tmp_path / name, read_photo(tmp_path / "a.jpg"), make_patch())
        assert b" a thumbnail " not in (tmp_path / name).read_bytes()
        assert exif_of(tmp_path / name)[0][0x010F] == "A camera"


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"x", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\xff"]
)
def test_broken_exif_is_no_obstacle(tmp_path: Path, suffix: str, exif: bytes) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.jpg", exif=exif)
    source = read_photo(tmp_path / "a.jpg")
    for patch in (None, make_patch()):
        save_photo(tmp_path / f"b.{suffix}", source, patch)
        assert (0x9286 in exif_of(tmp_path / f"b.{suffix}")[1]) == (patch is not None)


@pytest.mark.parametrize(
    "packet",
    [None, b"", b"<broken", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xfe", PACKET[:200]],
)
def test_a_broken_packet_is_replaced(packet: bytes | None) -> None:
    result = marked_xmp(packet)
    assert result.count(SOURCE_TYPE.encode()) == 1 and b"<x:xmpmeta" in result
    assert marked_xmp(result).count(SOURCE_TYPE.encode()) == 1


def test_another_source_type_is_replaced() -> None:
    own = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    own += b' xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    own += b"<e:DigitalSourceType>digitalCapture</e:DigitalSourceType></rdf:Description></rdf:RDF>"
    result = marked_xmp(own)
    assert b"digitalCapture" not in result and SOURCE_TYPE.encode() in result and b"Iptc4xmpExt:" in result


def test_more_metadata_than_a_jpeg_can_hold(tmp_path: Path) -> None:
    image = in_mode("RGB")
    exif = camera_exif()
    exif[IFD.Exif][0x927C] = b"m" * 70_000
    image.info.update(exif=exif.tobytes(), xmp=PACKET.replace(b"</dc:creator>", b"</dc:creator>" + b" " * 70_000))
    source = photo_of(image, "a")
    for patch in (None, make_patch()):
        notes = save_photo(tmp_path / "a.jpg", source, patch)
        assert len(notes) == 2 and "EXIF" in notes[0] and "XMP" in notes[1]
        assert (REMARK.encode() in (tmp_path / "a.jpg").read_bytes()) == (patch is not None)
        assert (SOURCE_TYPE.encode() in (tmp_path / "a.jpg").read_bytes()) == (patch is not None)
    assert save_photo(tmp_path / "a.png", source) == ()


@pytest.mark.parametrize("dpi", [(0, 0), (1, 1), (72,), "72", (1e9, 1e9), None, (float("nan"), 72)])
def test_odd_resolutions_are_left_out(tmp_path: Path, dpi: Any) -> None:
    image = in_mode("RGB")
    image.info["dpi"] = dpi
    for suffix in ("png", "jpg", "tif", "webp"):
        save_photo(tmp_path / f"a.{suffix}", photo_of(image, "a"))
        # What Pillow tells of a TIFF without a resolution.
        assert opened(tmp_path / f"a.{suffix}").info.get("dpi") == ((1, 1) if suffix == "tif" else None)
