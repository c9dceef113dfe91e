"""Photographs and TIFF files: depth, orientation, transparency, pages and levels."""

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from medvlm.errors import UserError
from medvlm.imaging import Limits, read, render
from medvlm.types import Scan
from tests.fuzz import orientation, pyramid, saved, slide, tiff

RNG = np.random.default_rng(9)
GREY = RNG.integers(0, 256, (40, 32), dtype=np.uint8)
RGB = RNG.integers(0, 256, (40, 32, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 4096, (40, 32), dtype=np.uint16)
Array = np.ndarray[Any, Any]


def read_case(data: bytes, limits: Limits | None = None) -> Scan:
    return read(data, "case", limits or Limits())


@pytest.mark.parametrize(
    ("form", "kind", "options"),
    [("PNG", "PNG", {}), ("BMP", "BMP", {}), ("WEBP", "WebP", {"lossless": True}), ("TIFF", "TIFF", {})],
)
def test_a_lossless_picture_comes_back_exactly(form: str, kind: str, options: dict[str, Any]) -> None:
    scan = read_case(saved(Image.fromarray(RGB), form, **options))
    assert (render(scan) == RGB).all()
    assert (scan.kind, scan.name, scan.domain, scan.domain_source) == (kind, f"{kind} picture", "other", "unknown")
    assert scan.window is None and scan.spacing is None


def test_a_jpeg_comes_back_as_pillow_reads_it() -> None:
    data = saved(Image.fromarray(RGB), "JPEG")
    assert (render(read_case(data)) == np.asarray(Image.open(io.BytesIO(data)))).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_the_type_is_told_from_the_bytes_whatever_the_name(form: str) -> None:
    scan = read(saved(Image.fromarray(RGB), form), "holiday.dcm")
    assert scan.kind.upper() == form


def test_eight_bit_grey_stays_a_single_channel_and_is_shown_as_it_is() -> None:
    scan = read_case(saved(Image.fromarray(GREY), "PNG"))
    assert scan.slices[0].shape == GREY.shape
    assert (render(scan)[..., 0] == GREY).all()


def test_sixteen_bits_stay_numbers_until_windowed() -> None:
    scan = read_case(saved(Image.fromarray(DEEP), "PNG"))
    assert scan.slices[0].dtype == np.uint16 and (scan.slices[0] == DEEP).all()
    assert "16-bit grey, window by percentiles 1 to 99" in scan.notes
    assert render(scan).min() == 0 and render(scan).max() == 255


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_transparent_parts_are_black(mode: str) -> None:
    image = Image.new("RGBA", (4, 2), (255, 255, 255, 255))
    image.paste((255, 255, 255, 0), (0, 0, 2, 2))
    form = "TIFF" if mode == "PA" else "PNG"
    scan = read_case(saved(image.convert("RGBA" if mode == "PA" else mode), form))
    assert render(scan)[0, :, 0].tolist() == [0, 0, 255, 255]
    assert "transparent parts shown on black" in scan.notes


def test_half_transparent_white_is_mid_grey() -> None:
    scan = read_case(saved(Image.new("RGBA", (2, 2), (255, 255, 255, 128)), "PNG"))
    assert set(render(scan).ravel().tolist()) == {128}


def test_an_opaque_picture_with_alpha_has_no_note_of_it() -> None:
    scan = read_case(saved(Image.fromarray(RGB).convert("RGBA"), "PNG"))
    assert (render(scan) == RGB).all() and "transparent parts shown on black" not in scan.notes


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_picture_is_turned_as_the_camera_noted(form: str, value: int) -> None:
    options: dict[str, Any] = {"exif": orientation(value)}
    if form == "TIFF":
        exif = Image.Exif()
        exif[0x0112] = value
        options = {"exif": exif}
    data = saved(Image.fromarray(RGB), form, **options)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    scan = read_case(data)
    assert (render(scan) == expected).all()
    assert ("rotated as the camera noted" in scan.notes) == (value > 1)


def test_a_compressed_tiff_is_turned_as_the_camera_noted_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    scan = read_case(saved(Image.fromarray(RGB), "TIFF", exif=exif, compression="tiff_lzw"))
    assert (render(scan) == np.rot90(RGB, 3)).all() and "rotated as the camera noted" in scan.notes


def test_cmyk_becomes_rgb() -> None:
    scan = read_case(saved(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "JPEG"))
    assert np.abs(render(scan)[0, 0].astype(int) - (255, 0, 0)).max() < 6
    assert "CMYK colours brought to RGB" in scan.notes


def test_a_palette_of_greys_is_a_grey_picture() -> None:
    scan = read_case(saved(Image.fromarray(GREY).convert("P"), "PNG"))
    assert scan.slices[0].ndim == 2 and (render(scan)[..., 0] == GREY).all()


def test_one_bit_is_black_and_white() -> None:
    scan = read_case(saved(Image.fromarray(GREY > 127), "PNG"))
    assert (render(scan)[..., 0] == np.where(GREY > 127, 255, 0)).all()


def test_the_first_picture_of_an_animation_is_taken_and_said() -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    scan = read_case(saved(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    assert (render(scan) == RGB).all() and "first of 2 pictures of an animation" in scan.notes


NUMBERS = ["uint8", "uint16", "int16", "uint32", "float32", "float64"]
PLAIN: list[dict[str, Any]] = [{}, {"compression": "zlib"}, {"byteorder": ">"}]


@pytest.mark.parametrize(
    ("dtype", "options"),
    [(dtype, options) for dtype in NUMBERS for options in PLAIN]
    + [(dtype, {"compression": "zlib", "predictor": True}) for dtype in NUMBERS[:4]],
)
def test_tiff_numbers_come_back_exactly(dtype: str, options: dict[str, Any]) -> None:
    pixels = DEEP.astype(dtype)
    scan = read_case(tiff(pixels, **options))
    assert (scan.slices[0] == pixels).all()
    assert scan.slices[0].dtype == (np.float32 if dtype == "float64" else np.dtype(dtype))


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "group4", "jpeg"])
def test_tiff_of_every_compression_is_read(compression: str) -> None:
    image = Image.fromarray(GREY).convert("1") if compression == "group4" else Image.fromarray(GREY // 64 * 64)
    scan = read_case(saved(image, "TIFF", compression=compression))
    difference = np.abs(render(scan)[..., 0].astype(int) - np.asarray(image.convert("L")))
    assert difference.mean() <= (8 if compression == "jpeg" else 0)


@pytest.mark.parametrize("compression", ["tiff_lzw", None])
def test_sixteen_bit_tiff_stays_numbers(compression: str | None) -> None:
    scan = read_case(saved(Image.fromarray(DEEP), "TIFF", compression=compression))
    assert (scan.slices[0] == DEEP).all()


@pytest.mark.parametrize("compression", ["zlib", None])
@pytest.mark.parametrize("pixels", [GREY, DEEP])
def test_white_is_zero_is_inverted(pixels: Array, compression: str | None) -> None:
    scan = read_case(tiff(pixels, photometric="miniswhite", compression=compression))
    plain = render(read_case(tiff(pixels, photometric="minisblack", compression=compression)))
    assert (render(scan) == 255 - plain).all()


def test_undefined_pixels_take_the_lowest_value() -> None:
    pixels = np.array([[np.nan, 1.0, 2.0, np.inf]], dtype=np.float32)
    scan = read_case(tiff(pixels))
    assert scan.slices[0].tolist() == [[1.0, 1.0, 2.0, 2.0]]
    assert "undefined pixels shown as the lowest value" in scan.notes


def test_pages_become_slices_with_one_window() -> None:
    stack = np.stack([DEEP, DEEP // 2, DEEP // 4])
    scan = read_case(tiff(stack, photometric="minisblack"))
    assert len(scan.slices) == 3 and (scan.slices[2] == stack[2]).all() and scan.name == "TIFF stack"
    assert render(scan, 0).mean() > render(scan, 2).mean()


def test_pages_of_another_size_are_left_out_and_said() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for pixels in (DEEP, DEEP, DEEP[:9, :9]):
            writer.write(pixels, photometric="minisblack", metadata=None)
    scan = read_case(out.getvalue())
    assert len(scan.slices) == 2 and "1 pages of another size or type left out" in scan.notes


def test_twelve_bits_of_colour_use_the_whole_range() -> None:
    scan = read_case(tiff(np.full((4, 4, 3), (4095, 2048, 0), np.uint16), photometric="rgb"))
    assert render(scan)[0, 0].tolist() == [255, 128, 0]


@pytest.mark.parametrize("options", [{"planarconfig": "separate"}, {"planarconfig": "contig"}])
def test_colour_planes_are_put_together(options: dict[str, Any]) -> None:
    pixels = np.moveaxis(RGB, -1, 0) if options["planarconfig"] == "separate" else RGB
    scan = read_case(tiff(np.ascontiguousarray(pixels), photometric="rgb", **options))
    assert (render(scan) == RGB).all()


@pytest.mark.parametrize(("kind", "expected"), [("unassalpha", 50), ("assocalpha", 100)])
def test_alpha_of_tiff_is_flattened_as_its_kind_demands(kind: str, expected: int) -> None:
    pixels = np.full((4, 4, 4), (100, 100, 100, 128), np.uint8)
    scan = read_case(tiff(pixels, photometric="rgb", extrasamples=[kind]))
    assert set(render(scan).ravel().tolist()) == {expected}


def test_big_tiff_is_read() -> None:
    assert (read_case(tiff(DEEP, bigtiff=True)).slices[0] == DEEP).all()


def test_a_pyramid_is_shown_at_a_level_that_fits() -> None:
    scan = read_case(pyramid(), Limits(frame_pixels=130 * 130))
    assert scan.slices[0].shape == (128, 128, 3) and len(scan.slices) == 1
    assert "whole-slide picture of 256 x 256 pixels shown at 128 x 128" in scan.notes


def test_a_pyramid_compressed_as_jpeg_is_read() -> None:
    base = np.add.outer(np.arange(256), np.arange(256)).astype(np.uint8)
    image = Image.fromarray(np.stack([base] * 3, axis=-1))
    out = io.BytesIO()
    image.save(out, "TIFF", compression="jpeg", save_all=True, append_images=[image.resize((128, 128))])
    assert read_case(out.getvalue()).slices[0].shape == (256, 256, 3)


SMOOTH = np.stack([np.add.outer(np.arange(256) // 2, np.arange(256) // 2)] * 3, axis=-1).astype(np.uint8)


@pytest.mark.parametrize(("most", "size"), [(256 * 256, 256), (130 * 130, 128)])
def test_a_slide_scanners_file_is_read_at_a_level_that_fits(most: int, size: int) -> None:
    scan = read_case(slide(SMOOTH), Limits(frame_pixels=most))
    assert len(scan.slices) == 1 and scan.slices[0].shape == (size, size, 3)
    assert np.abs(scan.slices[0].astype(int) - SMOOTH[:: 256 // size, :: 256 // size]).max() < 8


def test_levels_hung_under_the_first_page_are_found() -> None:
    base = RNG.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    out = io.BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        options: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", "compression": "zlib"}
        writer.write(base, subifds=1, **options)
        writer.write(base[::2, ::2], subfiletype=1, **options)
    scan = read_case(out.getvalue(), Limits(frame_pixels=130 * 130))
    assert (scan.slices[0] == base[::2, ::2]).all()


def test_a_slide_without_a_fitting_level_is_refused_with_advice() -> None:
    with pytest.raises(UserError, match=r"whole-slide picture of 256 x 256 .* Export a region"):
        read_case(pyramid(), Limits(frame_pixels=1000))


def test_a_slide_scanners_label_is_not_taken_for_a_level() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        options: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", "metadata": None}
        writer.write(np.zeros((256, 256, 3), np.uint8), description="Aperio Image Library v1", **options)
        writer.write(np.full((128, 128, 3), 255, np.uint8), description="label 128x128", **options)
    with pytest.raises(UserError, match="whole-slide"):
        read_case(out.getvalue(), Limits(frame_pixels=130 * 130))
