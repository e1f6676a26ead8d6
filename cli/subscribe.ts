import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

/**
 * Prints what a subscription delivers, a line of JSON an event. Whenever the connection is lost it connects
 * again and resumes behind the last event it printed, so nothing is missed and nothing comes twice.
 */

const help = `Usage: npm run subscribe -- [--after CURSOR] [SUBSCRIPTION]

  SUBSCRIPTION   a GraphQL subscription with a variable $after and a field "cursor"
  --after        go on behind this cursor; from now on when left out

Environment: FRONTDESK_URL (default http://127.0.0.1:4000), FRONTDESK_API_KEY.`;

const everything = /* GraphQL */ `
  subscription ($after: String) {
    activityAdded(after: $after) { cursor activity { type title occurredAt customer { fullName } } }
  }`;

interface Event {
  cursor?: string;
  [field: string]: unknown;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { after: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const url = process.env.FRONTDESK_URL ?? 'http://127.0.0.1:4000';
  const key = process.env.FRONTDESK_API_KEY;
  if (!key) fail('Set FRONTDESK_API_KEY to an API key.');
  void endOfLog(url, key).then((now) => follow(url, key, positionals[0] ?? everything, values.after ?? now));
}

/** Where to resume if the connection is lost before the first event. */
async function endOfLog(url: string, key: string): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ eventCursor }' }),
  }).catch((error: Error) => fail(`${url} does not answer: ${error.message}`));
  const { data, errors } = (await response.json()) as {
    data?: { eventCursor: string };
    errors?: { message: string }[];
  };
  return data?.eventCursor ?? fail(errors?.[0]?.message ?? 'The gateway gave no answer.');
}

function follow(url: string, key: string, query: string, start: string): void {
  let after = start;
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
    on: { connected: () => console.error('connected') },
  });
  client.subscribe<Record<string, Event>>(
    { query, variables: { after } },
    {
      next: ({ data, errors }) => {
        if (errors) fail(errors.map((error) => error.message).join('\n'));
        const event = data && Object.values(data)[0];
        if (event) console.log(JSON.stringify(event));
        after = event?.cursor ?? after;
      },
      error: (error) => {
        if (Array.isArray(error)) return fail(error.map(({ message }) => message).join('\n'));
        const { code, reason } = error as { code?: number; reason?: string };
        if (code && code >= 4400 && code < 4500)
          return fail(`The gateway closed the connection: ${code} ${reason ?? ''}`);
        console.error('connection lost, trying again');
        setTimeout(() => follow(url, key, query, after), 500);
      },
      complete: () => process.exit(0),
    },
  );
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

main();
