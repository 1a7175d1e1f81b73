"use strict";
// What is drawn: operations, rows, orders. Nothing here touches the page, but for reading the data.

const DATA = JSON.parse(document.getElementById("data").textContent);
const OK = 0, FAILED = 1, UNKNOWN = 2;

const operations = DATA.operations.map(([id, client, key, from, to, outcome, isRead, line, call], place) =>
  ({ place, id, client, key, from, to, outcome, isRead, line, call, point: null, rank: null }));
const core = new Set(DATA.illegal ? DATA.illegal.core : []);
const sources = new Set(DATA.illegal ? DATA.illegal.sources.filter((place) => !core.has(place)) : []);
const died = DATA.illegal ? DATA.illegal.died_at : null;
let first = 0, last = 1;
for (const one of operations) {
  last = Math.max(last, one.to);
}

/** A time as it is in the history. */
function time(at) {
  return (BigInt(DATA.base) + BigInt(Math.round(at))).toString();
}

/** When each operation of an order may have taken effect: in the middle of what is possible. */
function placePoints(order, end) {
  const latest = new Array(order.length);
  let bound = Infinity;
  for (let i = order.length - 1; 0 <= i; i--) {
    const one = operations[order[i]];
    const returned = one.outcome === UNKNOWN || (end !== null && end < one.to) ? (end ?? Infinity) : one.to;
    bound = Math.min(bound, returned);
    latest[i] = bound;
  }
  let earliest = -Infinity;
  order.forEach((place, i) => {
    const one = operations[place];
    earliest = Math.max(earliest, one.from);
    one.rank = i + 1;
    one.point = latest[i] === Infinity ? earliest : (earliest + Math.max(latest[i], earliest)) / 2;
  });
}
for (const [key, order] of Object.entries(DATA.orders)) {
  placePoints(order, DATA.illegal && Number(key) === DATA.illegal.key ? died : null);
}

/** Which clients a filter such as `1, 4-6` names; null for all, undefined if it cannot be read. */
function clientFilter(text) {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "" && part !== "all");
  const ranges = [];
  for (const part of parts) {
    const match = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(part);
    if (!match) return undefined;
    ranges.push([BigInt(match[1]), BigInt(match[2] ?? match[1])]);
  }
  return ranges.length === 0 ? null : (client) => ranges.some(([from, to]) => from <= BigInt(client) && BigInt(client) <= to);
}

/** Rows of bars that do not overlap: by key, by client, and several where a client had several in flight. */
function makeRows(isShown) {
  const groups = new Map();
  for (const one of operations) {
    if (!isShown(one)) continue;
    const group = `${one.key} ${one.client}`;
    if (!groups.has(group)) groups.set(group, { key: one.key, client: one.client, all: [] });
    groups.get(group).all.push(one);
  }
  const compare = (a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
  const sorted = [...groups.values()].sort((a, b) => a.key - b.key || compare(a.client, b.client));
  const rows = [];
  for (const { key, client, all } of sorted) {
    all.sort((a, b) => a.from - b.from || a.place - b.place);
    const mine = [];
    for (const one of all) {
      let row = mine.find((row) => row.end <= one.from);
      if (!row) {
        row = { key, client, bars: [], end: -Infinity, longest: 0, isFirst: mine.length === 0 };
        mine.push(row);
      }
      row.bars.push(one);
      row.end = Math.max(one.to, one.from);
      row.longest = Math.max(row.longest, one.to - one.from);
    }
    rows.push(...mine);
  }
  return rows;
}

/** The first bar of a row that may reach beyond this time. */
function firstBar(row, at) {
  let low = 0, high = row.bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row.bars[middle].from + row.longest < at) low = middle + 1; else high = middle;
  }
  return low;
}
