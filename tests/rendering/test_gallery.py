"""The gallery as a page, and in a browser if this machine has one."""

from __future__ import annotations

import json
import re
import time
from itertools import product
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("PIL")

from browser import browsing, find_browser  # noqa: E402

from tagkit.rendering.events import Done  # noqa: E402
from tagkit.rendering.gallery import Gallery, write_gallery  # noqa: E402
from tagkit.rendering.job import DetailerPass, HiresPass, Lora  # noqa: E402
from tagkit.rendering.manifest import Row  # noqa: E402
from tagkit.rendering.picking import picked_source  # noqa: E402
from tagkit.rendering.saving import save_picture  # noqa: E402

PROMPTS = ("1girl, blue hair, smile", '1girl, red hair, "quoted", halo', "1girl, cat ears")


def written(folder, *jobs):
    write_gallery(folder, [Row(job, "done", 0, "") for job in jobs])
    return (folder / "index.html").read_text(encoding="utf-8")


def data(page):
    [content] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(content)


def test_it_holds_every_picture(tmp_path, make_job):
    page = written(tmp_path, make_job(seed=1, file="a b/1.png"), make_job(seed=2, file="2.png"))
    content = data(page)
    assert content["title"] == tmp_path.name
    assert content["common"]["cfg"] == 5
    assert [(each["file"], each["settings"]) for each in content["images"]] == [
        ("a b/1.png", {"seed": 1}), ("2.png", {"seed": 2}),
    ]  # fmt: skip
    assert content["texts"][content["images"][1]["prompt"]] == "1girl, blue hair"


def test_every_setting_of_every_pass_is_there(tmp_path, make_job):
    job = make_job(
        hires=HiresPass("tiny-dat-x2", 96, 128, 0.45, steps=7),
        detailer=(DetailerPass("tiny-face", confidence=0.5), DetailerPass("hand", prompt="x")),
        loras=(Lora("ink", 0.8),),
        checkpoint="C:\\models\\some.safetensors",
        clip_skip=3,
    )
    common = data(written(tmp_path, job))["common"]
    wanted = {
        "size": "64x64", "hires": "tiny-dat-x2", "hires.size": "96x128", "hires.denoise": 0.45,
        "hires.steps": 7, "detailer": "tiny-face, hand", "detailer.confidence": 0.5,
        "detailer2.prompt": "x", "loras": "ink:0.8", "checkpoint": "some.safetensors",
        "clip_skip": 3, "sampler": "euler-a", "seed": 1,
    }  # fmt: skip
    assert wanted.items() <= common.items()


def test_no_prompt_breaks_out(tmp_path, make_job):
    hostile = '</script><script>alert(1)</script><!-- "images": []} /* data */{} /* script */'
    page = written(tmp_path, make_job(prompt=hostile))
    assert hostile in data(page)["texts"]
    assert page.count("</script>") == written(tmp_path).count("</script>")
    assert "<!--" not in page


def test_it_needs_no_network(tmp_path, make_job):
    page = written(tmp_path, make_job())
    assert not re.search(r"https?://|//[a-z]+\.", page)
    assert "innerHTML" not in page


def test_an_empty_folder_has_one_too(tmp_path):
    assert data(written(tmp_path))["images"] == []


def test_large_pictures_have_small_copies(tmp_path, make_job):
    small, large = make_job(), make_job(width=1024, height=1024, file="large.png")
    for job in (small, large):
        save_picture(np.full((job.height, job.width, 3), 99, np.uint8), job, tmp_path)
    images = data(written(tmp_path, small, large))["images"]
    assert images[0]["small"] == ""
    copy = tmp_path / images[1]["small"]
    assert copy.stat().st_size < (tmp_path / "large.png").stat().st_size
    copy.unlink()
    assert data(written(tmp_path, large))["images"][0]["small"] == ""


def test_it_is_kept_up_to_date_but_not_at_every_picture(tmp_path, make_job):
    now, seen, job = [0.0], [], make_job()
    gallery = Gallery(tmp_path, lambda: seen, lambda: now[0])
    hear = gallery.watching(lambda event: None)
    written_at = []
    for second in range(25):
        now[0] = float(second)
        seen.append(Row(job, "done", 0, ""))
        hear(Done(job, tmp_path / job.file))
        page = tmp_path / "index.html"
        if page.is_file() and len(data(page.read_text())["images"]) == len(seen):
            written_at.append(second)
    assert written_at == [10, 20]


def test_it_is_written_however_a_run_ends(tmp_path, make_job):
    gallery = Gallery(tmp_path, lambda: [Row(make_job(), "done", 0, "")], time.monotonic)
    with pytest.raises(KeyboardInterrupt), gallery.kept():
        raise KeyboardInterrupt
    assert len(data((tmp_path / "index.html").read_text())["images"]) == 1


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    browser = find_browser()
    if browser is None:
        pytest.skip("this machine has no Chromium")
    with browsing(browser, tmp_path_factory.mktemp("profile")) as opened:
        opened.size(1280, 800)
        yield opened
        assert not opened.errors


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make_job):
    """18 pictures in a folder whose name has to be escaped: three prompts, CFG and samplers."""
    out = tmp_path_factory.mktemp("a b #1%")
    jobs = [
        make_job(
            prompt=prompt, cfg=cfg, sampler=sampler, seed=11, index=index, file=f"in/{index} #.png",
            negative="hat", hires=HiresPass("lanczos", 96, 96, 0.45) if cfg == 7.5 else None,
        )
        for index, (prompt, cfg, sampler) in enumerate(
            product(PROMPTS, (5.0, 6.0, 7.5), ("euler-a", "unipc"))
        )
    ]  # fmt: skip
    for job in jobs:
        save_picture(np.full((64, 64, 3), 10 * job.index, np.uint8), job, out)
    written(out, *jobs)
    return out


@pytest.fixture
def gallery(page, folder):
    """The page, opened anew, as a user sees it who has never seen it."""
    page.open(folder / "index.html")
    page.run("localStorage.clear()")
    page.open(folder / "index.html", "#")
    page.reload()
    page.wait("document.querySelectorAll('.cell').length > 0")
    return page


def files(page):
    return page.run("shown.map(image => image.file)")


def numbers(page):
    return [int(name.split("/")[1].split()[0]) for name in files(page)]


def press_value(page, key, label):
    page.run(
        f"[...document.querySelectorAll('[data-key={json.dumps(key)}] button')]"
        f".find(each => each.title === {json.dumps(label)}).click()"
    )


def test_pictures_are_seen(gallery):
    assert gallery.run("byId('count').textContent") == "18 pictures"
    gallery.wait("[...document.images].every(each => each.complete && each.naturalWidth === 64)")
    assert gallery.run("document.title").startswith("a b #1%")


def test_any_setting_is_a_filter(gallery):
    press_value(gallery, "cfg", "6")
    press_value(gallery, "cfg", "7.5")
    press_value(gallery, "sampler", "unipc")
    assert numbers(gallery) == [3, 5, 9, 11, 15, 17]
    assert gallery.run("byId('count').textContent") == "6 of 18"
    press_value(gallery, "hires", "lanczos")
    assert numbers(gallery) == [5, 11, 17]
    gallery.reload()
    assert numbers(gallery) == [5, 11, 17]
    gallery.click("#reset")
    assert len(numbers(gallery)) == 18


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("red halo", range(6, 12)),
        ('"red hair"', range(6, 12)),
        ("girl -hair", range(12, 18)),
        ("cfg:7.5 euler", [4, 10, 16]),
        ("cfg>5 cfg<=6 blue", [2, 3]),
        ("-sampler:unipc cat", [12, 14, 16]),
        ("hires.denoise:0.45 smile", [4, 5]),
        ("nothing:like", []),
    ],
)
def test_a_search(gallery, query, found):
    gallery.type("#query", query)
    assert numbers(gallery) == list(found)
    if not found:
        assert "No picture is like that" in gallery.run("byId('grid').textContent")


def test_sorting(gallery):
    gallery.type("#sort", "cfg")
    assert numbers(gallery)[:7] == [0, 1, 6, 7, 12, 13, 2]
    gallery.click("#reverse")
    assert numbers(gallery)[:3] == [17, 16, 11]


def test_picks_are_made_kept_and_saved(gallery, folder, tmp_path):
    gallery.downloads(tmp_path)
    gallery.press("ArrowRight", "ArrowRight", "p", "ArrowRight", "p")
    gallery.run("document.querySelectorAll('.star')[5].click()")
    assert gallery.run("[...picks].sort()") == ["in/1 #.png", "in/2 #.png", "in/5 #.png"]
    gallery.click("#only")
    assert numbers(gallery) == [1, 2, 5]
    gallery.click("#save")
    saved = tmp_path / "picks.txt"
    end = time.monotonic() + 30
    while not saved.is_file() or not saved.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert saved.read_text() == "in/1 #.png\nin/2 #.png\nin/5 #.png\n"
    gallery.reload()
    assert gallery.run("byId('picked').textContent") == "3"


def test_a_picture_large_with_its_recipe(gallery):
    gallery.press("End", "Enter")
    gallery.wait("byId('viewer').open")
    side = gallery.run("byId('viewer').innerText")
    for words in ("in/17 #.png", "1girl, cat ears", "hat", "unipc", "7.5", "0.45", "96x96"):
        assert words in side
    gallery.press("ArrowRight")
    assert "in/0 #.png" in gallery.run("byId('viewer').innerText")
    gallery.press("p", "Escape")
    gallery.wait("!byId('viewer').open")
    assert gallery.run("[...picks]") == ["in/0 #.png"]
    gallery.wait("document.activeElement.closest('.cell')?.dataset.file === 'in/0 #.png'")


def test_a_prompt_is_copied(gallery):
    """What the browser copies is heard where it copies; nobody may read a clipboard."""
    gallery.run(
        "navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => "
        "{ window.copied = document.activeElement.value; return true; }; 0"
    )
    gallery.type("#query", "quoted")
    gallery.press("Escape")
    gallery.run("byId('main').focus()")
    gallery.press("ArrowDown", "Enter")
    gallery.wait("byId('viewer').open")
    gallery.run("[...document.querySelectorAll('aside button')].find(each => "
                "each.textContent === 'Copy prompt').click()")  # fmt: skip
    gallery.wait("window.copied")
    assert gallery.run("window.copied") == PROMPTS[1]
    gallery.press("Escape")


def test_two_pictures_are_compared(gallery):
    gallery.press("ArrowDown", "c", "End", "c")
    gallery.wait("byId('comparing').open")
    assert gallery.run("pair.map(image => image.file)") == ["in/0 #.png", "in/17 #.png"]
    gallery.wait("[...document.querySelectorAll('.pair img')].every(each => each.naturalWidth)")
    differing = gallery.run(
        "[...document.querySelectorAll('.differs tr:not(.same) th')].map(each => each.textContent)"
    )
    assert {"cfg", "sampler", "hires", "hires.denoise", "file"} == set(differing) - {"hires.size"}
    assert gallery.run("[...document.querySelectorAll('del')].map(e => e.textContent.trim())") == [
        "blue hair", "smile",
    ]  # fmt: skip
    assert gallery.run("[...document.querySelectorAll('ins')].map(e => e.textContent.trim())") == [
        "cat ears"
    ]
    gallery.run("[...document.querySelectorAll('#comparing button')].find(each => "
                "each.textContent === 'Slider').click()")  # fmt: skip
    gallery.type(".wipe input", "30")
    clip = gallery.run("getComputedStyle(document.querySelectorAll('.wipe img')[1]).clipPath")
    assert "30%" in clip
    gallery.press("Escape")
    gallery.wait("!byId('comparing').open")


def test_a_table_of_a_matrix(gallery):
    gallery.click("#view-table")
    gallery.type("#axis-x", "cfg")
    gallery.type("#axis-y", "prompt")
    gallery.type("#axis-z", "sampler")
    assert gallery.run("document.querySelectorAll('#table section').length") == 2
    assert gallery.run(
        "[...document.querySelectorAll('#table thead')[1].querySelectorAll('th b')]"
        ".map(each => each.textContent)"
    ) == ["5", "6", "7.5"]  # fmt: skip
    placed = gallery.run(
        "[...document.querySelectorAll('section')].map(section => [...section.querySelectorAll("
        "'tbody tr')].map(row => [...row.querySelectorAll('.pic')].map(each => each.dataset.file)))"
    )
    assert placed[1][2] == ["in/13 #.png", "in/15 #.png", "in/17 #.png"]
    assert sum(len(row) for section in placed for row in section) == 18
    gallery.type("#axis-z", "")
    assert gallery.run("document.querySelectorAll('.stack.many').length") == 9
    gallery.click("#view-grid")


def test_thousands_stay_few_in_the_document(page, make_job, tmp_path):
    """Acceptance: a contact sheet of 2,000 pictures pages instead of failing."""
    jobs = [make_job(seed=seed, index=seed, file=f"{seed}.png") for seed in range(2000)]
    written(tmp_path, *jobs)
    page.open(tmp_path / "index.html")
    page.wait("document.querySelectorAll('.cell').length > 0")
    most = 0
    for place in ("0", "byId('main').scrollHeight / 3", "byId('main').scrollHeight"):
        page.run(f"byId('main').scrollTop = {place}")
        page.run("new Promise(requestAnimationFrame)")
        most = max(most, page.run("document.querySelectorAll('.cell').length"))
    assert page.run("byId('count').textContent") == "2000 pictures"
    page.wait("[...cells.keys()].includes(1999)")
    assert most < 100
    page.press("Home", "End")
    page.wait("document.activeElement.closest('.cell')?.dataset.file === '1999.png'")
    page.errors.clear()  # The pictures themselves are not there.


def test_what_the_gallery_saves_is_what_render_takes(folder, tmp_path, make_job):
    from tagkit.rendering.manifest import open_manifest
    from tagkit.rendering.planning import Plan

    job = make_job(file="in/1 #.png")
    with open_manifest(tmp_path, create=True) as manifest:
        manifest.adopt(Plan((job,), (), "key"))
    picks = Path(tmp_path / "picks.txt")
    picks.write_text("in/1 #.png\n")
    assert len(picked_source(tmp_path, picks, stay=True).requests) == 1
