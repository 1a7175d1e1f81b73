// What people do: filters, zoom, pan, keys, pointing. It begins with a window around the death.

let isPending = false;
function redraw() {
  if (isPending) return;
  isPending = true;
  requestAnimationFrame(() => {
    isPending = false;
    draw();
  });
}

function applyFilter() {
  const key = element("key").value;
  const clients = clientFilter(element("clients").value);
  element("clients").classList.toggle("wrong", clients === undefined);
  if (clients === undefined) return;
  const onlyCore = element("only-core").checked;
  for (const one of operations) one.row = undefined;
  view.rows = makeRows((one) => (key === "all" || one.key === Number(key)) && (!clients || clients(one.client)) &&
    (!onlyCore || core.has(one.place) || sources.has(one.place)));
  view.rows.forEach((row, number) => row.bars.forEach((one) => { one.row = number; }));
  // Keys do not influence each other, so several orders are not joined.
  const shown = key === "all" ? (DATA.keys.length === 1 ? ["0"] : []) : [key];
  view.order = shown.flatMap((key) => DATA.orders[key] ?? []).map((place) => operations[place]);
  if (key === "all" && DATA.keys.length > 1) view.order = [];
  view.hover = null;
  moveTo(view.from, view.to, view.top);
}

function moveTo(from, to, top = view.top) {
  const margin = (last - first) * 0.02 + 1;
  const span = Math.min(Math.max(to - from, 2), last - first + 2 * margin);
  const begin = Math.min(Math.max(from + (to - from - span) / 2, first - margin), last + margin - span);
  [view.from, view.to] = [begin, begin + span];
  const tall = view.rows.length * ROW - (chart.clientHeight - AXIS);
  view.top = Math.min(Math.max(0, top), Math.max(0, tall));
  redraw();
}

function zoom(factor, at = (view.from + view.to) / 2) {
  moveTo(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

/** A window with all of these, and some room. */
function show(some) {
  if (some.length === 0) return;
  const from = some.reduce((least, one) => Math.min(least, one.from), Infinity);
  const to = some.reduce((most, one) => Math.max(most, one.outcome === UNKNOWN ? one.from : one.to), -Infinity);
  const room = Math.max(1, (to - from) * 0.15);
  moveTo(from - room, to + room);
  reveal(some[some.length - 1]);
}

/** Scrolls to the row of an operation. */
function reveal(one) {
  if (one.row === undefined) return;
  const top = one.row * ROW, height = chart.clientHeight - AXIS;
  if (top < view.top || view.top + height < top + ROW) moveTo(view.from, view.to, top - height / 2);
}

function showDeath() {
  if (!DATA.illegal) return showStart();
  const key = operations.filter((one) => one.key === DATA.illegal.key && one.outcome !== FAILED && one.from <= died);
  const near = key.sort((a, b) => a.to - b.to).slice(-24).filter((one) => one.outcome !== UNKNOWN);
  const culprit = operations[DATA.illegal.operation];
  const spanned = [...near, culprit];
  const from = Math.min(...spanned.map((one) => one.from));
  const close = [...core, ...sources].map((place) => operations[place]).filter((one) => from - 3 * (died - from) <= one.from);
  show([...spanned, ...close.filter((one) => one.from <= died), culprit]);
}

function showStart() {
  const bars = view.rows.flatMap((row) => row.bars.slice(0, 40)).sort((a, b) => a.from - b.from);
  show(bars.slice(0, 60));
  moveTo(view.from, view.to, 0);
}

function goTo(one) {
  const key = element("key");
  if (one.row === undefined) {
    key.value = String(one.key);
    element("clients").value = "";
    element("only-core").checked = false;
    applyFilter();
  }
  view.kept = one;
  const middle = (one.from + (one.outcome === UNKNOWN ? one.from : one.to)) / 2, half = (view.to - view.from) / 2;
  if (one.from < view.from || view.to < one.to) moveTo(middle - half, middle + half);
  reveal(one);
  const width = chart.clientWidth;
  tellTip(one, Math.max(LABEL, x(middle, width)), rowTop(one.row) + ROW / 2);
  redraw();
}

/** The operation at a place on the chart. */
function operationAt(px, py) {
  const row = view.rows[Math.floor((py - AXIS + view.top) / ROW)];
  if (!row || px < LABEL || py < AXIS) return null;
  const width = chart.clientWidth, slack = 3;
  let best = null, distance = slack + 1;
  for (let i = firstBar(row, timeAt(px - slack - 20, width)); i < row.bars.length; i++) {
    const one = row.bars[i];
    const from = x(one.from, width), to = x(one.to, width) + (one.outcome === UNKNOWN ? 18 : 0);
    if (px + slack < from) break;
    const away = Math.max(0, from - px, px - to);
    if (away < distance) [best, distance] = [one, away];
  }
  return best;
}

function listenToPointer() {
  let drag = null;
  chart.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, y: event.offsetY, from: view.from, to: view.to, top: view.top, moved: false };
    chart.setPointerCapture(event.pointerId);
  });
  chart.addEventListener("pointermove", (event) => {
    if (drag) {
      drag.moved ||= Math.hypot(event.offsetX - drag.x, event.offsetY - drag.y) > 3;
      if (!drag.moved) return;
      chart.classList.add("dragged");
      tellTip(null);
      const by = ((event.offsetX - drag.x) / (chart.clientWidth - LABEL)) * (drag.to - drag.from);
      moveTo(drag.from - by, drag.to - by, drag.top - (event.offsetY - drag.y));
      return;
    }
    const one = operationAt(event.offsetX, event.offsetY);
    if (one !== view.hover) {
      view.hover = one;
      redraw();
    }
    if (one || !view.kept) tellTip(one, event.offsetX, event.offsetY);
  });
  chart.addEventListener("pointerup", (event) => {
    chart.classList.remove("dragged");
    if (drag && !drag.moved) {
      view.kept = operationAt(event.offsetX, event.offsetY);
      tellTip(view.kept, event.offsetX, event.offsetY);
      redraw();
    }
    drag = null;
  });
  chart.addEventListener("pointercancel", () => { drag = null; });
  chart.addEventListener("pointerleave", () => {
    view.hover = null;
    if (!view.kept) tellTip(null);
    redraw();
  });
  chart.addEventListener("wheel", (event) => {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey) {
      const by = ((sideways * unit) / (chart.clientWidth - LABEL)) * (view.to - view.from);
      moveTo(view.from + by, view.to + by);
    } else {
      zoom(Math.exp(event.deltaY * unit * 0.002), timeAt(Math.max(LABEL, event.offsetX), chart.clientWidth));
    }
  }, { passive: false });
  const jump = (event) => {
    if (event.buttons === 0) return;
    const at = first + (event.offsetX / overview.clientWidth) * (last - first), half = (view.to - view.from) / 2;
    moveTo(at - half, at + half);
  };
  overview.addEventListener("pointerdown", jump);
  overview.addEventListener("pointermove", jump);
}

/** The next operation of the order, or the one before. */
function step(by) {
  if (view.order.length === 0) return;
  const now = view.kept?.rank != null && view.order[view.kept.rank - 1] === view.kept ? view.kept.rank - 1 : null;
  const visible = view.order.findIndex((one) => view.from <= one.point);
  const next = now === null ? Math.max(0, visible) : now + by;
  const one = view.order[Math.min(Math.max(0, next), view.order.length - 1)];
  if (one.row !== undefined) goTo(one);
}

const KEYS = {
  "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), "0": () => moveTo(first, last, 0),
  ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15),
  ArrowUp: () => moveTo(view.from, view.to, view.top - 2 * ROW), ArrowDown: () => moveTo(view.from, view.to, view.top + 2 * ROW),
  PageUp: () => moveTo(view.from, view.to, view.top - chart.clientHeight + 2 * ROW),
  PageDown: () => moveTo(view.from, view.to, view.top + chart.clientHeight - 2 * ROW),
  Home: () => moveTo(first, first + view.to - view.from), End: () => moveTo(last - (view.to - view.from), last),
  n: () => step(1), p: () => step(-1), d: showDeath, c: showCore,
  Escape: () => { view.kept = view.hover = null; tellTip(null); redraw(); },
};

function pan(share) {
  const by = (view.to - view.from) * share;
  moveTo(view.from + by, view.to + by);
}

function showCore() {
  show([...core, ...sources].map((place) => operations[place]));
}

function listen() {
  listenToPointer();
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    const scrolls = event.target === element("explanation");
    if (isTyping || scrolls || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  element("tools").addEventListener("submit", (event) => event.preventDefault());
  element("key").addEventListener("change", applyFilter);
  element("clients").addEventListener("input", applyFilter);
  element("only-core").addEventListener("change", applyFilter);
  element("order").addEventListener("change", (event) => {
    view.showOrder = event.target.checked;
    redraw();
  });
  element("find").addEventListener("input", (event) => {
    const one = byId.get(event.target.value.trim());
    event.target.classList.toggle("wrong", !one && event.target.value.trim() !== "");
    if (one) goTo(one);
  });
  const clicks = { "to-death": showDeath, "to-core": showCore, "to-all": KEYS["0"], "zoom-in": KEYS["+"], "zoom-out": KEYS["-"] };
  for (const [id, act] of Object.entries(clicks)) element(id).addEventListener("click", act);
  new ResizeObserver(() => moveTo(view.from, view.to)).observe(chart);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColors();
    tellLegend();
    redraw();
  });
}

readColors();
tellVerdict();
tellWhy();
tellKeys();
tellLegend();
for (const id of ["to-death", "to-core", "only-core-label"]) element(id).hidden = !DATA.illegal;
listen();
[view.from, view.to] = [first, last];
applyFilter();
if (DATA.illegal) showDeath(); else showStart();
draw();
document.body.dataset.drawn = "true";
