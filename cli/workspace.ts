import { parseArgs } from 'node:util';
import { change, environmentHelp, fail, gatewayFromEnvironment } from './gateway.ts';

/** Founds a business beside the first one, and prints the key to begin with. */

const help = `Usage: npm run workspace -- create NAME [--time-zone ZONE] [--currency CODE] [--country CODE]

  create        founds a business and prints its first administrator key, this once
  --time-zone   where its clock hangs: Europe/Berlin; UTC when left out
  --currency    what its prices are in, by ISO 4217: EUR when left out
  --country     whose phone numbers need no country code, by ISO 3166-1: DE when left out

Needs an administrator's key of the first workspace.

${environmentHelp}`;

const createWorkspace = /* GraphQL */ `
  mutation ($input: CreateWorkspaceInput!) {
    createWorkspace(input: $input) {
      ... on CreateWorkspacePayload { workspace { id name timeZone currency country } secret }
      ... on Error { message }
      ... on InvalidInputError { issues { path message } }
    }
  }`;

interface Founded {
  workspace: { id: string; name: string; timeZone: string; currency: string; country: string };
  secret: string;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'time-zone': { type: 'string' },
      currency: { type: 'string' },
      country: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(help);
  const [command, name, ...more] = positionals;
  if (command !== 'create' || !name || more.length > 0) fail(help);
  const { workspace, secret } = await change<Founded>(gatewayFromEnvironment(), createWorkspace, {
    name,
    timeZone: values['time-zone'],
    currency: values.currency,
    country: values.country,
  });
  const { timeZone, currency, country } = workspace;
  console.error(
    `${workspace.name} (${workspace.id}): ${timeZone}, ${currency}, ${country}. Its administrator key, shown this once:`,
  );
  console.log(secret);
}

await main().catch((error: Error) => fail(error.message));
