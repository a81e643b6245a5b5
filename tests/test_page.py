"""The API page as a person meets it: opened in a Chromium, and its example sent by one click."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, ViewportSize, expect, sync_playwright

from sample.toys import LABELS, toy_predictor
from tests.running import Running, imported, processes_of, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.chromium]

FLAGS = (
    "--no-sandbox",  # CI is root, and Chromium's sandbox refuses root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VIEW: ViewportSize = {"width": 1280, "height": 1200}
MILLISECONDS = 60_000
MAX_BYTES = 200_000
expect.set_options(timeout=MILLISECONDS)


@dataclass
class Visit:
    """A page that was opened, with what it asked for (URLs) and complained about, from the first byte on."""

    page: Page
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Record the requests, the console's errors and uncaught exceptions of all pages of ``context``."""
        context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@contextmanager
def visiting(url: str, folder: Path) -> Iterator[Visit]:
    """Open ``url`` in a headless Chromium whose home and profile are new in ``folder``; no process of it stays."""
    program, profile = shutil.which("chromium"), folder / "profile"
    assert program, "not on this machine: chromium"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=FLAGS,
            env={**os.environ, "HOME": str(folder)},
            viewport=VIEW,
        )
        try:
            context.set_default_timeout(MILLISECONDS)
            visit = Visit(context.pages[0])
            visit.watch(context)
            visit.page.goto(url)
            yield visit
        finally:
            context.close()
            wait_for(lambda: not processes_of(str(profile)))


def execute(page: Page) -> tuple[Any, Locator]:
    """Open POST /predict, click "Execute" and nothing else; give the example in view, and what came of it."""
    operation = page.locator(".opblock", has=page.locator('[data-path="/predict"]'))
    expect(operation).to_have_count(1)
    if "is-open" not in (operation.get_attribute("class") or ""):
        operation.locator(".opblock-summary-control").click()
    example = json.loads(operation.locator("textarea").input_value())
    operation.get_by_role("button", name="Execute").click()
    return example, operation.locator(".live-responses-table")


def check_page(running: Running, label: str, visit: Visit) -> Locator:
    """Check page, example and answer; give the operation's answer as it is shown."""
    document = requests.get(f"{running.url}/docs.json", timeout=60).json()
    shown = visit.page.locator(".opblock-summary-path")
    expect(shown).to_have_count(sum(len(methods) for methods in document["paths"].values()))
    expect(visit.page.locator(".info .title")).to_contain_text(document["info"]["title"])
    expect(visit.page.locator(".errors-wrapper")).to_have_count(0)

    example, answered = execute(visit.page)
    expect(answered.locator("tbody .response-col_status")).to_have_text("200")
    answer = json.loads(answered.locator("code.language-json").inner_text())
    assert label in answer
    assert answer == running.post(example).json()

    visit.page.wait_for_load_state("networkidle")
    assert f"{running.url}/predict" in visit.asked
    assert {url for url in visit.asked if not is_at(running.url, url)} == set()
    assert visit.errors == []
    return answered


def is_at(origin: str, url: str) -> bool:
    """Tell whether ``url`` has this scheme, host and port."""
    return urlsplit(url)[:2] == urlsplit(origin)[:2]


def photograph(page: Page, answered: Locator, picture: Path) -> None:
    """Write what lies between the page's top and the answer's end, as a PNG that fits into a README."""
    answer = answered.bounding_box()
    assert answer is not None
    height = page.evaluate("window.scrollY") + answer["y"] + answer["height"]
    page.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": VIEW["width"], "height": height})


def test_the_sample_model_answers_its_example(served: Running, tmp_path: Path) -> None:
    kept = os.environ.get("KEEP_SCREENSHOT")
    picture = Path(kept or tmp_path / "api-page.png")
    with visiting(f"{served.url}/", tmp_path) as visit:
        photograph(visit.page, check_page(served, "cost", visit), picture)
    size = picture.stat().st_size
    assert size > 50_000  # an empty page takes 11 kB
    assert not kept or size < MAX_BYTES, f"{picture}: {size} bytes, expected fewer than {MAX_BYTES} in the repository"


def test_every_kind_of_column_has_an_example_that_is_answered(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("toy") / "bentoml"
    tag = imported(toy_predictor("multiclass", home.parent / "toy"), home)
    with (
        Running(home, {"MODEL_TAG": tag, "SERVICE_WORKERS": "1"}) as running,
        visiting(f"{running.url}/", tmp_path) as visit,
    ):
        check_page(running, LABELS["multiclass"], visit)


def test_chromium_ends_with_a_visit_that_fails(served: Running, tmp_path: Path) -> None:
    while_open: list[int] = []

    def fail() -> None:
        with visiting(f"{served.url}/livez", tmp_path):
            while_open.extend(processes_of(str(tmp_path / "profile")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert while_open
    assert processes_of(str(tmp_path / "profile")) == []
