// The grid: only what is to be seen is in the document, whatever the number of pictures.

const GAP = 14;
const CAPTION = 50;
const cells = new Map();
let cursor = 0;
let marked = null;

function make(tag, values = {}, ...children) {
  const { data = {}, aria = {}, ...own } = values;
  const node = Object.assign(document.createElement(tag), own);
  for (const [key, text] of Object.entries(aria)) node.setAttribute("aria-" + key, text);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
}

function button(label, act, values = {}) {
  return make("button", { type: "button", textContent: label, onclick: act, ...values });
}

const address = path => path.split("/").map(encodeURIComponent).join("/");

function picture(image, small = false) {
  return make("img", {
    src: address((small && image.small) || image.file), alt: image.values.prompt, title: small ? image.values.prompt : "",
    width: image.sides[0], height: image.sides[1], decoding: "async", draggable: !small,
  });
}

/** What tells this picture from others, shortly: words say themselves what they are. */
function facts(image) {
  const keys = [...varying.keys()].filter(key => !["seed", "prompt", "negative", "tokens", "size", "hires.size"].includes(key));
  const told = ["seed", ...keys].filter(key => value(image, key) !== NOTHING && value(image, key) !== "off");
  return told.map(key => typeof value(image, key) === "number" ? `${key.replace(/^.*\./, "")} ${value(image, key)}` : value(image, key)).join(" · ");
}

function pictureButtons(image, list, place) {
  const open = button("", () => view(list, place), { className: "open", title: "", aria: { label: `Enlarge ${image.file}` } });
  open.append(picture(image, true));
  const star = button("★", () => toggle(image), { className: "star", title: "Pick (p)", tabIndex: -1, aria: { label: `Pick ${image.file}` } });
  return [open, star];
}

function dress(node, image) {
  node.classList.toggle("picked", picks.has(image.file));
  node.classList.toggle("marked", marked === image);
}

function cell(place) {
  const image = shown[place];
  const node = make("div", { className: "cell", data: { file: image.file } }, ...pictureButtons(image, shown, place),
    make("div", { className: "caption" }, make("div", { textContent: image.values.prompt || NOTHING }), make("div", { textContent: facts(image), title: facts(image) })));
  node.querySelector(".open").onfocus = () => { cursor = place; };
  dress(node, image);
  return node;
}

function layout() {
  const width = byId("main").clientWidth - 32;
  const columns = Math.max(1, Math.floor((width + GAP) / (state.side + GAP)));
  const side = Math.floor((width - (columns - 1) * GAP) / columns);
  return { columns, side, height: Math.round(side / ratio) + CAPTION };
}

function redraw() {
  for (const node of cells.values()) node.remove();
  cells.clear();
  byId("grid").replaceChildren();
  if (!shown.length) {
    byId("grid").style.height = "";
    byId("grid").append(make("p", { className: "nothing", textContent: images.length ? "No picture is like that." : "No picture here yet." }));
    return;
  }
  draw();
}

function draw() {
  if (state.view !== "grid" || !shown.length) return;
  const { columns, side, height } = layout();
  const step = height + GAP;
  const main = byId("main");
  byId("grid").style.height = `${Math.ceil(shown.length / columns) * step - GAP}px`;
  const first = Math.max(0, Math.floor(main.scrollTop / step) - 1) * columns;
  const last = Math.min(shown.length, (Math.ceil((main.scrollTop + main.clientHeight) / step) + 1) * columns);
  for (const [place, node] of cells) {
    if ((place < first || place >= last) && !node.contains(document.activeElement)) {
      node.remove();
      cells.delete(place);
    }
  }
  for (let place = first; place < last; place++) {
    if (!cells.has(place)) {
      cells.set(place, cell(place));
      byId("grid").append(cells.get(place));
    }
    const node = cells.get(place);
    node.style.width = `${side}px`;
    node.style.height = `${height}px`;
    node.style.transform = `translate(${(place % columns) * (side + GAP)}px, ${Math.floor(place / columns) * step}px)`;
  }
}

/** Moves the keyboard's place, and what is to be seen with it. */
function goTo(place) {
  cursor = Math.min(shown.length - 1, Math.max(0, place));
  const { columns, height } = layout();
  const top = Math.floor(cursor / columns) * (height + GAP);
  const main = byId("main");
  if (top < main.scrollTop) main.scrollTop = top;
  else if (top + height + 32 > main.scrollTop + main.clientHeight) main.scrollTop = top + height + 32 - main.clientHeight;
  draw();
  cells.get(cursor)?.querySelector(".open").focus({ preventScroll: true });
}

function toggle(image) {
  picks.has(image.file) ? picks.delete(image.file) : picks.add(image.file);
  keep(shelf, [...picks]);
  restyle();
  tally();
}

function restyle() {
  const byFile = new Map(shown.map(image => [image.file, image]));
  for (const node of document.querySelectorAll("[data-file]")) {
    const image = byFile.get(node.dataset.file);
    if (image) dress(node, image);
  }
}

function mark(image) {
  if (marked && marked !== image) {
    compare(marked, image);
    marked = null;
  } else {
    marked = marked ? null : image;
    toast(marked ? "Marked: c on another picture compares the two" : "No longer marked");
  }
  restyle();
}
