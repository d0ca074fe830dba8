"""Take the pictures of docs/view.md in headless Chromium: the masks of the shipped network, and the graph of the paper's.

python scripts/make_screenshots.py [--output FOLDER]

Needs Selenium, chromium and chromedriver.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from selenium import webdriver
from skimage import data

from segaware_caffe import Net
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.schema import read_variables
from segaware_caffe.view import write_page

TARGET = Path(__file__).resolve().parent.parent / "docs"
#: of the browser; the pictures are made smaller
SIZE, WIDTH = (1500, 950), 1200
#: on the rim of the cup, in the photograph as the network takes it; the last mask with a smaller factor
SHOW_MASK = """
    at('tab-masks').click();
    choosePixel(239, 108);
    at('window').value = photo.windows.length - 1;
    at('window').dispatchEvent(new Event('change'));
    at('factor').value = -1.2;
    at('factor').dispatchEvent(new Event('input'));
"""


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """A headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={SIZE[0]},{SIZE[1]}"):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def main() -> None:
    """Write view.png and view_network.png."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=TARGET, metavar="FOLDER")
    target = parser.parse_args().output
    with TemporaryDirectory() as folder, browser() as chromium:
        page = Path(folder, "net.html")

        def take(name: str, script: str = "") -> None:
            chromium.get(page.as_uri())
            chromium.execute_script(script)
            picture = Image.open(BytesIO(chromium.get_screenshot_as_png())).convert("RGB")
            height = picture.height * WIDTH // picture.width
            picture.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(256).save(target / name, optimize=True)

        shipped = Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)
        write_page(shipped, page, photograph=data.coffee(), classes=CAMVID_SEGAWARE.classes)
        take("view.png", SHOW_MASK)
        write_page(Net("configs/res/test.prototxt", variables=read_variables("configs/res/voc_val.vars")), page)
        take("view_network.png")


if __name__ == "__main__":
    main()
