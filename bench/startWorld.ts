import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { onDeath } from '../test/support/process.ts';

export interface World {
  /** Frontdesk, with its embedded PostgreSQL. */
  url: string;
  key: string;
  process: ChildProcess;
  database: pg.Pool;
  databaseUrl: string;
  workspaceId: string;
  dataDir: string;
  close(): Promise<void>;
}

/** What is left of a run that was killed: the gateway stops its database by itself, if it is given the time. */
const cleanUp = `
  kill "$1"
  for n in $(seq 60); do kill -0 "$1" && sleep 0.2 || break; done
  kill -s KILL "$1"
  kill -s QUIT "$(head -n 1 "$2/postgres/cluster/postmaster.pid")" && sleep 1
  rm -rf "$2"`;

/**
 * Starts Frontdesk as its users do, with a database of its own and nothing in it but the workspace. Neither outlives
 * this process.
 * @param ofDatabase settings of PostgreSQL that a measurement needs
 */
export async function startWorld(
  settings: Record<string, string> = {},
  flags: readonly string[] = [],
  ofDatabase: Record<string, string> = {},
): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'frontdesk-bench-'));
  chmodSync(dataDir, 0o711); // As root, the database runs as another user.
  const key = 'a-key-for-the-benchmark-and-nothing-else';
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    DATABASE_URL: '',
    REDIS_URL: '',
    DATA_DIR: dataDir,
    PORT: String(port),
    DEMO: 'false',
    FRONTDESK_ADMIN_KEY: key,
    LOG_LEVEL: 'error',
    ...settings,
  };
  const url = `http://127.0.0.1:${port}`;
  const start = () => {
    const child = spawn(process.execPath, [...flags, 'src/main.ts'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { child, cancel: onDeath(cleanUp, String(child.pid), dataDir) };
  };
  const end = async ({ child, cancel }: ReturnType<typeof start>) => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
    cancel();
  };
  let running = start();
  const stop = async () => {
    await end(running);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await ready(url);
    if (Object.keys(ofDatabase).length > 0) {
      // The database stops with the gateway, and begins anew with what it was told.
      const owner = new pg.Client({ connectionString: urlOf(dataDir) });
      await owner.connect();
      for (const [name, value] of Object.entries(ofDatabase))
        await owner.query(`ALTER SYSTEM SET ${name} = ${pg.escapeLiteral(value)}`);
      await owner.end();
      await end(running);
      running = start();
      await ready(url);
    }
    const databaseUrl = urlOf(dataDir);
    const database = new pg.Pool({ connectionString: databaseUrl });
    const { rows } = await database.query<{ id: string }>('SELECT id FROM workspace');
    const close = async () => {
      await database.end();
      await stop();
    };
    const workspaceId = rows[0]?.id as string;
    return { url, key, process: running.child, database, databaseUrl, workspaceId, dataDir, close };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const answered = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  throw new Error('The gateway did not become ready.');
}

/** The embedded database of the gateway, for those who go to it without the gateway. */
function urlOf(dataDir: string): string {
  const cluster = join(dataDir, 'postgres', 'cluster');
  const port = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[3];
  const password = readFileSync(join(cluster, 'frontdesk.password'), 'utf8').trim();
  return `postgres://frontdesk:${encodeURIComponent(password)}@127.0.0.1:${port}/frontdesk`;
}
