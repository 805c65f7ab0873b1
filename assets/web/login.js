// Trades the one-time token in the address's fragment for a session. The fragment never leaves the browser by itself.
"use strict";

const token = location.hash.slice(1);

async function signIn() {
  // Out of the address bar and the history before anything else happens.
  history.replaceState(null, "", location.pathname);
  say("Signing in…", "");
  try {
    const answer = await fetch("/console/login", { method: "POST", body: new URLSearchParams({ token }) });
    if (answer.ok) {
      location.replace("/console");
    } else {
      say("This link no longer works", "It was used already or has expired. For a new one, run in the project's folder");
    }
  } catch {
    say("The console did not answer", "Is the stack running? In the project's folder, run nself status, then");
  }
}

function say(title, text) {
  document.getElementById("title").textContent = title;
  document.getElementById("text").textContent = text;
}

if (token) signIn();
