import { Client, fetchExchange, type OperationResult } from '@urql/core';
import { createClient } from 'graphql-ws';
import { type Connection, finalCodes, wordsOf } from './connection.ts';
import type { Document } from './graphql.ts';
import { Problem, problemOf, refusalOf, unreachable } from './problem.ts';
import { createServerClock, type ServerClock } from './serverClock.ts';
import { createStore, type Store } from './store.ts';

/** A question is sent every so often, and without an answer in time the line is taken for dead. */
const pingEveryMs = 8_000;
const pongWithinMs = 4_000;
const longestWaitMs = 5_000;

/** What a subscription delivers: one field with a cursor. */
type Delivered<Answer> = Answer[keyof Answer] & { cursor: string };

/** What a mutation answers when it was done: the documents ask for `__typename`. */
export type Done<Answer> = Extract<Answer[keyof Answer], { __typename: `${string}Payload` }>;

export interface Sink<Answer> {
  next(event: Delivered<Answer>): void;
  /** The stream has ended: what the gateway says. */
  ended(problem: Problem): void;
}

/** The public API, with one key: questions over HTTP, streams over one WebSocket. */
export interface Gateway {
  urql: Client;
  connection: Store<Connection>;
  /** Why the socket was last closed, while that is worth knowing. */
  notice: Store<string | null>;
  /** How often the socket has come back. */
  returns: Store<number>;
  clock: ServerClock;
  /** Throws a Problem. */
  ask<Answer, Variables extends object>(
    document: Document<Answer, Variables>,
    variables: Variables,
  ): Promise<Answer>;
  /** Changes something by a mutation; throws a Problem when it is refused, and then nothing was changed. */
  change<Answer, Variables extends { input: unknown }>(
    document: Document<Answer, Variables>,
    input: Variables['input'],
  ): Promise<Done<Answer>>;
  /** Delivers each event behind `cursor` once, in order, however often the line is cut; until the answer is called. */
  follow<Answer, Variables extends object>(
    document: Document<Answer, Variables>,
    variables: Omit<Variables, 'after'>,
    cursor: string,
    sink: Sink<Answer>,
  ): () => void;
  /** Connects at once instead of after the wait that grows. */
  tryNow(): void;
  close(): void;
}

export function createGateway(key: string): Gateway {
  const authorization = `Bearer ${key}`;
  const connection = createStore<Connection>({ state: 'connecting' });
  const notice = createStore<string | null>(null);
  const returns = createStore(0);
  const clock = createServerClock();
  const urql = new Client({
    url: `${location.origin}/graphql`,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    requestPolicy: 'network-only',
    fetchOptions: { headers: { authorization }, cache: 'no-store', credentials: 'omit' },
    fetch: async (input, init) => {
      const askedAt = Date.now();
      // The client aborts what it has read already, which Chromium reports as an error of the page.
      const response = await fetch(input, { ...init, signal: null });
      clock.note(response.headers.get('date'), askedAt, Date.now());
      return response;
    },
  });

  let lastHeardAt = Date.now();
  let silence: ReturnType<typeof setTimeout> | undefined;
  let hurry = () => {};

  const sockets = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { authorization },
    // Pages come and go faster than it is worth closing the socket for.
    lazyCloseTimeout: 10_000,
    keepAlive: pingEveryMs,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => !(event instanceof CloseEvent && finalCodes.has(event.code)),
    retryWait: (retries) =>
      new Promise((resolve) => {
        const wait = Math.min(500 * 1.6 ** retries, longestWaitMs) * (0.75 + Math.random() / 2);
        const timer = setTimeout(resolve, wait);
        hurry = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    on: {
      connected(_socket, _payload, again) {
        heard();
        const { state } = connection.get();
        if (state === 'ended') return;
        if (!again || state === 'connecting') return connection.set({ state: 'live' });
        connection.set({ state: 'resuming', since: lostAt() });
        returns.set(returns.get() + 1);
      },
      ping(received) {
        if (received) return heard();
        clearTimeout(silence);
        silence = setTimeout(() => sockets.terminate(), pongWithinMs);
      },
      pong: (received) => received && heard(),
      message: heard,
      closed(event) {
        clearTimeout(silence);
        if (!(event instanceof CloseEvent)) return lost();
        const words = wordsOf(event.code);
        if (finalCodes.has(event.code)) return end(words as string);
        notice.set(words ?? null);
        lost();
      },
      error: () => lost(),
    },
  });

  function heard(): void {
    lastHeardAt = Date.now();
    clearTimeout(silence);
  }

  function lostAt(): number {
    const now = connection.get();
    return 'since' in now ? now.since : lastHeardAt;
  }

  function lost(): void {
    if (connection.get().state === 'ended') return;
    connection.set({ state: 'offline', since: lostAt() });
  }

  function end(words: string): void {
    connection.set({ state: 'ended', words });
    void sockets.dispose();
  }

  function answerOf<Answer>({ data, error }: OperationResult<Answer>): Answer {
    if (!error && data) return data;
    const status = (error?.response as Response | undefined)?.status;
    const problem = error?.graphQLErrors.length
      ? problemOf(error.graphQLErrors)
      : status
        ? new Problem(`HTTP_${status}`, `The gateway answers ${status}.`)
        : unreachable();
    // A question may be refused before the gateway has closed the socket.
    if (problem.code === 'UNAUTHENTICATED') end(wordsOf(4403) as string);
    if (problem.code === 'KEY_EXPIRED') end(wordsOf(4401) as string);
    throw problem;
  }

  const tryNow = () => hurry();
  const cut = () => sockets.terminate();
  window.addEventListener('online', tryNow);
  window.addEventListener('offline', cut);
  document.addEventListener('visibilitychange', tryNow);

  return {
    urql,
    connection,
    notice,
    returns,
    clock,
    ask: async (document, variables) => answerOf(await urql.query(document as never, variables).toPromise()),
    async change(document, input) {
      const answer = answerOf(await urql.mutation(document as never, { input }).toPromise());
      const outcome = Object.values(answer as object).find((value) => value?.__typename);
      if (!outcome.__typename.endsWith('Payload')) throw refusalOf(outcome);
      return outcome;
    },
    follow(document, variables, cursor, { next, ended }) {
      type Answer = Record<string, { cursor: string }>;
      let after = cursor;
      let stopped = false;
      let stop = () => {};
      // Read anew each time the socket is: a retry sends the cursor as it is then.
      const current = {
        ...variables,
        get after() {
          return after;
        },
      };
      const again = () => {
        if (!stopped) setTimeout(start, 500);
      };
      const start = () => {
        if (stopped) return;
        stop = sockets.subscribe<Answer>(
          { query: document as unknown as string, variables: current },
          {
            next({ data, errors }) {
              if (errors) return ended(problemOf(errors));
              const event = data && Object.values(data)[0];
              if (!event) return;
              after = event.cursor;
              next(event as never);
            },
            error(error) {
              if (stopped || connection.get().state === 'ended') return;
              if (Array.isArray(error)) return ended(problemOf(error));
              again();
            },
            complete: again,
          },
        );
      };
      start();
      return () => {
        stopped = true;
        stop();
      };
    },
    tryNow,
    close() {
      window.removeEventListener('online', tryNow);
      window.removeEventListener('offline', cut);
      document.removeEventListener('visibilitychange', tryNow);
      clearTimeout(silence);
      if (connection.get().state !== 'ended') connection.set({ state: 'ended', words: 'Signed out.' });
      void sockets.dispose();
    },
  };
}
