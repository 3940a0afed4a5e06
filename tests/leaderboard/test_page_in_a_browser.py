"""The page as people use it: opened in a browser, read, clicked and walked by keyboard."""

from __future__ import annotations

import base64
import csv
import io
import re
import urllib.parse
from collections.abc import Iterator

import pytest
from browser import BROWSER, Tab, browser
from pages import page_of
from PIL import Image


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
