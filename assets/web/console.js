// Keeps the console live: one event stream brings rendered fragments, this script puts them in place.
"use strict";

const MOST_LINES = 1000;
const byId = (id) => document.getElementById(id);
const pane = byId("lines");
const service = byId("filter-service");
const level = byId("filter-level");
const search = byId("search");
const pauseButton = byId("pause");
const details = byId("details");
const latest = byId("latest");

let stream = null;
let paused = false;
let waiting = []; // What came while paused: fragments, each { html, replaces }.
let following = true; // The pane is scrolled to its end and stays there.

// ---- The stream

function connect() {
  stream?.close();
  const query = new URLSearchParams({ service: service.value, level: level.value });
  stream = new EventSource(`/console/live?${query}`);
  stream.addEventListener("open", () => (byId("connection").hidden = true));
  stream.addEventListener("services", (event) => showServices(event.data));
  stream.addEventListener("urls", (event) => (byId("urls").innerHTML = event.data));
  stream.addEventListener("tail", (event) => receive({ html: event.data, replaces: true }));
  stream.addEventListener("lines", (event) => receive({ html: event.data, replaces: false }));
  stream.addEventListener("over", comeBack);
  stream.addEventListener("error", () => {
    byId("connection").hidden = false;
    // The browser tries again by itself unless it was refused.
    if (stream.readyState === EventSource.CLOSED) comeBack();
  });
}

let returning = false;

// The session is over, by a sign-out or because the stack has stopped. What is shown stays until somebody answers
// again; then the page is asked for anew and says how to get in.
async function comeBack() {
  stream?.close();
  byId("connection").hidden = false;
  if (returning) return;
  returning = true;
  for (;;) {
    await new Promise((wake) => setTimeout(wake, 1000));
    const answer = await fetch("/console/login", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) break;
  }
  location.reload();
}

// A hidden tab holds no connection: browsers allow a host only six over HTTP/1.1.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stream?.close();
  else if (!returning) connect();
});

// The stream ends with the session; what follows must not cut off the way to the sign-in page.
document.querySelector("form[action='/console/logout']").addEventListener("submit", () => stream?.close());

// ---- Services

const shownServices = new Map(); // Row id to the HTML it was made from.

// Changes only the rows that differ, so that focus and selection stay where they are.
function showServices(html) {
  const next = parse(html);
  const rows = [...next.querySelectorAll(".service")];
  const summary = next.querySelector("#summary");
  const same = rows.length === shownServices.size && rows.every((row) => shownServices.has(row.id));
  if (!same) {
    byId("services").replaceChildren(next);
  } else {
    if (summary.textContent !== byId("summary").textContent) {
      byId("summary").textContent = summary.textContent;
      byId("summary").className = summary.className;
    }
    for (const row of rows) {
      if (shownServices.get(row.id) === row.outerHTML) continue;
      const focused = document.activeElement?.id;
      byId(row.id).replaceWith(row.cloneNode(true));
      if (focused && document.activeElement?.id !== focused) byId(focused)?.focus();
    }
  }
  shownServices.clear();
  for (const row of rows) shownServices.set(row.id, row.outerHTML);
  for (const row of rows) offerService(row.id.slice("service-".length));
  showAges();
}

function offerService(name) {
  if (![...service.options].some((option) => option.value === name)) service.add(new Option(name, name));
}

byId("services").addEventListener("click", (event) => {
  const name = event.target.closest("[data-logs]")?.dataset.logs;
  if (!name) return;
  service.value = name;
  restart();
  byId("logs").scrollIntoView();
  pane.focus({ preventScroll: true });
});

// ---- Logs

function receive(fragment) {
  if (!paused) {
    show([fragment]);
    return;
  }
  if (fragment.replaces) waiting = [];
  waiting.push({ ...fragment, count: parse(fragment.html).querySelectorAll(".line").length });
  let count = 0;
  for (const { count: more } of waiting) count += more;
  while (waiting.length > 1 && count - waiting[0].count >= MOST_LINES) {
    const [dropped] = waiting.splice(0, 1);
    waiting[0].replaces = true;
    count -= dropped.count;
  }
  pauseButton.textContent = count ? `Resume (${count >= MOST_LINES ? `${MOST_LINES}+` : count} new)` : "Resume";
}

function show(fragments) {
  for (const { html, replaces } of fragments) {
    const lines = parse(html);
    for (const time of lines.querySelectorAll("time")) time.textContent = clock(new Date(time.dateTime));
    for (const line of lines.querySelectorAll(".line")) line.hidden = !matches(line);
    if (replaces) pane.replaceChildren(lines);
    else pane.append(lines);
  }
  while (pane.childElementCount > MOST_LINES) pane.firstElementChild.remove();
  countLines();
  if (following) pane.scrollTop = pane.scrollHeight;
  else latest.hidden = false;
}

function matches(line) {
  return !search.value || line.textContent.toLowerCase().includes(search.value.toLowerCase());
}

function countLines() {
  const all = pane.querySelectorAll(".line").length;
  const found = pane.querySelectorAll(".line:not([hidden])").length;
  byId("shown").textContent = search.value ? `${found} of ${all} lines match` : "";
  byId("nothing").hidden = found > 0;
  byId("nothing").textContent = all ? "No line matches." : "No log lines yet.";
}

function restart() {
  following = true;
  if (paused) togglePause();
  connect();
}

function togglePause() {
  paused = !paused;
  pauseButton.setAttribute("aria-pressed", paused);
  pauseButton.textContent = paused ? "Resume" : "Pause";
  if (!paused) show(waiting.splice(0));
}

function toEnd() {
  following = true;
  latest.hidden = true;
  pane.scrollTop = pane.scrollHeight;
}

pane.addEventListener("scroll", () => {
  following = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 8;
  if (following) latest.hidden = true;
});
latest.addEventListener("click", toEnd);
pauseButton.addEventListener("click", togglePause);
service.addEventListener("change", restart);
level.addEventListener("change", restart);
byId("filter").addEventListener("submit", (event) => event.preventDefault());
details.addEventListener("click", () => {
  details.setAttribute("aria-pressed", pane.classList.toggle("detailed"));
  if (following) pane.scrollTop = pane.scrollHeight;
});
search.addEventListener("input", () => {
  for (const line of pane.querySelectorAll(".line")) line.hidden = !matches(line);
  countLines();
  if (following) pane.scrollTop = pane.scrollHeight;
});

// ---- Small things

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

const two = (number) => String(number).padStart(2, "0");

function clock(date) {
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

// The largest unit that fits: 12s, 4m, 3h, 2d.
function age(date) {
  const seconds = Math.max(0, Math.floor((Date.now() - date) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

function showAges() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = age(new Date(time.dateTime)) + (time.closest("footer") ? " ago" : "");
    if (time.textContent !== text) time.textContent = text;
  }
}

for (const row of document.querySelectorAll(".service")) shownServices.set(row.id, row.outerHTML);
showAges();
setInterval(showAges, 1000);
connect();
