"use strict";
// The pictures, what differs between them, and what of them is shown.

const { title = "", common = {}, texts = [], images = [] } = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const NOTHING = "–";
const MANY = 40;

for (const [order, image] of images.entries()) {
  image.order = order;
  image.values = { ...common, ...image.settings, prompt: texts[image.prompt], negative: texts[image.negative], file: image.file };
  const settings = Object.entries(image.settings).map(([key, value]) => `${key} ${value}`);
  image.words = [image.values.prompt, image.file, common.model ?? "", ...settings].join("\n").toLowerCase();
}

const value = (image, key) => image.values[key] ?? NOTHING;

/** What differs: key to its values in the order in which they come, each with how often. */
const varying = new Map();
for (const key of new Set(images.flatMap(image => Object.keys(image.values)))) {
  const counts = new Map();
  for (const image of images) counts.set(value(image, key), (counts.get(value(image, key)) ?? 0) + 1);
  if (counts.size > 1 && key !== "file") varying.set(key, counts);
}

const state = { query: "", filters: new Map(), sort: "", reverse: false, only: false, view: "grid", x: "", y: "", z: "", side: 208 };
let shown = [];
/** Width to height of most pictures that are shown. */
let ratio = 1;

function parsed(query) {
  return [...query.matchAll(/(-?)(?:([a-z_.\d]+?)(:|>=|<=|>|<))?(?:"([^"]*)"|(\S+))/gi)].map(([all, minus, key, sign, quoted, bare]) => {
    const word = (quoted ?? bare).toLowerCase();
    const known = key !== undefined && images.some(image => key.toLowerCase() in image.values);
    const fits = known ? image => compares(image.values[key.toLowerCase()], sign, word)
      : image => image.words.includes(sign === undefined ? word : all.slice(minus.length).toLowerCase());
    return minus ? image => !fits(image) : fits;
  });
}

function compares(own, sign, word) {
  if (own === undefined) return false;
  if (sign === ":") return typeof own === "number" ? own === Number(word) : String(own).toLowerCase().includes(word);
  const [a, b] = [Number(own), Number(word)];
  return sign === ">" ? a > b : sign === "<" ? a < b : sign === ">=" ? a >= b : a <= b;
}

function passes(image, [key, wanted]) {
  const own = value(image, key);
  if (wanted instanceof Set) return wanted.has(own);
  return own !== NOTHING && own >= wanted.from && own <= wanted.to;
}

function inOrder(a, b) {
  const [one, other] = [value(a, state.sort), value(b, state.sort)];
  if (one === other) return a.order - b.order;
  if ((one === NOTHING) !== (other === NOTHING)) return one === NOTHING ? 1 : -1;
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

/** The pictures that pass every filter, but for that of the key `but`. */
function chosen(but) {
  const tests = parsed(state.query);
  const filters = [...state.filters].filter(([key]) => key !== but);
  return images.filter(image => (!state.only || picks.has(image.file))
    && tests.every(test => test(image)) && filters.every(filter => passes(image, filter)));
}

function choose() {
  shown = chosen();
  if (state.sort) shown.sort(inOrder);
  if (state.reverse) shown.reverse();
  const sorted = shown.map(image => image.sides[0] / image.sides[1]).sort((a, b) => a - b);
  ratio = Math.min(2.5, Math.max(.4, sorted[sorted.length >> 1] ?? 1));
}

// What is picked is kept by the browser, for this page.
const shelf = "tagkit-picks:" + location.pathname;
const picks = new Set(kept(shelf, []));
const picked = () => images.filter(image => picks.has(image.file));

function kept(key, otherwise) {
  try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { return otherwise; }
}

function keep(key, what) {
  try { localStorage.setItem(key, JSON.stringify(what)); } catch { /* a private window keeps nothing */ }
}

// The state stands in the address, so that a reload or a bookmark brings it back.
function remember() {
  const said = new URLSearchParams();
  for (const key of ["query", "sort", "x", "y", "z"]) if (state[key]) said.set(key, state[key]);
  if (state.reverse) said.set("reverse", 1);
  if (state.only) said.set("only", 1);
  if (state.view !== "grid") said.set("view", state.view);
  for (const [key, wanted] of state.filters)
    said.set("f." + key, JSON.stringify(wanted instanceof Set ? [...wanted] : wanted));
  history.replaceState(null, "", "#" + said);
  keep("tagkit-side", state.side);
}

function recall() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const key of ["query", "sort", "x", "y", "z"]) state[key] = said.get(key) ?? "";
  state.reverse = said.has("reverse");
  state.only = said.has("only");
  state.view = said.get("view") === "table" ? "table" : "grid";
  state.side = Number(kept("tagkit-side", 208)) || 208;
  for (const [key, text] of said) {
    if (!key.startsWith("f.") || !varying.has(key.slice(2))) continue;
    try {
      const wanted = JSON.parse(text);
      state.filters.set(key.slice(2), Array.isArray(wanted) ? new Set(wanted) : wanted);
    } catch { /* an address that was written by hand */ }
  }
}
