// Everything on the page that is text. Values reach it as text only, never as markup.

const element = (id) => document.getElementById(id);

function tag(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const byId = new Map(operations.map((one) => [one.id, one]));

function tellVerdict() {
  element("verdict").textContent = { ok: "linearizable", illegal: "not linearizable", unknown: "unknown" }[DATA.verdict];
  element("verdict").className = DATA.verdict;
  element("file").textContent = DATA.file;
  const count = (outcome) => operations.filter((one) => one.outcome === outcome).length;
  const clients = new Set(operations.map((one) => one.client)).size;
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  element("facts").textContent = `model ${DATA.model}: ${plural(operations.length, "operation")} of ${plural(clients, "client")} on ` +
    `${plural(DATA.keys.length, "key")}, ${count(UNKNOWN)} of unknown outcome, ${count(FAILED)} failed`;
}

/** The explanation; each operation that it names can be looked at. */
function tellWhy() {
  const [summary, ...lines] = (DATA.illegal?.explanation ?? "").split("\n");
  if (DATA.verdict === "ok") {
    element("summary").textContent = "There is an order of all operations on each key that explains every answer.";
    element("explanation").textContent = "The points are where each operation may have taken effect, and the line is their order.";
  } else if (DATA.verdict === "unknown") {
    element("summary").textContent = "Nobody knows: a limit was reached.";
    element("explanation").textContent = DATA.limit ?? "";
  } else {
    linked(element("summary"), summary);
    linked(element("explanation"), lines.join("\n"));
  }
}

function linked(parent, text) {
  for (const part of text.split(/(operation \d+)/)) {
    const one = part.startsWith("operation ") ? byId.get(part.slice("operation ".length)) : undefined;
    if (!one) {
      parent.append(part);
      continue;
    }
    const button = tag("button", part);
    button.type = "button";
    button.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(one);
    });
    parent.append(button);
  }
}

function tellKeys() {
  const counts = new Array(DATA.keys.length).fill(0);
  for (const one of operations) counts[one.key]++;
  const select = element("key");
  const all = tag("option", `all ${DATA.keys.length} keys`);
  all.value = "all";
  select.append(all);
  DATA.keys.forEach((key, number) => {
    const option = tag("option", `${key} (${counts[number]})${DATA.illegal?.key === number ? " – illegal" : ""}`);
    option.value = String(number);
    select.append(option);
  });
  select.value = DATA.illegal ? String(DATA.illegal.key) : DATA.keys.length === 1 || operations.length > 5000 ? "0" : "all";
}

function tellView() {
  const bars = view.rows.reduce((sum, row) => sum + row.bars.length, 0);
  element("view").textContent = `${time(Math.max(first, view.from))} to ${time(Math.min(last, view.to))} · ${bars} operations`;
  element("nothing").hidden = bars !== 0;
}

/** Details of an operation, at a place on the chart. */
function tellTip(one, px, py) {
  const tip = element("tip");
  tip.hidden = !one;
  if (!one) return;
  const lines = [
    tag("b", one.call),
    tag("span", `operation ${one.id} of client ${one.client}, key ${DATA.keys[one.key]}${one.line ? `, line ${one.line}` : ""}`),
    tag("span", {
      [OK]: `${time(one.from)} to ${time(one.to)}`,
      [FAILED]: `${time(one.from)} to ${time(one.to)}, failed: it surely had no effect`,
      [UNKNOWN]: `from ${time(one.from)}, nobody knows how it ended: it may have taken effect at any time since, or never`,
    }[one.outcome]),
  ];
  if (one.rank !== null) lines.push(tag("span", `number ${one.rank} in the order of its key`));
  if (DATA.illegal?.operation === one.place) lines.push(tag("span", "There is no place for it: here the history died.", "role"));
  else if (core.has(one.place)) lines.push(tag("span", "Part of the core, which cannot be ordered.", "role"));
  else if (sources.has(one.place)) lines.push(tag("span", "An answer in the core could come from it.", "role source"));
  tip.replaceChildren(...lines);
  const main = tip.parentElement;
  tip.style.left = `${Math.max(4, Math.min(px + 14, main.clientWidth - tip.offsetWidth - 8))}px`;
  const below = py + 18 + chart.offsetTop;
  const fits = below + tip.offsetHeight < main.clientHeight;
  tip.style.top = `${fits ? below : Math.max(4, py + chart.offsetTop - tip.offsetHeight - 12)}px`;
}

/** The legend is drawn by what it explains. */
function tellLegend() {
  const sample = (isRead, outcome) => ({ place: -1, isRead, outcome, call: "", from: 0, to: 1 });
  const entries = [["writes or changes", sample(false, OK)], ["only reads", sample(true, OK)]];
  if (operations.some((one) => one.outcome === UNKNOWN)) entries.push(["unknown outcome, open end", sample(false, UNKNOWN)]);
  if (operations.some((one) => one.outcome === FAILED)) entries.push(["failed, no effect", sample(false, FAILED)]);
  if (DATA.illegal) {
    entries.push([DATA.illegal.is_minimal ? "minimal core: cannot be ordered" : "core: cannot be ordered (perhaps not minimal)",
      operations[DATA.illegal.core[0]]]);
    if (sources.size > 0) entries.push(["source of an answer in the core", operations[[...sources][0]]]);
  }
  const items = entries.map(([text, one]) => legendItem(text, (context) => drawBar(context, one, 2, one.outcome === UNKNOWN ? 18 : 32, 1)));
  if (Object.keys(DATA.orders).length > 0) {
    items.push(legendItem(DATA.illegal ? "order of what came before" : "order", (context) => {
      context.strokeStyle = context.fillStyle = colors.order;
      context.beginPath();
      context.moveTo(2, 14);
      context.lineTo(32, 5);
      context.stroke();
      for (const [px, py] of [[6, 13], [28, 6]]) {
        context.beginPath();
        context.arc(px, py, 3.5, 0, 2 * Math.PI);
        context.fill();
      }
    }));
  }
  if (died !== null) {
    items.push(legendItem("where it died", (context) => {
      context.strokeStyle = colors.death;
      context.setLineDash([5, 3]);
      context.beginPath();
      context.moveTo(17.5, 0);
      context.lineTo(17.5, 18);
      context.stroke();
    }));
  }
  element("legend").replaceChildren(...items);
}

function legendItem(text, paint) {
  const item = tag("li", "");
  const canvas = document.createElement("canvas");
  canvas.style.width = "36px";
  canvas.style.height = "18px";
  item.append(canvas, text);
  const scale = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [36 * scale, 18 * scale];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  paint(context);
  return item;
}
