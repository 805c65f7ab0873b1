// GraphiQL against the console's own address: the console adds the admin secret, this page says which role to be.
"use strict";

const role = document.getElementById("role");
const variables = document.getElementById("variables");
const kept = JSON.parse(sessionStorage.getItem("nself.as") ?? "{}");
role.value = kept.role ?? "";
variables.value = kept.variables ?? "";

/** The headers that say who asks: the role, and `name: value` pairs separated by commas. */
function headers() {
  const found = {};
  if (role.value.trim()) found["x-hasura-role"] = role.value.trim();
  for (const pair of variables.value.split(",")) {
    const colon = pair.indexOf(":");
    if (colon < 1) continue;
    const name = pair.slice(0, colon).trim().toLowerCase();
    if (name.startsWith("x-hasura-")) found[name] = pair.slice(colon + 1).trim();
  }
  return found;
}

const url = new URL("/console/graphql", location.href);
const socket = new URL(url);
socket.protocol = url.protocol === "https:" ? "wss:" : "ws:";
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
let round = 0;

// A new fetcher makes GraphiQL read the schema anew, as the role now chosen sees it.
function show() {
  const as = headers();
  const wsClient = graphqlWs.createClient({ url: socket.href, connectionParams: { headers: as } });
  const fetcher = GraphiQL.createFetcher({ url: url.href, headers: as, wsClient });
  round += 1;
  root.render(React.createElement(GraphiQL, { key: round, fetcher, defaultEditorToolsVisibility: "variables" }));
}

document.getElementById("as").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("nself.as", JSON.stringify({ role: role.value, variables: variables.value }));
  show();
});
show();
