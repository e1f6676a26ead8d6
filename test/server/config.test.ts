import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { readConfig, secretIn } from '../../src/core/config.ts';
import { startProcess } from '../support/process.ts';

// Whole programs are started here, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const secret = 'x'.repeat(40);
const database = { DATABASE_URL: 'postgres://user:hunter2@localhost/x', FRONTDESK_SECRET: secret };
const dir = mkdtempSync(join(tmpdir(), 'frontdesk-config-'));

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('what is not set', () => {
  test('an embedded database brings the query page and the demo along', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      role: 'all',
      host: '127.0.0.1',
      port: 4000,
      databaseUrl: null,
      redisUrl: null,
      graphiql: true,
      demo: true,
      logLevel: 'info',
    });
    expect(config).toMatchObject({
      allowPrivatePeers: false,
      jwt: null,
      publicUrl: null,
      adminKey: null,
      secret: null,
    });
    expect(config.dataDir).toBe(join(process.cwd(), '.data'));
    expect(config.storageUrl).toBe(`file://${join(process.cwd(), '.data', 'files')}`);
    expect(config.corsOrigins.size).toBe(0);
  });

  test('a database of its own turns both off, unless they are asked for', () => {
    expect(readConfig(database)).toMatchObject({ graphiql: false, demo: false });
    expect(readConfig({ ...database, GRAPHIQL: 'true', DEMO: 'on' })).toMatchObject({
      graphiql: true,
      demo: true,
    });
    expect(readConfig({ GRAPHIQL: '0', DEMO: 'no' })).toMatchObject({ graphiql: false, demo: false });
  });

  test('an empty variable counts as not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ', REDIS_URL: '', GRAPHIQL: '' })).toEqual(readConfig({}));
  });

  test('a worker opens a port only when it is given one', () => {
    expect(readConfig({ ROLE: 'worker' }).port).toBeNull();
    expect(readConfig({ ROLE: 'worker', PORT: '4001' }).port).toBe(4001);
  });
});

test('what is set is read', () => {
  const config = readConfig({
    ...database,
    PORT: '0',
    HOST: '::1',
    REDIS_URL: 'rediss://user:x@cache:6380/1',
    PUBLIC_URL: 'https://desk.example.com/base/',
    CORS_ORIGINS: 'https://a.example, http://localhost:5173',
    TRUST_PROXY: 'loopback, 10.0.0.0/8, 2001:db8::/32',
    FRONTDESK_ADMIN_KEY: 'k'.repeat(32),
    JWT_JWKS_URL: 'https://login.example/jwks',
    JWT_ISSUER: 'https://login.example/',
    JWT_AUDIENCE: 'frontdesk',
    LOG_LEVEL: 'debug',
  });
  expect(config).toMatchObject({
    port: 0,
    host: '::1',
    publicUrl: 'https://desk.example.com/base',
    logLevel: 'debug',
  });
  expect([...config.corsOrigins]).toEqual(['https://a.example', 'http://localhost:5173']);
  expect(['127.0.0.1', '10.9.8.7', '11.0.0.1'].map((address) => config.trustProxy.check(address))).toEqual([
    true,
    true,
    false,
  ]);
  expect(config.trustProxy.check('2001:db8::1', 'ipv6')).toBe(true);
});

describe('a variable that is set but unusable', () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ PORT: 'abc' }, /^PORT must be a port number from 0 to 65535, not "abc"$/],
    [{ PORT: '70000' }, /^PORT /],
    [{ PORT: '-1' }, /^PORT /],
    [{ HOST: 'a b' }, /^HOST .*"a b"/],
    [{ ROLE: 'boss' }, /^ROLE must be one of api, worker, all, not "boss"$/],
    [
      { DATABASE_URL: 'mysql://root:hunter2@x/y', FRONTDESK_SECRET: secret },
      /^DATABASE_URL must be a URL such as postgres:/,
    ],
    [{ DATABASE_URL: 'hunter2' }, /^DATABASE_URL /],
    [{ DATABASE_URL: database.DATABASE_URL }, /^FRONTDESK_SECRET is required with DATABASE_URL/],
    [{ REDIS_URL: 'localhost:6379' }, /^REDIS_URL must be a URL such as redis:/],
    [{ FRONTDESK_ADMIN_KEY: 'hunter2' }, /^FRONTDESK_ADMIN_KEY must have 32 characters or more$/],
    [{ FRONTDESK_ADMIN_KEY: `hunter2 ${'x'.repeat(32)}` }, /^FRONTDESK_ADMIN_KEY .*without spaces/],
    [
      { FRONTDESK_ADMIN_KEY: `eyJhbGciOiJIUzI1NiJ9.${'x'.repeat(32)}.hunter2` },
      /^FRONTDESK_ADMIN_KEY .*JSON Web Token/,
    ],
    [{ FRONTDESK_SECRET: 'hunter2' }, /^FRONTDESK_SECRET must have 32/],
    [{ FRONTDESK_SECRET_PREVIOUS: 'hunter2' }, /^FRONTDESK_SECRET_PREVIOUS must have 32/],
    [{ PUBLIC_URL: 'desk.example.com' }, /^PUBLIC_URL must be a URL such as https:/],
    [{ STORAGE_URL: 'ftp://x' }, /^STORAGE_URL must be a URL such as file:/],
    [{ GRAPHIQL: 'maybe' }, /^GRAPHIQL must be true or false, not "maybe"$/],
    [{ DEMO: '2' }, /^DEMO must be true or false/],
    [{ ALLOW_PRIVATE_PEERS: 'x' }, /^ALLOW_PRIVATE_PEERS must be true or false/],
    [{ CORS_ORIGINS: '*' }, /^CORS_ORIGINS must list exact origins; "\*"/],
    [
      { CORS_ORIGINS: 'https://a.example/' },
      /^CORS_ORIGINS must list exact origins .* "https:\/\/a.example\/" is none$/,
    ],
    [{ CORS_ORIGINS: 'https://a.example,b.example' }, /^CORS_ORIGINS .*"b.example"/],
    [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY must list addresses .*"true" is neither$/],
    [{ TRUST_PROXY: '10.0.0.0/33' }, /^TRUST_PROXY /],
    [{ JWT_JWKS_URL: 'x' }, /^JWT_JWKS_URL must be a URL/],
    [{ JWT_JWKS_URL: 'https://x.example/jwks' }, /^JWT_ISSUER and JWT_AUDIENCE must be set too/],
    [{ JWT_ISSUER: 'x', JWT_AUDIENCE: 'y' }, /^JWT_JWKS_URL must be set too/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of fatal, .* not "loud"$/],
  ];

  test.for(wrong)('%o is said in one line', ([env, message]) => {
    const said = (() => {
      try {
        readConfig(env);
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
    expect(said).not.toContain('hunter2');
  });

  test('several wrong ones are said together', () => {
    expect(() => readConfig({ PORT: 'x', ROLE: 'y' })).toThrow(/^ROLE .*; PORT /);
  });

  const main = join(import.meta.dirname, '../../src/main.ts');
  const start = async (env: Record<string, string>) => {
    const child = await startProcess(process.execPath, [main], {
      env: { DATA_DIR: join(dir, 'data'), ...env },
    });
    const { code } = await child.exited;
    return {
      code,
      lines: child
        .output()
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('{')),
    };
  };

  test('stops the program with that line and code 1, without a stack trace', async () => {
    expect(await start({ PORT: 'abc' })).toEqual({
      code: 1,
      lines: ['Frontdesk cannot start: PORT must be a port number from 0 to 65535, not "abc"'],
    });
  });

  test('so does a database that does not answer, or does not let us in', async () => {
    const away = await start({
      DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/x',
      FRONTDESK_SECRET: secret,
    });
    expect([away.code, away.lines.length]).toEqual([1, 1]);
    expect(away.lines[0]).toMatch(/^Frontdesk cannot start: DATABASE_URL cannot be used: .*ECONNREFUSED/);
    expect(away.lines[0]).not.toContain('hunter2');
  });

  test('so does a data folder that cannot be written', async () => {
    writeFileSync(join(dir, 'file'), '');
    const { code, lines } = await start({ DATA_DIR: join(dir, 'file', 'data') });
    expect([code, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toMatch(/^Frontdesk cannot start: DATA_DIR cannot be used: /);
  });
});

describe('the generated secret', () => {
  test('is made once, long, and readable by its owner alone', () => {
    const dataDir = join(dir, 'secrets');
    const first = secretIn(dataDir);
    expect(first.length).toBeGreaterThanOrEqual(32);
    expect(secretIn(dataDir)).toBe(first);
    expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dataDir, 'secret'), 'utf8').trim()).toBe(first);
  });
});
