"""The page: one file, nothing from elsewhere; opened in a browser, read and walked by keyboard."""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ddbench.distilling.registry import METHODS
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


def page_of(*records, galleries=None) -> str:
    results = results_of(records)
    return page(results, Reading(records=list(records), read=len(records)), galleries or {})


@pytest.fixture(scope="module")
def records(make):
    """Digits have more methods, so that their boards are the fullest."""
    methods = {"cifar10": ("random", "dm"), "digits": ("random", "dm", "apm")}
    return [
        make(method, dataset=dataset, ipc=ipc, seed=seed)
        for dataset, own in methods.items()
        for method in own
        for ipc in (1, 10)
        for seed in range(3)
    ]


@pytest.fixture(scope="module")
def html(records):
    pictured = [one for one in records if one.task.seed == 0 and one.task.ipc == 1]
    return page_of(*records, galleries={one.name: png() for one in pictured})


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
    named = html.count("<label>") + sum(tag == "select" and "aria-label" in a for tag, a in found)
    assert named == sum(tag in ("input", "select") for tag, _ in found)
    assert sum(tag == "caption" for tag, _ in found) == sum(tag == "table" for tag, _ in found)
    heads = [attributes for tag, attributes in found if tag == "th"]
    assert heads
    assert all(attributes.get("scope") == "col" for attributes in heads)


def test_page_is_a_function_of_the_records(records, html):
    pictured = [one for one in records if one.task.seed == 0 and one.task.ipc == 1]
    assert page_of(*reversed(records), galleries={one.name: png() for one in pictured}) == html


def test_every_record_is_there_with_all_its_settings(records, html):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    data = json.loads(text[1])
    assert {one["run"] for one in data["records"]} == {one.run for one in records}
    settings = {one.run: one.plain()["method"]["settings"] for one in records}
    for one in data["records"]:
        assert data["shared"][one["settings"]["shared"]] == settings[one["run"]]


def test_parts_that_records_have_alike_stand_once(html):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    shared = json.loads(text[1])["shared"]
    assert len({json.dumps(part) for part in shared}) == len(shared)


def test_boards_of_the_script_have_the_rows_of_the_csv_file(records, html):
    text = re.search(r'<script type="application/json" id="boards">(.*?)</script>', html, re.DOTALL)
    boards = json.loads(text[1])["boards"]
    results = results_of(records)
    files = table_files(results, Reading(records=records, read=1), pictures=False)
    lines = list(csv.DictReader(io.StringIO(files["scores.csv"].decode())))
    rows = [{**board["fields"], **row} for board in boards for row in board["rows"]]
    assert [list(row) for row in rows] == [list(line) for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert (row["method"], str(row["rank"])) == (line["method"], line["rank"])
        assert row["accuracy"] == float(line["accuracy"])


def test_a_budget_that_measures_nothing_says_so(make):
    smoke = page_of(*(make("apm", budget="smoke", seed=seed) for seed in range(3)))
    told = "Budget smoke shows that everything runs; these numbers measure nothing."
    assert smoke.count(told) >= 2  # beside the table, and for the overview
    assert told not in page_of(make("apm"))


def test_methods_are_told_apart_by_colour_and_marker_together(make):
    names = [*METHODS.names(), "a_stranger", "another_stranger"]
    html = page_of(*(make(name) for name in names), make("dm", given={"x": 1}))
    text = re.search(r'<script type="application/json" id="boards">(.*?)</script>', html, re.DOTALL)
    styles = json.loads(text[1])["styles"]
    assert len(styles) == len(names) + 1
    assert len({(one["colour"], one["marker"]) for one in styles.values()}) == len(styles)


def test_text_of_a_record_runs_nothing(make):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    where = {"protocol": "hard/1", "subject": "apm", "split": "test", "at": evil}
    extra = (Measurement("odd", 1.0, "<b>", (1.0,), where, evil),)
    html = page_of(make("apm", extra=extra, given={"x": evil}))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("<script") == 3


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

    def visit(self, file: Path, fragment: str = "") -> None:
        """Open a file in a new tab and wait until it is loaded."""
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.ask("Page.enable")
        self.events.clear()
        self.ask("Page.navigate", url=f"{file.as_uri()}#{fragment}")
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

    def column(self, board: str, number: int) -> list[str]:
        return self.run(
            f"[...document.querySelectorAll('{board} tbody tr')].filter(r => !r.hidden)"
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
def visit(tab, html, tmp_path):
    """Open the page at a fragment."""
    file = tmp_path / "index.html"
    file.write_text(html, encoding="utf-8")

    def visit(fragment: str = "") -> Tab:
        tab.visit(file, fragment)
        return tab

    return visit


BOARD = "#view-board .board:not([hidden])"
DIGITS = "dataset=digits&ipc=10&protocol=hard/1,+class+ids"


def shown(tab) -> list[str]:
    return tab.run("[...document.querySelectorAll('.view:not([hidden])')].map(v => v.id)")


def choose(tab, name: str, value: str) -> None:
    """Choose in the picker, and wait until the address has it."""
    tab.run(
        f"(() => {{ const s = document.getElementById('only-{name}'); s.value = '{value}';"
        "s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    assert tab.becomes(f"location.hash.includes('{name}={value}')")


def test_the_page_opens_on_the_fullest_board_and_says_who_leads_at_what_cost(visit):
    tab = visit()
    assert shown(tab) == ["view-overview"]
    assert tab.run("document.getElementById('only-dataset').value") == "digits"
    told = tab.run("document.getElementById('leader').textContent")
    assert re.search(r"apm/1 leads with \d\d\.\d ± \d+\.\d %", told)
    assert re.search(r"It is [\d.]+ kB and took [\d.]+ s and [\d.]+ MB to make\.", told)


def test_the_overview_has_every_method_in_every_cell_with_its_interval(visit):
    tab = visit(f"overview&{DIGITS}")
    heads = tab.run("[...document.querySelectorAll('#matrix thead th')].map(h => h.textContent)")
    cells = ["cifar10, ipc 1", "cifar10, ipc 10", "digits, ipc 1", "digits, ipc 10"]
    assert heads == ["method", *cells]
    rows = tab.run(
        "[...document.querySelectorAll('#matrix tbody tr')].map(r => [...r.cells].map(c => "
        "c.textContent))"
    )
    assert [row[0] for row in rows] == ["apm/1", "dm/1", "random/1"]
    assert [bool(own) for own in rows[0][1:]] == [False, False, True, True]
    assert all(re.match(r"\d\d\.\d ± \d+\.\d", own) for own in rows[1][1:])
    bars = tab.run("document.querySelectorAll('#matrix .band').length")
    assert bars == sum(bool(own) for row in rows for own in row[1:])


def test_the_overview_begins_with_mean_improvements_over_cells(visit):
    tab = visit(f"overview&{DIGITS}")
    first = tab.run("document.querySelector('#view-overview h2').textContent")
    assert first == "What images add beyond real images and labels"
    assert tab.column(".bars", 0) == ["dm/1", "apm/1"]  # two cells are no interval
    of_four, of_two = (told.strip() for told in tab.column(".bars", 1))
    assert re.fullmatch(r"[+]\d+\.\d [+]\d+\.\d to [+]\d+\.\d 4/0/0", of_four)
    assert re.fullmatch(r"[+]\d+\.\d 2/0/0", of_two)
    drawn = {
        name: tab.run(f"document.querySelectorAll('.bars .{name}').length")
        for name in ("dot", "tick", "control", "band")
    }
    assert drawn == {"dot": 12, "tick": 4, "control": 4, "band": 2}


def test_mean_improvements_are_those_of_the_chosen_budget(tab, make, tmp_path):
    file = tmp_path / "index.html"
    records = [
        make(method, seed=seed, budget=budget)
        for budget, methods in {"short": ("dm", "random"), "paper": ("apm", "random")}.items()
        for method in methods
        for seed in range(3)
    ]
    file.write_text(page_of(*records), encoding="utf-8")
    shown = "[...document.querySelectorAll('#view-overview .board:not([hidden]) tbody')]" \
            ".map(body => body.rows[0].cells[0].textContent)"  # fmt: skip
    for budget, method in (("paper", "apm/1"), ("short", "dm/1")):
        tab.visit(file, f"overview&dataset=cifar10&budget={budget}")
        assert tab.run(shown) == [method]


def test_every_improvement_names_its_control(visit):
    tab = visit(f"beyond&{DIGITS}")
    place = "#view-beyond .board:not([hidden])"
    assert tab.column(place, 1) == ["apm/1", "dm/1"]
    for told in tab.column(place, 3):
        assert re.fullmatch(r"[+]\d+\.\d ± \d+\.\d over random/1, the only one", told)
    for told in tab.column(place, 4):
        assert told.endswith(" under hard/1, over random/1 under hard/1, the only one")
    assert tab.run(f"document.querySelectorAll('{place} td.above').length") == 8  # of both ipc


def test_the_front_of_accuracy_against_cost_goes_through_what_nothing_cheaper_reaches(visit):
    tab = visit()
    points = "[[3, .5], [1, .4], [2, .3], [4, .5], [5, .7]].map(([c, accuracy]) => ({c, accuracy}))"
    assert tab.run(f"pareto({points}, row => row.c).map(row => row.c)") == [1, 3, 5]


@pytest.mark.parametrize("cost", ["storage_bytes", "seconds", "peak_memory_bytes"])
def test_accuracy_is_drawn_against_the_chosen_cost(cost, visit):
    tab = visit(f"overview&{DIGITS}&cost={cost}")
    assert tab.run("document.getElementById('cost').value") == cost
    assert tab.run("document.querySelectorAll('#plot svg g').length") == 6  # methods at two ipc
    assert tab.run("document.querySelectorAll('#plot .front').length") == 1
    names = tab.run("[...document.querySelectorAll('#plot text')].map(t => t.textContent)")
    assert {"apm/1", "dm/1", "random/1"} <= set(names)
    assert "in the same process" in tab.run("document.getElementById('costs').textContent")


def test_choosing_in_the_picker_is_in_the_address_and_shows_that_board(visit):
    tab = visit("board")
    choose(tab, "dataset", "cifar10")
    choose(tab, "ipc", "10")
    assert shown(tab) == ["view-board"]
    assert tab.run(f"document.querySelectorAll('{BOARD}').length") == 1
    assert tab.column(BOARD, 0) == ["10"] * 2
    address = tab.run("location.hash")
    again = visit(address.removeprefix("#"))
    assert again.column(BOARD, 0) == ["10"] * 2


@pytest.mark.parametrize(
    "view", ["overview", "beyond", "board", "pairs", "more", "gallery", "records", "over",
             "published", "about"]
)  # fmt: skip
def test_every_view_has_an_address_of_its_own(view, visit):
    tab = visit(f"{view}&{DIGITS}")
    assert shown(tab) == [f"view-{view}"]
    assert tab.run("document.querySelector('nav [aria-current]').dataset.view") == view


def test_profiles_are_drawn_as_the_table_has_them(visit):
    tab = visit("over")
    shares = tab.run(
        "profiles({protocol: 'hard/1, class ids', budget: 'short', model: 'convnet-width32'})"
        ".map(([method, points]) => [method, points.filter(p => p <= 10).length / points.length])"
    )
    table = dict(
        zip(tab.column("#view-over table", 0), tab.column("#view-over table", 6), strict=True)
    )
    assert {method: f"{100 * share:.0f}%" for method, share in shares} == table
    assert tab.run("document.querySelectorAll('.profile .curve').length") == 3


def test_clicking_a_head_sorts_by_it_up_and_down(visit):
    tab = visit(f"board&{DIGITS}")
    button = f"{BOARD} thead th:nth-child(5) button"
    unsorted = tab.column(BOARD, 4)
    tab.click(button)
    up = tab.column(BOARD, 4)
    assert up == sorted(unsorted, key=lambda cell: float(cell.split()[0]))
    assert tab.run(f"document.querySelector('{button}').parentNode.ariaSort") == "ascending"
    tab.click(button)
    assert tab.column(BOARD, 4) == up[::-1]
    assert tab.run(f"document.querySelector('{button}').parentNode.ariaSort") == "descending"


def test_typing_filters_rows_and_records(visit):
    tab = visit(f"board&{DIGITS}")
    tab.click("#contains")
    tab.ask("Input.insertText", text="apm")
    assert tab.column(BOARD, 2) == ["apm/1"]
    tab.click("nav [data-view=records]")
    assert tab.becomes("document.getElementById('status').textContent.startsWith('3 of 30')")
    listed = tab.run("[...document.querySelectorAll('#record-list a')].map(a => a.textContent)")
    assert [told[:6] for told in listed] == ["apm/1 "] * 3


def test_a_board_is_exported_as_csv_and_latex(visit, records):
    tab = visit(f"board&{DIGITS}")
    csv_file, latex = (
        urllib.parse.unquote(tab.run(f"document.getElementById('{name}').href").partition(",")[2])
        for name in ("as-csv", "as-latex")
    )
    rows = list(csv.DictReader(io.StringIO(csv_file)))
    assert {(row["dataset"], row["ipc"], row["method"]) for row in rows} == {
        ("digits", ipc, f"{method}/1") for ipc in ("1", "10") for method in ("apm", "dm", "random")
    }
    assert all(0 < float(row["accuracy"]) < 1 for row in rows)
    lines = latex.splitlines()
    assert "\\begin{tabular}{lrr}" in lines
    assert "method & ipc 1 & ipc 10 \\\\" in lines
    assert sum(line.count("\\pm") for line in lines) == 6


def test_signs_of_latex_are_escaped(visit):
    told = visit().run(r"escaped('a_b & 50% {x} \\ ~^')")
    assert told == r"a\_b \& 50\% \{x\} \textbackslash{} \textasciitilde{}\textasciicircum{}"


def test_a_gallery_shows_the_control_beside_each_method(visit):
    tab = visit("gallery&dataset=digits&ipc=1")
    pairs = tab.run(
        "[...document.querySelectorAll('.pair')].map(p => [...p.querySelectorAll('figcaption')]"
        ".map(c => c.textContent))"
    )
    assert pairs == [
        [f"{method}/1 on digits, ipc 1, seed 0", "random/1 on digits, ipc 1, seed 0"]
        for method in ("apm", "dm")
    ]
    assert tab.run("document.querySelectorAll('[id^=gallery-]').length") == 5


def test_a_record_opens_with_all_its_settings(visit, records):
    run = next(one.run for one in records if one.task.dataset.name == "digits")
    tab = visit("board&dataset=digits&ipc=1")
    tab.click(f"{BOARD} a[href='#record-{run}']")
    assert tab.becomes("!document.getElementById('view-record').hidden")
    text = tab.run("document.getElementById('view-record').textContent")
    (record,) = [one for one in records if one.run == run]
    for name in (*record.method.settings, record.distilled.sha256, "a processor"):
        assert name in text
    assert shown(visit(f"record-{run}")) == ["view-record"]


def test_the_keyboard_sorts_and_walks_on(visit):
    tab = visit(f"board&{DIGITS}")
    tab.run(f"document.querySelector('{BOARD} thead th:nth-child(5) button').focus()")
    tab.press("Enter", 13, "\r")
    head = f"document.querySelector('{BOARD} thead th:nth-child(5)')"
    assert tab.run(f"{head}.ariaSort") == "ascending"
    tab.press("Tab", 9)
    assert tab.run("document.activeElement.textContent") == "control %"


def test_a_screen_reader_is_told_names_and_roles(visit):
    nodes = visit(f"board&{DIGITS}").ask("Accessibility.getFullAXTree")["nodes"]
    told = {(n.get("role", {}).get("value"), n.get("name", {}).get("value")) for n in nodes}
    for role, name in (
        ("search", "Choose a board"),
        ("searchbox", "contains"),
        ("combobox", "dataset"),
        ("button", "accuracy %"),
        ("navigation", "Views"),
        ("heading", "Board"),
    ):
        assert (role, name) in told
    assert any(role == "table" and "hard/1" in (name or "") for role, name in told)


def test_on_a_phone_the_picker_leaves_two_thirds_of_the_screen(visit):
    tab = visit()
    tab.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1,
            mobile=True)  # fmt: skip
    try:
        bottom = tab.run("document.getElementById('picker').getBoundingClientRect().bottom")
        assert bottom < 844 / 3
        assert tab.run("document.documentElement.scrollWidth") <= 390
    finally:
        tab.ask("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_seen_in_light_and_dark(scheme, visit):
    tab = visit("gallery&dataset=digits&ipc=1")
    tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme",
                                                     "value": scheme}])  # fmt: skip
    pictures = "[...document.images].filter(i => i.offsetParent)"
    tab.run(f"{pictures}.forEach(i => i.loading = 'eager')")
    tab.run(f"Promise.all({pictures}.map(i => i.decode()))")
    assert tab.run(f"{pictures}.every(i => i.naturalWidth > 0)")
    tab.click("nav [data-view=overview]")
    assert tab.becomes("document.querySelector('#plot svg')")
    photograph = base64.b64decode(tab.ask("Page.captureScreenshot")["data"])
    with Image.open(io.BytesIO(photograph)) as image:
        seen = image.convert("RGB")
        assert len(seen.getcolors(1 << 24)) > 50
        assert (sum(seen.getpixel((2, seen.height - 2))) > 384) == (scheme == "light")
