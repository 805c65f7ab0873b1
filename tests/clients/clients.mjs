// Real GraphQL clients against a running stack: query, mutation, subscription and error with each of them.
// Wants NSELF_URL (http://host:port), NSELF_SECRET, and a tracked table notes(id serial primary key, body text not null).
import assert from 'node:assert/strict';
import * as apollo from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import * as urql from '@urql/core';
import { createClient } from 'graphql-ws';
import { SubscriptionClient } from 'subscriptions-transport-ws';
import WebSocket from 'ws';

const http = `${process.env.NSELF_URL}/v1/graphql`;
const ws = http.replace(/^http/, 'ws');
const headers = { 'x-hasura-admin-secret': process.env.NSELF_SECRET };
const connectionParams = { headers };

const QUERY = 'query ($body: String!) { notes(where: {body: {_eq: $body}}) { id body } }';
const INSERT = 'mutation ($body: String!) { insert_notes_one(object: {body: $body}) { id body } }';
const NULL_BODY = 'mutation { insert_notes_one(object: {body: null}) { id } }';
const WATCH = 'subscription ($body: String!) { notes(where: {body: {_eq: $body}}) { id body } }';
const UNKNOWN = '{ notes { nothing } }';

/** The value of `promise`, or an error that names what was waited for. */
function within(what, promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never happened: ${what}`)), 60_000);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/**
 * What every client must do. `run(query, variables)` resolves to `{ data, errors }`; `watch(query, variables, next)`
 * subscribes and returns a function that ends the subscription.
 */
async function exercise(name, { run, watch }) {
  const body = `a note of ${name}`;
  const seen = [];
  let wake = () => {};
  const stop = watch(WATCH, { body }, (result) => {
    seen.push(result);
    wake();
  });
  const until = async (what, test) => {
    while (!seen.some(test)) await within(`${name}: ${what}`, new Promise((resolve) => (wake = resolve)));
  };
  await until('the first answer of the subscription', (result) => result.data?.notes.length === 0);

  const inserted = await within(`${name}: insert`, run(INSERT, { body }));
  assert.equal(inserted.data.insert_notes_one.body, body);
  await until('the change reaches the subscription', (result) => result.data?.notes.length === 1);
  stop();

  const found = await within(`${name}: query`, run(QUERY, { body }));
  assert.deepEqual(found.data.notes, [inserted.data.insert_notes_one]);

  const unknown = await within(`${name}: unknown field`, run(UNKNOWN, {}));
  assert.equal(unknown.errors[0].extensions.code, 'validation-failed');
  const refused = await within(`${name}: constraint`, run(NULL_BODY, {}));
  assert.match(refused.errors[0].message, /null/i);
  assert.ok(refused.errors[0].extensions.code, 'an error has a code');
  process.stdout.write(`${name}: ok\n`);
}

function overGraphqlWs() {
  const client = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
  const run = (query, variables) =>
    new Promise((resolve, reject) => {
      let last;
      client.subscribe({ query, variables }, {
        next: (result) => (last = result),
        error: (errors) => (Array.isArray(errors) ? resolve({ errors }) : reject(errors)),
        complete: () => resolve(last),
      });
    });
  const watch = (query, variables, next) => client.subscribe({ query, variables }, { next, error() {}, complete() {} });
  return { run, watch, close: () => client.dispose() };
}

function overLegacyProtocol() {
  const client = new SubscriptionClient(ws, { connectionParams, reconnect: false }, WebSocket);
  const run = (query, variables) =>
    new Promise((resolve, reject) => {
      let last;
      client.request({ query, variables }).subscribe({
        next: (result) => (last = result),
        // This protocol's error messages carry one error.
        error: (error) => resolve({ errors: [error] }),
        complete: () => resolve(last),
      });
    });
  const watch = (query, variables, next) => {
    const subscription = client.request({ query, variables }).subscribe({ next, error() {} });
    return () => subscription.unsubscribe();
  };
  return { run, watch, close: () => client.close() };
}

function overApollo() {
  const socket = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams });
  const link = apollo.ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    new GraphQLWsLink(socket),
    new apollo.HttpLink({ uri: http, headers }),
  );
  const client = new apollo.ApolloClient({
    link,
    cache: new apollo.InMemoryCache(),
  });
  const run = async (text, variables) => {
    const document = apollo.gql(text);
    const result = text.startsWith('mutation')
      ? await client.mutate({ mutation: document, variables, errorPolicy: 'all', fetchPolicy: 'no-cache' })
      : await client.query({ query: document, variables, errorPolicy: 'all', fetchPolicy: 'no-cache' });
    return { data: plain(result.data), errors: result.error?.errors };
  };
  const watch = (text, variables, next) => {
    const query = apollo.gql(text);
    const subscription = client.subscribe({ query, variables, fetchPolicy: 'no-cache' }).subscribe({ next });
    return () => subscription.unsubscribe();
  };
  return { run, watch, close: () => socket.dispose() };
}

function overUrql() {
  const socket = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams });
  const client = new urql.Client({
    url: http,
    fetchOptions: { headers },
    preferGetMethod: false,
    requestPolicy: 'network-only',
    exchanges: [
      urql.fetchExchange,
      urql.subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
  const run = async (text, variables) => {
    const result = text.startsWith('mutation')
      ? await client.mutation(text, variables).toPromise()
      : await client.query(text, variables).toPromise();
    return { data: plain(result.data), errors: result.error?.graphQLErrors };
  };
  const watch = (text, variables, next) => {
    const subscription = client.subscription(text, variables).subscribe(next);
    return () => subscription.unsubscribe();
  };
  return { run, watch, close: () => socket.dispose() };
}

/** Without the `__typename` that caching clients ask for. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([key]) => key !== '__typename');
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}

const clients = {
  'graphql-ws': overGraphqlWs,
  'subscriptions-transport-ws': overLegacyProtocol,
  apollo: overApollo,
  urql: overUrql,
};
for (const [name, make] of Object.entries(clients)) {
  const client = make();
  await exercise(name, client);
  client.close();
}
