"""What the tests of every room may use."""

import logging
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from segaware_caffe.allowed_paths import VARIABLE
from segaware_caffe.log_lines import PACKAGE

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The reference's own files, where they lie beside the repository.

    Only for tests that repeat on the originals what another test shows without them.
    """
    if not SHARED.is_dir():
        pytest.skip(f"the reference's files are not at {SHARED}")
    return SHARED


@pytest.fixture(autouse=True, scope="session")
def _places_of_the_tests():
    """Most tests keep the lists and the data that their nets name in temporary folders, or beside the repository: said as a user would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, os.pathsep.join((tempfile.gettempdir(), str(SHARED))))
        yield


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """The command line hands glog flags on through the environment, and `caffe.init_log` adds a handler: no later test may meet either."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("GLOG_")}
    package = logging.getLogger(PACKAGE)
    handlers, level, propagate = package.handlers[:], package.level, package.propagate
    yield
    for name in [name for name in os.environ if name.startswith("GLOG_")]:
        del os.environ[name]
    os.environ.update(variables)
    package.handlers[:] = handlers
    package.setLevel(level)
    package.propagate = propagate


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver) and not os.environ.get("CI"):
        pytest.skip("there is no chromium with chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1500,950"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture
def dark_and_narrow(browser):
    """The browser of a reader who likes it dark, at 400 % in a window 1500 pixels wide."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 375, "height": 237, "deviceScaleFactor": 4, "mobile": False})
    yield browser
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
