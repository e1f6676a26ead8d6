import { parseArgs } from 'node:util';
import { ask, environmentHelp, fail, follow, gatewayFromEnvironment } from './gateway.ts';

/** Prints what a subscription delivers, a line of JSON an event. */

const help = `Usage: npm run subscribe -- [--after CURSOR] [SUBSCRIPTION]

  SUBSCRIPTION   a GraphQL subscription with a variable $after and a field "cursor"
  --after        go on behind this cursor; from now on when left out

${environmentHelp}`;

const everything = /* GraphQL */ `
  subscription ($after: String) {
    activityAdded(after: $after) { cursor activity { type title occurredAt customer { fullName } } }
  }`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { after: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return console.log(help);
  const gateway = gatewayFromEnvironment();
  // Where to resume if the connection is lost before the first event.
  const after = values.after ?? (await ask<{ eventCursor: string }>(gateway, '{ eventCursor }')).eventCursor;
  await follow(gateway, positionals[0] ?? everything, { after }, (event) => {
    console.log(JSON.stringify(event));
    return false;
  });
}

await main().catch((error: Error) => fail(error.message));
