// Keeps the list of mails live: an event stream brings the list whenever it changes.
"use strict";

const list = document.getElementById("list");
const connection = document.getElementById("connection");
let stream = null;

function connect() {
  stream?.close();
  stream = new EventSource(list.dataset.live);
  stream.addEventListener("open", () => (connection.hidden = true));
  stream.addEventListener("list", (event) => show(event.data));
  stream.addEventListener("error", () => {
    connection.hidden = false;
    // The browser tries again by itself unless it was refused.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}

function show(html) {
  const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
  const template = document.createElement("template");
  template.innerHTML = html;
  list.replaceChildren(template.content);
  if (focused) document.getElementById(focused)?.focus();
  showAges();
}

// The largest unit that fits: 12s, 4m, 3h, 2d.
function age(date) {
  const seconds = Math.max(0, Math.floor((Date.now() - date) / 1000));
  if (seconds < 60) return `${seconds}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ago`;
  return `${Math.floor(seconds / 86400)}d ago`;
}

function showAges() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = age(new Date(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

if (list) {
  connect();
  // A hidden tab holds no connection: browsers allow a host only six over HTTP/1.1.
  document.addEventListener("visibilitychange", () => (document.hidden ? stream?.close() : connect()));
  setInterval(showAges, 1000);
  showAges();
}
