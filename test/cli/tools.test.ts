import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startProcess } from '../support/process.ts';
import { runScript } from '../support/runScript.ts';

/** The command-line tools, as processes of their own, against the real program. */

let gateway: Gateway;
let drop: () => Promise<void>;
let dir: string;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = database.drop;
  dir = await mkdtemp(join(tmpdir(), 'frontdesk-cli-'));
  gateway = await startGateway({ databaseUrl: database.url });
}, 120_000);
afterAll(async () => {
  await gateway.stop();
  await drop();
  await rm(dir, { recursive: true });
});

const environment = (key = gateway.adminKey) => ({ FRONTDESK_URL: gateway.url, FRONTDESK_API_KEY: key });
const tool = (name: string, args: string[], env: Record<string, string> = environment()) =>
  runScript([`cli/${name}.ts`, ...args], env);

async function ask(query: string, key: string) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data: Record<string, Record<string, unknown>> };
}

describe('Every tool', () => {
  test.each(['import', 'workspace', 'key', 'subscribe'])('%s helps, and says what is missing.', (name) => {
    const help = tool(name, ['--help'], {});
    expect(help).toMatchObject({ ok: true });
    expect(help.lines.join('\n')).toContain(`npm run ${name} --`);
    const args =
      {
        import: ['demo/cdnow/CDNOW_master.txt.gz'],
        workspace: ['create', 'X'],
        key: ['create', 'X', '--role', 'VIEWER'],
      }[name] ?? [];
    expect(tool(name, args, { FRONTDESK_API_KEY: '' })).toEqual({
      ok: false,
      lines: ['Set FRONTDESK_API_KEY to an API key.'],
    });
    const unknown = tool(name, [...args, '--nonsense']);
    expect(unknown).toMatchObject({ ok: false });
    expect(unknown.lines.join('\n')).toContain("Unknown option '--nonsense'");
    if (name !== 'import')
      expect(tool(name, args, environment('wrong'.repeat(10)))).toEqual({
        ok: false,
        lines: ['This API key is unknown or was revoked.'],
      });
  });
});

test('workspace create founds a business and prints a key that works there, and there alone.', async () => {
  const made = tool('workspace', [
    'create',
    'Salon Nord',
    '--time-zone',
    'Europe/Oslo',
    '--currency',
    'nok',
    '--country',
    'NO',
  ]);
  expect(made.ok).toBe(true);
  expect(made.lines[0]).toMatch(/^Salon Nord \(wsp_[0-9a-z]{26}\): Europe\/Oslo, NOK, NO\./);
  const key = String(made.lines[1]);
  const { data } = await ask('{ viewer { workspace { name currency } permissions } }', key);
  expect(data.viewer?.workspace).toEqual({ name: 'Salon Nord', currency: 'NOK' });

  expect(tool('workspace', ['create', 'Y', '--country', 'XX'])).toEqual({
    ok: false,
    lines: ['country: Must be an ISO 3166-1 alpha-2 country code, such as DE.'],
  });
  expect(tool('workspace', ['create', 'Y'], environment(key))).toEqual({
    ok: false,
    lines: ['Only administrators of the first workspace found further ones.'],
  });
});

test('key create makes a key that may what was said.', async () => {
  const made = tool('key', [
    'create',
    'Till',
    '--role',
    'STAFF',
    '--permission',
    'BOOKINGS_READ',
    '--permission',
    'CUSTOMERS_READ',
    '--expires',
    '2099-01-01T00:00:00Z',
  ]);
  expect(made.lines[0]).toMatch(
    /^Till \(key_[0-9a-z]{26}\): STAFF, 2 permissions, until 2099-01-01T00:00:00.000Z\./,
  );
  const { data } = await ask('{ viewer { role permissions } }', String(made.lines[1]));
  expect(data.viewer).toEqual({ role: 'STAFF', permissions: ['CUSTOMERS_READ', 'BOOKINGS_READ'] });
  expect(tool('key', ['create', 'Till']).lines).toEqual([
    'Say with --role what it may at most, such as --role VIEWER.',
  ]);
  expect(tool('key', ['create', 'Till', '--role', 'STAFF', '--permission', 'API_KEYS_READ']).lines).toEqual([
    'permissions: The role STAFF does not have apiKeys.read.',
  ]);
});

describe('import', { timeout: 120_000 }, () => {
  const mapping = {
    customer: { externalId: 'who', firstName: { text: 'Ada' } },
    booking: { service: { text: 'Cut' }, startsAt: { text: '2024-07-01T10:00' }, price: 'price' },
  };
  const rows = (count: number, name: string) =>
    `who,price\n${Array.from({ length: count }, (_, n) => `${name}${n},${n === 7 ? -1 : n}`).join('\n')}\n`;
  async function given(name: string, content: string): Promise<string> {
    await writeFile(join(dir, 'mapping.json'), JSON.stringify(mapping));
    await writeFile(join(dir, name), content);
    return join(dir, name);
  }

  test('sends a file, shows what came of it, and why rows were refused; again, it adds nothing.', async () => {
    const file = await given('small.csv', rows(20, 's'));
    const errors = join(dir, 'errors.csv');
    const first = tool('import', [file, '--errors', errors]);
    expect(first.ok).toBe(true);
    expect(first.lines.filter((line) => !/^(connected|sending|importing)/.test(line))).toEqual([
      'completed: 20 rows',
      '  19 customers, 19 bookings, 0 payments added',
      `  1 rows refused, why: ${errors}`,
    ]);
    expect(await readFile(errors, 'utf8')).toBe(
      'row,columns,field,message\n8,price,booking.price,"Must be zero or more, with at most 2 decimal places for EUR."\n',
    );
    expect(tool('import', [file]).lines).toEqual(
      expect.arrayContaining([
        '  0 customers, 0 bookings, 0 payments added',
        '  19 rows brought nothing new',
      ]),
    );
  });

  test('that is killed joins the import that is under way when it is run again.', async () => {
    const file = await given('large.csv', rows(9_000, 'l'));
    const killed = await startProcess(process.execPath, ['cli/import.ts', file], {
      env: environment(),
      until: /connected/,
    });
    killed.kill('SIGKILL');
    await killed.exited;
    const again = tool('import', [file]);
    expect(again.lines).toEqual(
      expect.arrayContaining([
        'completed: 9,000 rows',
        '  8,999 customers, 8,999 bookings, 0 payments added',
      ]),
    );
    const { data } = await ask('{ bulkOperations { nodes { name } } }', gateway.adminKey);
    expect(
      (data.bulkOperations as { nodes: { name: string }[] }).nodes.filter(({ name }) => name === 'large.csv'),
    ).toHaveLength(1);
  });

  test('says what is wrong with a file or a mapping, and where.', async () => {
    const file = await given('wrong.csv', 'name,cost\nAda,1\n');
    const wrong = tool('import', [file]);
    expect(wrong.ok).toBe(false);
    expect(wrong.lines).toEqual([
      'mapping.customer.externalId: The file has no column "who"; it has name, cost.',
      'mapping.booking.price: The file has no column "price"; it has name, cost.',
    ]);
    expect(tool('import', [join(dir, 'none.csv')]).lines).toEqual([
      expect.stringContaining('There is no file'),
    ]);
    expect(tool('import', [file, '--mapping', 'none.json']).lines).toEqual([
      expect.stringContaining('There is no mapping none.json'),
    ]);
    await writeFile(join(dir, 'broken.json'), '{');
    expect(tool('import', [file, '--mapping', join(dir, 'broken.json')]).lines[0]).toContain(
      'is not valid JSON',
    );
  });
});
