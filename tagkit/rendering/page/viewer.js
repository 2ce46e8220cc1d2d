// One picture large, and two side by side.

let list = [];
let place = 0;
let pair = null;
let wiping = false;

function facing(dialog, stage, side) {
  dialog.replaceChildren(make("div", { className: "view" }, stage, side));
  if (!dialog.open) dialog.showModal();
}

function view(images, at) {
  list = images;
  place = (at + list.length) % list.length;
  const image = list[place];
  const stage = make("div", { className: "stage", title: "Click for actual pixels (z)", onclick: zoom }, picture(image));
  const star = button(picks.has(image.file) ? "★ Picked" : "☆ Pick", () => { toggle(image); view(list, place); },
    { title: "Pick (p)", aria: { pressed: picks.has(image.file) } });
  const table = make("dl");
  for (const [key, own] of Object.entries(image.values))
    if (!["prompt", "negative", "file"].includes(key)) table.append(make("dt", { textContent: key }), make("dd", { textContent: own }));
  const side = make("aside", {},
    make("div", { className: "row" }, button("←", () => view(list, place - 1), { className: "icon", title: "Previous (←)" }),
      button("→", () => view(list, place + 1), { className: "icon", title: "Next (→)" }), star,
      button("Compare", () => { byId("viewer").close(); mark(image); }, { title: "Mark for comparison (c)" }),
      make("span", { className: "space" }), button("✕", () => byId("viewer").close(), { className: "icon", title: "Close (Esc)" })),
    make("p", { className: "file", textContent: `${image.file}  (${place + 1} of ${list.length})` }),
    make("h2", { textContent: "Prompt" }), make("p", { textContent: image.values.prompt || NOTHING }), copying(image.values.prompt, "Copy prompt"),
    make("h2", { textContent: "Negative prompt" }), make("p", { textContent: image.values.negative || NOTHING }),
    copying(image.values.negative, "Copy negative"),
    make("h2", { textContent: "Settings" }), table);
  facing(byId("viewer"), stage, side);
  new Image().src = address(list[(place + 1) % list.length].file);
}

function zoom() {
  byId("viewer").querySelector(".stage").classList.toggle("pixels");
}

function copying(text, label) {
  return button(label, event => copy(text, event.currentTarget), { disabled: !text });
}

async function copy(text, beside) {
  try { await navigator.clipboard.writeText(text); } catch { copyBySelection(text, beside); }
  toast("Copied");
}

function copyBySelection(text, beside) {
  const area = make("textarea", { value: text });
  beside.after(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function compare(one, other) {
  pair = [one, other];
  const sides = pair.map((image, index) => make("figure", {},
    make("span", { className: "letter" + (index ? " b" : ""), textContent: "AB"[index] }), picture(image)));
  const stage = make("div", { className: "stage" }, wiping ? wipe() : make("div", { className: "pair" }, ...sides));
  const keys = [...new Set(pair.flatMap(image => Object.keys(image.values)))].filter(key => !["prompt", "negative"].includes(key));
  keys.sort((a, b) => Number(same(a)) - Number(same(b)));
  const rows = keys.map(key => make("tr", { className: same(key) ? "same" : "" }, make("th", { textContent: key }),
    ...pair.map(image => make("td", { textContent: value(image, key) }))));
  const side = make("aside", {},
    make("div", { className: "row" },
      make("div", { className: "group", role: "group" }, mode("Side by side", false), mode("Slider", true)),
      button("A ⇄ B", () => compare(other, one)), make("span", { className: "space" }),
      button("✕", () => byId("comparing").close(), { className: "icon", title: "Close (Esc)" })),
    make("p", { className: "file row" }, ...pair.map((image, index) => button(`${picks.has(image.file) ? "★" : "☆"} Pick ${"AB"[index]}`, () => { toggle(image); compare(one, other); },
      { aria: { pressed: picks.has(image.file) } }))),
    make("h2", { textContent: "Prompts" }), ...told("prompt"),
    make("h2", { textContent: "Negative prompts" }), ...told("negative"),
    make("h2", { textContent: "Settings" }),
    make("table", { className: "differs" }, make("tr", { className: "same" }, make("th"), make("th", { textContent: "A" }), make("th", { textContent: "B" })), ...rows));
  facing(byId("comparing"), stage, side);
}

const same = key => value(pair[0], key) === value(pair[1], key);

function mode(label, wanted) {
  return button(label, () => { wiping = wanted; compare(...pair); }, { aria: { pressed: wiping === wanted } });
}

function wipe() {
  const box = make("div", { className: "wipe" }, ...pair.map(image => picture(image)));
  box.append(make("span", { className: "letter", textContent: "A" }), make("span", { className: "letter b", textContent: "B" }));
  const slider = make("input", { type: "range", min: 0, max: 100, value: 50, aria: { label: "Where A ends" } });
  slider.oninput = () => box.style.setProperty("--wipe", slider.value + "%");
  box.append(slider);
  return box;
}

/** Both texts, with the tags that only one of them has. */
function told(key) {
  if (same(key)) return [make("p", { textContent: value(pair[0], key) || NOTHING })];
  const tags = pair.map(image => String(value(image, key)).split(","));
  const known = tags.map(each => new Set(each.map(tag => tag.trim())));
  return tags.map((each, index) => make("p", {}, make("b", { textContent: "AB"[index] + "  " }), ...each.flatMap((tag, number) => [
    number ? "," : "", known[1 - index].has(tag.trim()) ? tag : make(index ? "ins" : "del", { textContent: tag })])));
}
