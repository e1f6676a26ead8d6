import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onDeath } from '../test/support/process.ts';

export interface Server {
  url: string;
  process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a file as a process of its own, which sends the port that it listens on. It never outlives this one. */
export async function startServer(
  file: string,
  settings: Record<string, string>,
  flags: readonly string[] = [],
): Promise<Server> {
  const child = spawn(process.execPath, [...flags, file], {
    env: { ...process.env, NODE_ENV: 'production', ...settings },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const cancel = onDeath('kill -s KILL "$1"', String(child.pid));
  child.once('exit', cancel);
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${file} ended before it listened.`);
  });
  const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [{ port: number }];
  failed.catch(() => {});
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
  };
  return { url: `http://127.0.0.1:${port}`, process: child, stop };
}
