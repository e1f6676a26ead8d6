import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

/** What every tool knows of the gateway: where it is, and who asks. */
export interface Gateway {
  url: string;
  key: string;
}

/** From FRONTDESK_URL and FRONTDESK_API_KEY; ends the program with a word when there is no key. */
export function gatewayFromEnvironment(): Gateway {
  const url = (process.env.FRONTDESK_URL ?? 'http://127.0.0.1:4000').replace(/\/$/, '');
  if (!URL.canParse(url)) fail(`FRONTDESK_URL is not a web address: ${url}`);
  const key = process.env.FRONTDESK_API_KEY;
  if (!key) fail('Set FRONTDESK_API_KEY to an API key.');
  return { url, key };
}

/** For the end of every help text. */
export const environmentHelp =
  'Environment: FRONTDESK_URL (default http://127.0.0.1:4000), FRONTDESK_API_KEY.';

export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** The gateway cannot be reached, or not now: trying again may help. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

/** A call over HTTP with the key. Throws Unreachable when there is no answer, or one that says to come again. */
export async function call(gateway: Gateway, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${gateway.key}` };
  const response = await fetch(gateway.url + path, { ...init, headers }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
    throw new Unreachable(`${gateway.url} does not answer: ${cause}`);
  });
  if (response.status === 502 || response.status === 503 || response.status === 429)
    throw new Unreachable(`${gateway.url} answers ${response.status}`);
  return response;
}

/** Asks the GraphQL API; errors at the top level end the program, since they are about the caller or the question. */
export async function ask<Data>(
  gateway: Gateway,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Data> {
  const response = await call(gateway, '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Data | null;
    errors?: { message: string; extensions?: { code?: string } }[];
  };
  if (errors?.[0]?.extensions?.code === 'UNAVAILABLE') throw new Unreachable(errors[0].message);
  if (errors || !data)
    fail(errors?.map(({ message }) => message).join('\n') ?? 'The gateway gave no answer.');
  return data;
}

/** The answer of a mutation: its payload, or the program ends with what was wrong. */
export async function change<Payload>(
  gateway: Gateway,
  query: string,
  input: Record<string, unknown>,
): Promise<Payload> {
  const data = await ask<Record<string, unknown>>(gateway, query, { input });
  const result = Object.values(data)[0] as { message?: string; issues?: { path: string; message: string }[] };
  if (result.issues) fail(result.issues.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  if (result.message) fail(result.message);
  return result as Payload;
}

/** Does it again while the gateway cannot be reached, and says so once. */
export async function persistently<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      if (attempt === 1) console.error(`${error.message}; trying again`);
      await sleep(Math.min(500 * attempt, 5_000));
    }
  }
}

interface Delivery {
  cursor?: string;
  [field: string]: unknown;
}

/**
 * Hands on what a subscription delivers, until `next` answers true. Whenever the connection is lost it connects again
 * and resumes behind the last event, so nothing is missed and nothing comes twice.
 * @param query a subscription with a variable $after, whose one field has a `cursor`
 */
export function follow(
  gateway: Gateway,
  query: string,
  variables: Record<string, unknown> & { after: string },
  next: (event: Delivery) => boolean | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    let { after } = variables;
    const connect = () => {
      const client = createClient({
        url: `${gateway.url.replace(/^http/, 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${gateway.key}` },
        retryAttempts: 0,
        lazyCloseTimeout: 0,
        on: { connected: () => console.error('connected') },
      });
      const stop = client.subscribe<Record<string, Delivery>>(
        { query, variables: { ...variables, after } },
        {
          next({ data, errors }) {
            if (errors) fail(errors.map((error) => error.message).join('\n'));
            const event = data && Object.values(data)[0];
            if (!event) return;
            after = event.cursor ?? after;
            if (!next(event)) return;
            stop();
            void client.dispose();
            resolve();
          },
          error(error) {
            if (Array.isArray(error)) return fail(error.map(({ message }) => message).join('\n'));
            const { code, reason } = error as { code?: number; reason?: string };
            if (code && code >= 4400 && code < 4500)
              return fail(`The gateway closed the connection: ${code} ${reason ?? ''}`);
            console.error('connection lost, trying again');
            setTimeout(connect, 500);
          },
          complete: resolve,
        },
      );
    };
    connect();
  });
}
