import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLSchema } from 'graphql';
import { type Config, readConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';
import { systemContext } from '../../src/jobs/systemContext.ts';
import { ensureFirstWorkspace } from '../../src/resolvers/workspaces/ensureFirstWorkspace.ts';
import { createHttp } from '../../src/server/http.ts';
import { openServices } from '../../src/server/openServices.ts';
import type { Services } from '../../src/server/services.ts';
import { startProcess } from './process.ts';

export interface GatewayOptions {
  databaseUrl: string;
  redisUrl?: string;
  /** Beside or instead of the settings of a test. */
  env?: Record<string, string | undefined>;
}

export interface Gateway {
  /** `http://127.0.0.1:port` */
  url: string;
  /** Where WebSockets go. */
  wsUrl: string;
  adminKey: string;
  pid: number;
  output(): string;
  /** SIGTERM, and waits for the end. */
  stop(): Gateway['exited'];
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** kill -9, and waits for the end. */
  kill(): Promise<void>;
}

const mainFile = join(import.meta.dirname, '../../src/main.ts');

/** The environment of a gateway under test, and its administrator's key. */
export function gatewayEnv(options: GatewayOptions): {
  env: Record<string, string | undefined>;
  adminKey: string;
} {
  const adminKey = options.env?.FRONTDESK_ADMIN_KEY ?? `test_${randomBytes(24).toString('base64url')}`;
  const env = {
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    FRONTDESK_SECRET: 'a secret for tests that has forty characters',
    FRONTDESK_ADMIN_KEY: adminKey,
    PORT: '0',
    ...options.env,
  };
  return { env, adminKey };
}

/** Starts the real program as a process of its own, on a free port. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { env, adminKey } = gatewayEnv(options);
  const child = await startProcess(process.execPath, [mainFile], {
    env,
    until: /Frontdesk is ready/,
    timeoutMs: 60_000,
  });
  const url = /Frontdesk is ready: (\S+)/.exec(child.output())?.[1] ?? '';
  return {
    url,
    wsUrl: `${url.replace('http', 'ws')}/graphql`,
    adminKey,
    pid: child.pid,
    output: child.output,
    exited: child.exited,
    stop() {
      child.kill('SIGTERM');
      return child.exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/**
 * The same inside this process and with any schema: starts in milliseconds, and a test may look inside. With
 * `READS=executor` in the environment of the tests every query takes the normal path, with `READS=yoga` none is answered
 * before yoga: so any suite can be run over each.
 */
export async function startInProcess(
  options: GatewayOptions & { schema: GraphQLSchema; config?: Partial<Config> },
): Promise<Pick<Gateway, 'url' | 'wsUrl' | 'adminKey'> & { services: Services; stop(): Promise<void> }> {
  const { env, adminKey } = gatewayEnv(options);
  const config = { ...readConfig(env), ...options.config };
  const log = createLog({ level: options.env?.LOG_LEVEL ?? 'fatal', readable: false });
  const { services, close } = openServices({
    config,
    databaseUrl: options.databaseUrl,
    schema: options.schema,
    log,
  });
  if (process.env.READS === 'executor') services.reads = null;
  if (process.env.READS === 'yoga' && services.reads) services.reads.answer = async () => null;
  await ensureFirstWorkspace(systemContext({ ...services, committed: services.sequencer.run }), adminKey);
  const http = createHttp(services);
  const url = await http.listen(0, '127.0.0.1');
  return {
    url,
    wsUrl: `${url.replace('http', 'ws')}/graphql`,
    adminKey,
    services,
    async stop() {
      await http.drain();
      await close();
    },
  };
}

/** Waits until something is true; fails with `what` when it does not become true in time. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(20)) {
    if (await check()) return;
  }
  throw new Error(`Not within ${timeoutMs} ms: ${what}`);
}
