from __future__ import annotations

import json
import re

from tagkit.rendering.gallery import write_gallery
from tagkit.rendering.manifest import Row


def written(folder, *jobs):
    write_gallery(folder, [Row(job, "done", 0, "") for job in jobs])
    return (folder / "index.html").read_text(encoding="utf-8")


def data(page):
    [content] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(content)


def test_it_holds_every_picture(tmp_path, make_job):
    page = written(tmp_path, make_job(seed=1, file="a b/1.png"), make_job(seed=2, file="2.png"))
    assert data(page)["title"] == tmp_path.name
    assert [(each["file"], each["seed"]) for each in data(page)["images"]] == [
        ("a b/1.png", 1), ("2.png", 2),
    ]  # fmt: skip


def test_no_prompt_breaks_out(tmp_path, make_job):
    hostile = '</script><script>alert(1)</script><!-- "images": []}'
    page = written(tmp_path, make_job(prompt=hostile))
    assert data(page)["images"][0]["prompt"] == hostile
    assert page.count("</script>") == written(tmp_path).count("</script>")
    assert "<!--" not in page


def test_it_needs_no_network(tmp_path, make_job):
    page = written(tmp_path, make_job())
    assert not re.search(r"https?://|//[a-z]+\.", page)
    assert "innerHTML" not in page


def test_an_empty_folder_has_one_too(tmp_path):
    assert data(written(tmp_path))["images"] == []
