"""The gallery of many pictures: how long its page takes to write, to open, to filter, to scroll.

    python benchmarks/gallery.py [PICTURES ...]

Needs a Chromium, which is driven by the tests' own means. Pictures are of 128 pixels; all of them
are the same file, so that what is timed is the page.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tagkit.rendering.gallery import write_gallery
from tagkit.rendering.job import Job, identified
from tagkit.rendering.manifest import Row

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "rendering"))
from browser import browsing, find_browser

SAMPLERS = ("euler-a", "dpm++-2m", "unipc")
TAGS = "1girl, {} hair, long hair, smile, looking at viewer, simple background, variant {}"
COLOURS = ("blue", "red", "green", "silver", "black", "pink", "purple")
ACTS = {
    "search": "state.query = 'blue -red'; refresh()",
    "filter": "want('sampler', 'unipc')",
    "sort": "state.sort = 'cfg'; refresh()",
    "to the end": "byId('main').scrollTop = 1e9; draw()",
    "XYZ table": "state.x = 'sampler'; state.y = 'cfg'; switchTo('table')",
}
# The layout is asked for, so that it is timed, too.
TIMED = """(() => {{
  const start = performance.now(); {}; document.body.offsetTop; return performance.now() - start;
}})()"""


def main() -> None:
    """Prints one line for each number of pictures."""
    browser = find_browser()
    if browser is None:
        sys.exit("this machine has no Chromium")
    for count in map(int, sys.argv[1:] or ("10", "2000", "10000")):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            measure(Path(folder) / "out", Path(folder) / "profile", browser, count)


def measure(out: Path, profile: Path, browser: str, count: int) -> None:
    """Writes the page and uses it."""
    out.mkdir()
    Image.new("RGB", (128, 128), "teal").save(out / "one.png")
    rows = [Row(job(index), "done", 0, "") for index in range(count)]
    start = time.perf_counter()
    write_gallery(out, rows)
    told = [f"written {1000 * (time.perf_counter() - start):.0f} ms"]
    told.append(f"{(out / 'index.html').stat().st_size / 1e6:.1f} MB")
    with browsing(browser, profile) as page:
        page.size(1440, 900)
        page.open(warmed(out))
        start = time.perf_counter()
        page.open(out / "index.html")
        page.wait("document.querySelectorAll('.cell').length > 0")
        told.append(f"opened {1000 * (time.perf_counter() - start):.0f} ms")
        for name, act in ACTS.items():
            code = f"(() => {{ const start = performance.now(); {act}; document.body.offsetTop; "
            told.append(
                f"{name} {page.run(code + 'return performance.now() - start; })()'):.0f} ms"
            )
    print(f"{count} pictures: {', '.join(told)}")


def warmed(out: Path) -> Path:
    """A page of nothing: the first one of a browser takes long, whatever is on it."""
    path = out / "nothing.html"
    path.write_text("<!doctype html>")
    return path


def job(index: int) -> Job:
    """Prompts, samplers, CFG and seeds differ."""
    job = Job(
        id=None, index=index, file="one.png", prompt=TAGS.format(COLOURS[index % 7], index // 20),
        negative="lowres, bad hands", seed=index, width=128, height=128, steps=25,
        cfg=4 + index % 5 / 2, sampler=SAMPLERS[index % 3], model="tiny", weights="0" * 64,
    )  # fmt: skip
    return identified(job)


main()
