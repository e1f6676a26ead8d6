import { parseArgs } from 'node:util';
import { change, environmentHelp, fail, gatewayFromEnvironment } from './gateway.ts';

/** Makes an API key and prints it. */

const help = `Usage: npm run key -- create NAME --role ROLE [--permission PERMISSION]... [--expires TIME]

  create         makes a key and prints it, this once
  --role         the most that it may: ADMIN, MANAGER, MARKETING, SALES, STAFF or VIEWER
  --permission   narrows the role to these, as in the enum Permission: BOOKINGS_READ
  --expires      from when on it no longer works: 2027-01-01T00:00:00Z

${environmentHelp}`;

const createApiKey = /* GraphQL */ `
  mutation ($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      ... on CreateApiKeyPayload { apiKey { id name role permissions expiresAt } secret }
      ... on Error { message }
      ... on InvalidInputError { issues { path message } }
    }
  }`;

interface Made {
  apiKey: { id: string; name: string; role: string; permissions: string[]; expiresAt: string | null };
  secret: string;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      role: { type: 'string' },
      permission: { type: 'string', multiple: true },
      expires: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(help);
  const [command, name, ...more] = positionals;
  if (command !== 'create' || !name || more.length > 0) fail(help);
  if (!values.role) fail('Say with --role what it may at most, such as --role VIEWER.');
  const { apiKey, secret } = await change<Made>(gatewayFromEnvironment(), createApiKey, {
    name,
    role: values.role,
    permissions: values.permission,
    expiresAt: values.expires,
  });
  const until = apiKey.expiresAt ? `, until ${apiKey.expiresAt}` : '';
  console.error(
    `${apiKey.name} (${apiKey.id}): ${apiKey.role}, ${apiKey.permissions.length} permissions${until}. The key, shown this once:`,
  );
  console.log(secret);
}

await main().catch((error: Error) => fail(error.message));
