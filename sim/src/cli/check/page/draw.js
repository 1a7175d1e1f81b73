// Draws what is visible, and only that: a hundred thousand bars are mostly outside of the window.

const LABEL = 118, AXIS = 24, ROW = 24, BAR = 16;
const chart = document.getElementById("chart"), overview = document.getElementById("overview");

/** What is looked at: from and to are times, top is in pixels. */
const view = { from: 0, to: 1, top: 0, rows: [], order: [], showOrder: true, hover: null, kept: null };

let colors = {};
function readColors() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "panel", "ink", "faint", "line", "stripe", "write", "read", "failed", "core", "core-fill",
    "source", "source-fill", "order", "death", "on-bar", "focus"];
  colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** A canvas at the resolution of the screen. */
function prepare(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

const x = (at, width) => LABEL + ((at - view.from) / (view.to - view.from)) * (width - LABEL);
const timeAt = (px, width) => view.from + ((px - LABEL) / (width - LABEL)) * (view.to - view.from);
const rowTop = (number) => AXIS + number * ROW - view.top;

function draw() {
  const { context, width, height } = prepare(chart);
  context.font = "11.5px system-ui, 'DejaVu Sans', sans-serif";
  context.textBaseline = "middle";
  drawGround(context, width, height);
  context.save();
  context.beginPath();
  context.rect(LABEL, AXIS, width - LABEL, height - AXIS);
  context.clip();
  const visible = visibleRows(height);
  for (const number of visible) drawRow(context, width, number);
  if (view.showOrder) drawOrder(context, width, height);
  drawDeath(context, width, height);
  context.restore();
  drawLabels(context, height, visible);
  drawAxis(context, width);
  drawOverview();
  tellView();
}

function visibleRows(height) {
  const from = Math.max(0, Math.floor(view.top / ROW));
  const to = Math.min(view.rows.length, Math.ceil((view.top + height - AXIS) / ROW));
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function drawGround(context, width, height) {
  for (const number of visibleRows(height)) {
    if (number % 2 === 1) {
      context.fillStyle = colors.stripe;
      context.fillRect(0, rowTop(number), width, ROW);
    }
  }
}

/** Bars of one row. What is thinner than a pixel and on a pixel that has a bar already is left out. */
function drawRow(context, width, number) {
  const row = view.rows[number];
  const y = rowTop(number) + (ROW - BAR) / 2;
  let lastPixel = -1;
  for (let i = Math.max(0, firstBar(row, view.from) - 1); i < row.bars.length; i++) {
    const one = row.bars[i];
    if (view.to < one.from) break;
    const from = x(one.from, width), to = x(one.to, width);
    if (to < LABEL && one.outcome !== UNKNOWN) continue;
    const matters = core.has(one.place) || sources.has(one.place) || one === view.hover || one === view.kept;
    if (!matters && to - from < 1 && Math.floor(to) === lastPixel) continue;
    lastPixel = Math.floor(to);
    drawBar(context, one, from, Math.max(to, from + 2), y);
    if (one.outcome === UNKNOWN) drawOpenEnd(context, to, i + 1 < row.bars.length ? x(row.bars[i + 1].from, width) : width, y);
  }
}

function drawBar(context, one, from, to, y) {
  const isCore = core.has(one.place), isSource = sources.has(one.place);
  const fill = isCore ? colors["core-fill"] : isSource ? colors["source-fill"] : one.isRead ? colors.read : colors.write;
  const edge = isCore ? colors.core : isSource ? colors.source : fill;
  const end = one.outcome === UNKNOWN ? to + 18 : to;
  if (one.outcome === FAILED) {
    context.strokeStyle = isSource ? colors.source : colors.failed;
    context.setLineDash([3, 3]);
    context.strokeRect(from + 0.5, y + 0.5, Math.max(1, to - from - 1), BAR - 1);
    context.setLineDash([]);
  } else if (one.outcome === UNKNOWN) {
    const fade = context.createLinearGradient(from, 0, end, 0);
    fade.addColorStop(0, fill);
    fade.addColorStop(Math.max(0, (to - from) / (end - from) - 0.01), fill);
    fade.addColorStop(1, "transparent");
    context.fillStyle = fade;
    context.fillRect(from, y, end - from, BAR);
  } else {
    context.fillStyle = fill;
    context.fillRect(from, y, to - from, BAR);
  }
  if (isCore || isSource) {
    context.strokeStyle = edge;
    context.lineWidth = isCore ? 2 : 1.5;
    openRectangle(context, from, to, y, one.outcome === UNKNOWN);
    context.lineWidth = 1;
  }
  if (one === view.hover || one === view.kept) {
    context.strokeStyle = colors.focus;
    context.lineWidth = 2;
    context.strokeRect(from - 2, y - 2, to - from + 4, BAR + 4);
    context.lineWidth = 1;
  }
  drawCall(context, one, from, to, y, isCore || isSource);
}

/** It may take effect as long as the history goes on. */
function drawOpenEnd(context, from, to, y) {
  context.strokeStyle = colors.faint;
  context.setLineDash([1, 4]);
  context.beginPath();
  context.moveTo(from + 20, y + BAR / 2 + 0.5);
  context.lineTo(to, y + BAR / 2 + 0.5);
  context.stroke();
  context.setLineDash([]);
}

/** Without its right side if nobody knows how it ended. */
function openRectangle(context, from, to, y, isOpen) {
  context.beginPath();
  context.moveTo(to, y);
  context.lineTo(from, y);
  context.lineTo(from, y + BAR);
  context.lineTo(to, y + BAR);
  if (!isOpen) context.closePath();
  context.stroke();
}

function drawCall(context, one, from, to, y, matters) {
  const left = Math.max(from, LABEL) + 4, space = to - left - 3;
  if (space < 26) return;
  context.fillStyle = matters ? colors.ink : one.outcome === FAILED ? colors.faint : colors["on-bar"];
  context.fillText(fitted(context, one.call, space), left, y + BAR / 2 + 0.5);
}

function fitted(context, text, space) {
  if (context.measureText(text).width <= space) return text;
  let low = 0, high = Math.min(text.length, 200);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(text.slice(0, middle) + "…").width <= space) low = middle; else high = middle - 1;
  }
  return low < 2 ? "" : text.slice(0, low) + "…";
}

/** The linearization points, joined in their order; without lines where they would cover all. */
function drawOrder(context, width, height) {
  const points = [];
  for (const one of view.order) {
    if (one.row === undefined || one.point < view.from || view.to < one.point) continue;
    points.push([x(one.point, width), rowTop(one.row) + (ROW + BAR) / 2]);
  }
  const isDense = points.length > (width - LABEL) / 3;
  if (!isDense) {
    context.strokeStyle = colors.order;
    context.globalAlpha = 0.55;
    context.beginPath();
    points.forEach(([px, py], i) => (i === 0 ? context.moveTo(px, py) : context.lineTo(px, py)));
    context.stroke();
    context.globalAlpha = 1;
  }
  context.fillStyle = colors.order;
  context.strokeStyle = colors.ground;
  const taken = new Set();
  for (const [px, py] of points) {
    if (py < 0 || height < py) continue;
    const pixel = Math.round(px) * 65536 + Math.round(py);
    if (taken.has(pixel)) continue;
    taken.add(pixel);
    context.beginPath();
    context.arc(px, py, isDense ? 1.2 : 3.5, 0, 2 * Math.PI);
    context.fill();
    if (!isDense) context.stroke();
  }
}

function drawDeath(context, width, height) {
  if (died === null || died < view.from || view.to < died) return;
  const px = Math.round(x(died, width)) + 0.5;
  context.strokeStyle = colors.death;
  context.setLineDash([5, 3]);
  context.beginPath();
  context.moveTo(px, AXIS);
  context.lineTo(px, height);
  context.stroke();
  context.setLineDash([]);
}

function drawLabels(context, height, visible) {
  context.fillStyle = colors.panel;
  context.fillRect(0, AXIS, LABEL, height - AXIS);
  let lastKey = null;
  for (const number of visible) {
    const row = view.rows[number];
    const y = rowTop(number) + ROW / 2 + 0.5;
    if (row.key !== lastKey) {
      context.strokeStyle = colors.line;
      context.beginPath();
      context.moveTo(0, rowTop(number) + 0.5);
      context.lineTo(LABEL, rowTop(number) + 0.5);
      context.stroke();
      context.fillStyle = colors.ink;
      context.fillText(fitted(context, DATA.keys[row.key], 52), 6, y);
      lastKey = row.key;
    }
    if (row.isFirst) {
      context.fillStyle = colors.faint;
      context.textAlign = "right";
      context.fillText(fitted(context, row.client, 50), LABEL - 8, y);
      context.textAlign = "left";
    }
  }
}

/** Times at round numbers. */
function drawAxis(context, width) {
  context.fillStyle = colors.panel;
  context.fillRect(0, 0, width, AXIS);
  context.fillStyle = colors.faint;
  context.fillText("key", 6, AXIS / 2);
  context.textAlign = "right";
  context.fillText("client", LABEL - 8, AXIS / 2);
  context.textAlign = "center";
  const labelWidth = context.measureText(time(view.to)).width + 28;
  const rough = ((view.to - view.from) * labelWidth) / Math.max(1, width - LABEL);
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const step = Math.max(1, [1, 2, 5, 10].map((one) => one * magnitude).find((one) => rough <= one) ?? 10 * magnitude);
  const base = Number(BigInt(DATA.base) % BigInt(step));
  for (let at = Math.ceil((view.from + base) / step) * step - base; at <= view.to; at += step) {
    const px = x(at, width);
    if (px < LABEL + labelWidth / 2 - 14 || width - labelWidth / 2 + 14 < px) continue;
    context.fillText(time(at), px, AXIS / 2);
    context.fillRect(px, AXIS - 4, 1, 4);
  }
  context.textAlign = "left";
  context.strokeStyle = colors.line;
  context.strokeRect(LABEL + 0.5, -1, width, AXIS + 0.5);
}

/** How many operations there are when, and where the window is. */
function drawOverview() {
  const { context, width, height } = prepare(overview);
  const scale = (at) => ((at - first) / Math.max(1, last - first)) * width;
  const counts = density(Math.max(1, Math.floor(width)));
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  context.fillStyle = colors.read;
  counts.forEach((count, px) => {
    const tall = count === 0 ? 0 : Math.max(1, (count / most) * (height - 6));
    context.fillRect(px, height - tall, 1, tall);
  });
  if (DATA.illegal) {
    context.fillStyle = colors.core;
    for (const place of core) context.fillRect(scale(operations[place].from) - 1, 0, 2, height);
  }
  const from = scale(view.from), to = scale(view.to);
  context.fillStyle = colors.focus;
  context.globalAlpha = 0.14;
  context.fillRect(from, 0, Math.max(3, to - from), height);
  context.globalAlpha = 1;
  context.strokeStyle = colors.focus;
  context.strokeRect(from + 0.5, 0.5, Math.max(3, to - from) - 1, height - 1);
}

let densityOf = { rows: null, width: 0, counts: [] };
function density(width) {
  if (densityOf.rows === view.rows && densityOf.width === width) return densityOf.counts;
  const counts = new Array(width).fill(0);
  for (const row of view.rows) {
    for (const one of row.bars) {
      counts[Math.min(width - 1, Math.floor(((one.from - first) / Math.max(1, last - first)) * width))]++;
    }
  }
  densityOf = { rows: view.rows, width, counts };
  return counts;
}
