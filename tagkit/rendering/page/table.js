// The XYZ table: settings along three axes, the pictures of each combination in a cell.

const IN_CELL = 4;
const MOST = { x: 40, y: 200, z: 20 };

function axes() {
  const preferred = [...varying.keys()].filter(key => !["tokens", "negative", "seed", "prompt"].includes(key));
  preferred.sort((a, b) => varying.get(a).size - varying.get(b).size);
  const all = [...preferred, ...["prompt", "seed"].filter(key => varying.has(key))];
  const free = () => all.find(key => ![state.x, state.y, state.z].includes(key)) ?? "";
  if (!varying.has(state.x)) state.x = free();
  if (!varying.has(state.y) && state.y !== NOTHING) state.y = free();
  if (!varying.has(state.z)) state.z = "";
  for (const [name, none] of [["x", false], ["y", true], ["z", true]]) {
    const keys = [...varying.keys()].filter(key => key !== "tokens");
    const options = keys.map(key => make("option", { value: key, textContent: key }));
    if (none) options.unshift(make("option", { value: name === "y" ? NOTHING : "", textContent: "none" }));
    byId("axis-" + name).replaceChildren(...options);
    byId("axis-" + name).value = state[name];
  }
}

function valuesOf(key, list, most) {
  if (!key || key === NOTHING) return [undefined];
  const there = new Set(list.map(image => value(image, key)));
  return [...varying.get(key).keys()].filter(each => there.has(each)).slice(0, most);
}

const along = (key, each) => image => each === undefined || value(image, key) === each;

function head(key, each) {
  const text = each === undefined ? "" : String(each);
  return make("th", { title: text }, each === undefined ? "" : `${key} `, make("b", { textContent: text.length > 90 ? text.slice(0, 88) + "…" : text }));
}

function stack(list) {
  if (!list.length) return make("td", { className: "none", textContent: NOTHING });
  const box = make("div", { className: list.length > 1 ? "stack many" : "stack" });
  list.slice(0, IN_CELL).forEach((image, place) => {
    const node = make("div", { className: "pic", data: { file: image.file } }, ...pictureButtons(image, list, place));
    node.querySelector("img").loading = "lazy";
    dress(node, image);
    box.append(node);
  });
  if (list.length > IN_CELL) box.append(button(`all ${list.length}`, () => view(list, IN_CELL), { className: "more" }));
  return make("td", {}, box);
}

function tableOf(list) {
  const columns = valuesOf(state.x, list, MOST.x);
  const rows = valuesOf(state.y, list, MOST.y);
  const top = make("thead", {}, make("tr", {}, make("th"), ...columns.map(each => head(state.x, each))));
  const body = make("tbody");
  for (const row of rows) {
    const own = list.filter(along(state.y, row));
    body.append(make("tr", {}, head(state.y, row), ...columns.map(each => stack(own.filter(along(state.x, each))))));
  }
  return make("table", {}, top, body);
}

function drawTable() {
  const box = byId("table");
  if (!state.x) {
    box.replaceChildren(make("p", { className: "nothing", textContent: "Nothing differs between these pictures." }));
    return;
  }
  document.documentElement.style.setProperty("--ratio", ratio);
  const sections = valuesOf(state.z, shown, MOST.z).map(each => {
    const own = shown.filter(along(state.z, each));
    return make("section", {}, ...(each === undefined ? [] : [make("h2", { textContent: `${state.z} ${each}` })]), tableOf(own));
  });
  const cut = [["x", state.x], ["y", state.y], ["z", state.z]].filter(([axis, key]) => varying.has(key) && varying.get(key).size > MOST[axis]);
  const told = cut.map(([axis, key]) => make("p", { textContent: `${key}: the first ${MOST[axis]} values; filter to see others` }));
  box.replaceChildren(...told, ...sections);
}
