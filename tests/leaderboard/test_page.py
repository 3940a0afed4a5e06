"""The page: one file, no address; opened in a browser, sorted, filtered, walked by keyboard."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ddbench.leaderboard.page import galleries_of, page
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.measurement import Measurement

BROWSERS = ("chromium", "chromium-browser", "chrome", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
VOID = {"meta", "link", "img", "input", "br", "hr"}


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return buffer.getvalue()


def page_of(*records, galleries=None, pictures=True) -> str:
    results = results_of(records)
    reading = Reading(records=list(records), read=len(records))
    tables = table_files(results, reading, pictures=pictures)
    return page(results, reading, tables, galleries or {})


@pytest.fixture(scope="module")
def records(make):
    return [
        make(method, dataset=dataset, ipc=ipc, seed=seed)
        for method in ("random", "dm", "apm")
        for dataset in ("cifar10", "digits")
        for ipc in (1, 10)
        for seed in range(2)
    ]


@pytest.fixture(scope="module")
def html(records):
    return page_of(*records, galleries={records[0].name: png()})


class Tags(HTMLParser):
    """The elements of a page; what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in ("p", "option"):
            self.open.pop()
        assert self.open.pop() == tag


def test_page_is_well_formed_and_its_ids_are_unique(html):
    tags = Tags(html)
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_page_names_no_address_outside_itself(html):
    for tag, attributes in Tags(html).found:
        for name in ("src", "href", "action", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), (tag, value)
    assert "://" not in html
    assert "url(" not in html
    assert "fetch(" not in html
    assert "default-src 'none'" in html


def test_every_picture_has_words_and_every_field_a_label(html):
    found = Tags(html).found
    assert all(attributes.get("alt") for tag, attributes in found if tag == "img")
    labels = html.count("<label>")
    assert labels == sum(tag in ("input", "select") for tag, _ in found)
    assert sum(tag == "caption" for tag, _ in found) == sum(tag == "table" for tag, _ in found)
    heads = [attributes for tag, attributes in found if tag == "th"]
    assert heads
    assert all(attributes.get("scope") == "col" for attributes in heads)


def test_page_is_a_function_of_the_records(records, html):
    galleries = {records[0].name: png()}
    assert page_of(*reversed(records), galleries=galleries) == html


def test_every_record_is_there_with_all_its_settings(records, html):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    data = json.loads(text[1])
    assert {one["run"] for one in data["records"]} == {one.run for one in records}
    settings = {one.run: one.plain()["method"]["settings"] for one in records}
    for one in data["records"]:
        assert data["shared"][one["method"]["settings"]["shared"]] == settings[one["run"]]


def test_text_of_a_record_runs_nothing(make):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    where = {"protocol": "hard/1", "subject": "apm", "split": "test", "at": evil}
    extra = (Measurement("odd", 1.0, "<b>", (1.0,), where, evil),)
    html = page_of(make("apm", extra=extra, given={"x": evil}), pictures=False)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("<script") == 2


def test_only_pictures_are_taken_for_galleries(tmp_path):
    (tmp_path / "galleries").mkdir()
    (tmp_path / "galleries" / "good.png").write_bytes(png())
    (tmp_path / "galleries" / "bad.png").write_text("<svg/>")
    assert list(galleries_of(tmp_path)) == ["good"]


class Tab:
    """A page in headless Chromium, spoken to through a pipe in the DevTools protocol."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.process, self.to, self.back = process, to, back
        self.number, self.rest, self.session = 0, b"", None
        self.events: list[str | None] = []

    def read(self) -> Any:
        """The next message; the names of events are kept."""
        while b"\0" not in self.rest:
            piece = os.read(self.back, 1 << 20)
            assert piece, "the browser has gone"
            self.rest += piece
        first, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(first)
        self.events.append(message.get("method"))
        return message

    def ask(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != self.number:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def visit(self, file: Path) -> None:
        """Open a file in a new tab and wait until it is loaded."""
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.ask("Page.enable")
        self.events.clear()
        self.ask("Page.navigate", url=file.as_uri())
        while "Page.loadEventFired" not in self.events:
            self.read()

    def run(self, code: str) -> Any:
        told = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def becomes(self, condition: str) -> bool:
        """Whether an expression comes true: what follows a click may come a moment later."""
        return self.run(
            "new Promise(done => { let left = 1000; const look = () => "
            f"{condition} ? done(true) : left-- ? setTimeout(look, 10) : done(false); look(); }})"
        )

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text,
                     windowsVirtualKeyCode=code)  # fmt: skip

    def column(self, table: str, number: int) -> list[str]:
        return self.run(
            f"[...document.querySelectorAll('#{table} tbody tr')].filter(r => !r.hidden)"
            f".map(r => r.cells[{number}].textContent)"
        )


@contextlib.contextmanager
def browser() -> Iterator[Tab]:
    to_read, to = os.pipe()
    back, back_write = os.pipe()

    def pipes() -> None:  # the browser reads descriptor 3 and writes 4
        read, write = os.dup(to_read), os.dup(back_write)
        os.dup2(read, 3)
        os.dup2(write, 4)

    # The browser may still write to its profile when it is told to go.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={profile}",
             "--window-size=1280,1000", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(back_write)
        try:
            yield Tab(process, to, back)
        finally:
            process.kill()
            process.wait()
            os.close(to)
            os.close(back)


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    if BROWSER is None:
        pytest.skip("no Chromium here")
    with browser() as tab:
        yield tab


@pytest.fixture
def fresh(tab, html, tmp_path) -> Tab:
    """The page as it is when it is opened."""
    file = tmp_path / "index.html"
    file.write_text(html, encoding="utf-8")
    tab.visit(file)
    return tab


BOARD = "board-1-1"


def test_clicking_a_head_sorts_by_it_up_and_down(fresh):
    button = f"#{BOARD} thead th:nth-child(5) button"
    unsorted = fresh.column(BOARD, 4)
    fresh.click(button)
    up = fresh.column(BOARD, 4)
    assert up == sorted(unsorted, key=lambda cell: float(cell.split()[0]))
    assert fresh.run(f"document.querySelector('{button}').parentNode.ariaSort") == "ascending"
    fresh.click(button)
    assert fresh.column(BOARD, 4) == up[::-1]
    assert fresh.run(f"document.querySelector('{button}').parentNode.ariaSort") == "descending"


def test_sorting_is_by_numbers_and_not_by_their_words(fresh):
    fresh.click(f"#{BOARD} thead th:nth-child(1) button")
    assert fresh.column(BOARD, 0) == ["1"] * 3 + ["10"] * 3
    fresh.click(f"#{BOARD} thead th:nth-child(3) button")
    assert fresh.column(BOARD, 2) == ["apm/1"] * 2 + ["dm/1"] * 2 + ["random/1"] * 2


def test_typing_filters_rows_and_records_and_says_how_many(fresh):
    fresh.click("#contains")
    fresh.ask("Input.insertText", text="apm")
    assert set(fresh.column(BOARD, 2)) == {"apm/1"}
    status = fresh.run("document.getElementById('status').textContent")
    assert status == "Shown: 2 of 2 boards, 4 of 12 rows, 8 of 24 records"


def test_choosing_a_dataset_and_an_ipc_hides_the_others(fresh):
    for name, value in (("dataset", "digits"), ("ipc", "10")):
        fresh.run(
            f"(() => {{ const s = document.getElementById('only-{name}'); s.value = '{value}';"
            "s.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
    shown = "[...document.querySelectorAll('.board')].filter(b => !b.hidden)"
    assert fresh.run(f"{shown}.map(b => b.dataset.dataset)") == ["digits"]
    assert fresh.column("board-2-1", 0) == ["10"] * 3


def test_a_record_opens_with_all_its_settings(fresh, records):
    run = records[0].run
    fresh.click(f"a[href='#record-{run}']")
    opened = "document.querySelector('details:target')"
    assert fresh.becomes(f"{opened}?.open")
    assert fresh.run(f"{opened}.id") == f"record-{run}"
    text = fresh.run(f"{opened}.textContent")
    for name in (*records[0].method.settings, records[0].distilled.sha256, "a processor"):
        assert name in text


def test_the_keyboard_sorts_and_opens(fresh):
    fresh.run(f"document.querySelector('#{BOARD} thead th:nth-child(5) button').focus()")
    fresh.press("Enter", 13, "\r")
    head = f"document.querySelector('#{BOARD} thead th:nth-child(5)')"
    assert fresh.run(f"{head}.ariaSort") == "ascending"
    fresh.press("Tab", 9)
    assert fresh.run("document.activeElement.textContent") == "control %"
    fresh.run("document.querySelector('#record-list summary').focus()")
    fresh.press("Enter", 13, "\r")
    assert fresh.becomes("document.querySelector('#record-list details').open")


def test_a_screen_reader_is_told_names_and_roles(fresh):
    nodes = fresh.ask("Accessibility.getFullAXTree")["nodes"]
    told = {(n.get("role", {}).get("value"), n.get("name", {}).get("value")) for n in nodes}
    for role, name in (
        ("search", "Filter boards and records"),
        ("searchbox", "contains"),
        ("combobox", "dataset"),
        ("button", "accuracy %"),
        ("navigation", "Parts of the page"),
        ("heading", "Records"),
    ):
        assert (role, name) in told
    assert any(role == "status" for role, _ in told)
    assert any(role == "table" and "hard/1" in (name or "") for role, name in told)


def test_the_page_is_seen_and_all_its_pictures_load(fresh, tmp_path):
    pictures = "[...document.images]"
    fresh.run(f"{pictures}.forEach(i => i.loading = 'eager')")
    fresh.run(f"Promise.all({pictures}.map(i => i.decode()))")
    assert fresh.run(f"{pictures}.every(i => i.naturalWidth > 0)")
    photograph = base64.b64decode(fresh.ask("Page.captureScreenshot")["data"])
    with Image.open(io.BytesIO(photograph)) as image:
        assert len(image.convert("RGB").getcolors(1 << 24)) > 50
