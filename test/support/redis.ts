import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { startProcess } from './process.ts';

const run = promisify(execFile);

export interface TestRedis {
  url: string;
  /** Ends it in an orderly way. */
  stop(): Promise<void>;
  /** Ends it with kill -9. Nothing was saved: `startRedis({ port })` brings an empty server back in the same place. */
  kill(): Promise<void>;
}

/** Starts a private redis-server on a free port, or on the one given, and makes sure that it is ours which answers. */
export async function startRedis(options: { port?: number; settings?: string[] } = {}): Promise<TestRedis> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      const server = await startProcess(
        'redis-server',
        [
          '--bind',
          '127.0.0.1',
          '--port',
          String(port),
          '--save',
          '',
          '--appendonly',
          'no',
          '--dir',
          tmpdir(),
          ...(options.settings ?? []),
        ],
        { until: /ready to accept connections/i, timeoutMs: 10_000 },
      );
      if ((await processIdAt(port)) !== server.pid) {
        server.kill('SIGKILL');
        throw new Error(`Another Redis answers on port ${port}.`);
      }
      const end = async (signal: NodeJS.Signals) => {
        server.kill(signal);
        await server.exited;
      };
      return { url: `redis://127.0.0.1:${port}`, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
    } catch (error) {
      // Somebody else may have taken the free port in between.
      if (options.port !== undefined || attempt === 3) throw error;
    }
  }
}

/** Whether `startRedis` can work here; as root on Debian it sees to that, unless REDIS_URL names a server to use. */
export async function hasRedisServer(): Promise<boolean> {
  if (await isOnPath()) return true;
  if (process.env.REDIS_URL || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return false;
  const install = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  try {
    await install().catch(() => run('apt-get', ['update']).then(install));
  } catch {
    return false;
  }
  return isOnPath();
}

async function isOnPath(): Promise<boolean> {
  return run('redis-server', ['--version']).then(
    () => true,
    () => false,
  );
}

async function processIdAt(port: number): Promise<number> {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  } finally {
    client.disconnect();
  }
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => done(port));
    });
  });
}
