// The page around the pictures: bars, filters, keys.

function toast(text) {
  const node = byId("toast");
  node.textContent = text;
  node.classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => node.classList.remove("shown"), 1800);
}

function tally() {
  const number = picked().length;
  byId("count").textContent = shown.length === images.length ? `${images.length} pictures` : `${shown.length} of ${images.length}`;
  byId("picked").textContent = number;
  byId("save").disabled = !number;
  byId("compare").disabled = number < 2;
}

function refresh() {
  choose();
  cursor = 0;
  byId("main").scrollTop = 0;
  drawFacets();
  drawView();
  tally();
  remember();
}

function drawView() {
  const table = state.view === "table";
  document.body.classList.toggle("table", table);
  byId("view-grid").setAttribute("aria-pressed", !table);
  byId("view-table").setAttribute("aria-pressed", table);
  byId("grid").hidden = table;
  byId("table").hidden = !table;
  document.documentElement.style.setProperty("--side", state.side + "px");
  if (table) {
    axes();
    drawTable();
  } else {
    redraw();
  }
}

function drawFacets() {
  const blocks = [...varying].filter(([key]) => key !== "tokens").flatMap(([key, counts]) => facet(key, counts));
  if (state.filters.size) blocks.unshift(button("Clear filters", () => { state.filters.clear(); refresh(); }, { id: "reset" }));
  if (!varying.size) blocks.push(make("p", { textContent: "Nothing differs between these pictures." }));
  byId("facets").replaceChildren(...blocks);
}

function facet(key, counts) {
  const clear = state.filters.has(key) ? [button("clear", () => { state.filters.delete(key); refresh(); })] : [];
  const top = make("h2", {}, make("span", { textContent: key }), ...clear);
  if (counts.size <= MANY) return [top, choices(key, counts)];
  const numbers = [...counts.keys()].filter(each => typeof each === "number");
  return numbers.length ? [top, span(key, numbers)] : [];
}

/** A button for each value; the numbers are of what the other filters leave. */
function choices(key, counts) {
  const left = new Map();
  for (const image of chosen(key)) left.set(value(image, key), (left.get(value(image, key)) ?? 0) + 1);
  const wanted = state.filters.get(key);
  const long = [...counts.keys()].some(each => String(each).length > 18);
  const buttons = [...counts.keys()].map(each => {
    const node = button(String(each), () => want(key, each), { title: String(each), aria: { pressed: wanted?.has(each) ?? false } });
    node.append(make("small", { textContent: left.get(each) ?? 0 }));
    return node;
  });
  return make("div", { className: long ? "values long" : "values", data: { key } }, ...buttons);
}

function want(key, each) {
  const wanted = state.filters.get(key) ?? new Set();
  wanted.has(each) ? wanted.delete(each) : wanted.add(each);
  wanted.size ? state.filters.set(key, wanted) : state.filters.delete(key);
  refresh();
}

function span(key, numbers) {
  const least = numbers.reduce((a, b) => Math.min(a, b)), most = numbers.reduce((a, b) => Math.max(a, b));
  const wanted = state.filters.get(key) ?? { from: least, to: most };
  const inputs = ["from", "to"].map(end => make("input", { type: "number", value: wanted[end], min: least, max: most, step: "any", aria: { label: `${key} ${end}` } }));
  for (const input of inputs) input.onchange = () => {
    const [from, to] = inputs.map(each => Number(each.value));
    from <= least && to >= most ? state.filters.delete(key) : state.filters.set(key, { from, to });
    refresh();
  };
  return make("div", { className: "range", data: { key } }, inputs[0], "to", inputs[1]);
}

function resize(side) {
  const at = shown[cursor];
  state.side = Math.min(512, Math.max(96, side));
  byId("side").value = state.side;
  document.documentElement.style.setProperty("--side", state.side + "px");
  remember();
  if (state.view === "grid" && at) draw();
}

function switchTo(view) {
  state.view = view;
  drawView();
  remember();
}

function panel(open) {
  byId("facets").hidden = !open;
  byId("panel").setAttribute("aria-expanded", open);
  draw();
}

function save() {
  const text = picked().map(image => image.file + "\n").join("");
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/plain" })), download: "picks.txt" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  toast(`${picked().length} picks saved`);
}

function shade(theme) {
  document.documentElement.dataset.theme = theme;
  keep("tagkit-theme", theme);
}

/** The picture that the keyboard is at. */
function current() {
  if (byId("viewer").open) return list[place];
  const file = document.activeElement?.closest("[data-file]")?.dataset.file;
  return shown.find(image => image.file === file);
}

const MOVES = {
  ArrowRight: () => cursor + 1, ArrowLeft: () => cursor - 1,
  ArrowDown: () => cursor + layout().columns, ArrowUp: () => cursor - layout().columns,
  Home: () => 0, End: () => shown.length - 1,
};

const KEYS = {
  "/": () => byId("query").focus(), "?": () => byId("keys").showModal(),
  f: () => panel(byId("facets").hidden), g: () => switchTo("grid"), x: () => switchTo("table"),
  "+": () => resize(state.side + 32), "-": () => resize(state.side - 32),
};

function ofPicture(key, image) {
  const viewing = byId("viewer").open;
  if (key === "p") toggle(image);
  else if (key === "y") copy(image.values.prompt, document.activeElement);
  else if (key === "c") { byId("viewer").close(); mark(image); }
  else return false;
  if (viewing && key === "p") view(list, place);
  return true;
}

function inViewer(key) {
  if (key === "ArrowLeft") view(list, place - 1);
  else if (key === "ArrowRight") view(list, place + 1);
  else if (key === "z") zoom();
  else return false;
  return true;
}

function onKey(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || typing) {
    if (event.key === "Escape" && event.target === byId("query")) byId("main").focus();
    return;
  }
  if (byId("comparing").open || byId("keys").open) return;
  const image = current();
  let done = image ? ofPicture(event.key, image) : false;
  if (!done && byId("viewer").open) done = inViewer(event.key);
  else if (!done && event.key in MOVES && state.view === "grid" && shown.length) {
    goTo(image || event.key === "End" ? MOVES[event.key]() : cursor);
    done = true;
  } else if (!done && event.key in KEYS) {
    KEYS[event.key]();
    done = true;
  }
  if (done) event.preventDefault();
}

function start() {
  document.title = byId("title").textContent = title || "tagkit";
  byId("title").title = title;
  recall();
  shade(kept("tagkit-theme", "auto"));
  const sorts = [["", "as planned"], ["file", "file"], ...[...varying.keys()].map(key => [key, key])];
  byId("sort").replaceChildren(...sorts.map(([key, label]) => make("option", { value: key, textContent: label })));
  byId("sort").value = sorts.some(([key]) => key === state.sort) ? state.sort : state.sort = "";
  byId("query").value = state.query;
  byId("side").value = state.side;
  byId("reverse").setAttribute("aria-pressed", state.reverse);
  byId("only").setAttribute("aria-pressed", state.only);

  byId("query").oninput = () => { state.query = byId("query").value; refresh(); };
  byId("sort").onchange = () => { state.sort = byId("sort").value; refresh(); };
  for (const [id, key] of [["reverse", "reverse"], ["only", "only"]]) byId(id).onclick = () => {
    state[key] = !state[key];
    byId(id).setAttribute("aria-pressed", state[key]);
    refresh();
  };
  for (const axis of ["x", "y", "z"]) byId("axis-" + axis).onchange = () => { state[axis] = byId("axis-" + axis).value; switchTo("table"); };
  byId("view-grid").onclick = () => switchTo("grid");
  byId("view-table").onclick = () => switchTo("table");
  byId("side").oninput = () => resize(Number(byId("side").value));
  byId("panel").onclick = () => panel(byId("facets").hidden);
  byId("compare").onclick = () => compare(...picked());
  byId("save").onclick = save;
  byId("help").onclick = () => byId("keys").showModal();
  byId("theme").onclick = () => {
    const themes = ["auto", "light", "dark"];
    shade(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % 3]);
    toast(`Colours: ${document.documentElement.dataset.theme}`);
  };
  let waiting = false;
  byId("main").addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }, { passive: true });
  byId("viewer").addEventListener("close", () => { if (list === shown && state.view === "grid") goTo(place); });
  addEventListener("keydown", onKey);
  new ResizeObserver(draw).observe(byId("main"));
  if (innerWidth < 860) panel(false);
  refresh();
}

start();
