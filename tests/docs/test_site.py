"""`make docs`: the site builds without a warning, its links and anchors are there, and it needs nothing from elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import PAGES, ROOT
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors = {"", "top"}
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        elif tag == "link" and values.get("rel") != "canonical":
            self.loads.add(values["href"])
        elif "src" in values:
            self.loads.add(values["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (options,) = re.findall(r"python -m (sphinx .*) build/site$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = [sys.executable, "-m", *options.split(), str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder


def test_links_anchors_and_nothing_from_elsewhere(site):
    pages = {path: Page(path) for path in site.rglob("*.html")}
    assert len(pages) > len(PAGES)
    wrong = []
    for path, page in pages.items():
        for target in page.links | page.loads:
            url = urlsplit(target)
            other = (path.parent / unquote(url.path)).resolve() if url.path else path
            if url.scheme in ("http", "https", "mailto"):
                there = target in page.links and target not in page.loads
            elif url.scheme == "data":
                there = True
            else:
                there = other.is_file() and (other not in pages or unquote(url.fragment) in pages[other].anchors)
            if not there:
                wrong.append(f"{path.relative_to(site)}: {target}")
    assert not wrong, "\n".join(wrong)


def test_every_page_is_there(site):
    for page in PAGES:
        assert (site / page.relative_to(ROOT).with_suffix(".html")).is_file()


def test_it_is_searched_from_disk(site, browser):
    browser.get(f"{site.as_uri()}/index.html")
    WebDriverWait(browser, 20).until(lambda here: here.current_url.endswith("docs/index.html"))
    field = browser.find_element("css selector", "input[name=q]")
    field.send_keys("Im2dist\n")
    found = WebDriverWait(browser, 20).until(lambda here: here.find_elements("css selector", "#search-results li a"))
    assert any("paper.html" in link.get_attribute("href") for link in found)
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
