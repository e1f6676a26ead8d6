import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessOptions {
  /** Added to the environment of this process; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** What tells that it is ready: something in its output, or a check that is tried until it answers true. */
  until?: RegExp | ((output: string) => boolean | Promise<boolean>);
  /** How long it may take to become ready. */
  timeoutMs?: number;
}

export interface RunningProcess {
  pid: number;
  /** Everything it has said so far, standard output and error as they came. */
  output(): string;
  /** Signals it and the children in its process group; SIGTERM unless told. Await `exited` for the end. */
  kill(signal?: NodeJS.Signals): void;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const running = new Set<RunningProcess>();

/**
 * Starts a child in its own process group and waits until it is ready. Throws with its output when it ends before, or
 * is not ready in time. `node` means the Node that runs the tests. It never outlives this process; end it earlier with
 * `kill`, or all of a file's with `afterAll(stopProcesses)`.
 */
export async function startProcess(
  command: string,
  args: string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ...options.env };
  const child = spawn(command, args, {
    cwd: options.cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });

  let ended = false;
  const failure = new Promise<Error>((done) => child.once('error', done));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once('close', (code, signal) => {
      ended = true;
      done({ code, signal });
    });
  });
  if (!child.pid) throw await failure;

  const group = child.pid;
  const result: RunningProcess = {
    pid: group,
    output: () => said,
    kill: (signal = 'SIGTERM') => {
      if (!ended) signalGroup(group, signal);
    },
    exited,
  };
  running.add(result);
  const cancel = onDeath('kill -s KILL -- "-$1"', String(group));
  void exited.then(() => {
    running.delete(result);
    cancel();
  });

  const { until, timeoutMs = 30_000 } = options;
  for (const deadline = Date.now() + timeoutMs; until; await sleep(20)) {
    if (until instanceof RegExp ? until.test(said) : await until(said)) break;
    if (ended) throw new Error(`${command} ${args.join(' ')} ended before it was ready:\n${said}`);
    if (Date.now() > deadline) {
      result.kill('SIGKILL');
      throw new Error(`${command} ${args.join(' ')} was not ready after ${timeoutMs} ms:\n${said}`);
    }
  }
  return result;
}

/** Kills every process that this file started and that still runs. */
export async function stopProcesses(): Promise<void> {
  await Promise.all(
    [...running].map((one) => {
      one.kill('SIGKILL');
      return one.exited;
    }),
  );
}

/**
 * Runs a shell script when this process is gone, however it went: a pipe from here ends even after kill -9, and a small
 * shell waits for that. `args` are `$1`, `$2` and so on. Returns a function that calls it off.
 */
export function onDeath(script: string, ...args: string[]): () => void {
  const shell = spawn('sh', ['-c', `read -r _; ${script}`, 'on-death', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  shell.stdin.on('error', () => {});
  (shell.stdin as unknown as { unref(): void }).unref();
  return () => {
    shell.kill('SIGKILL');
  };
}

/** Stops the embedded PostgreSQL in this folder, and removes the folder, when this process is gone. */
export function removeDatabaseOnDeath(dataDir: string): () => void {
  return onDeath('kill -QUIT $(head -n 1 "$1/cluster/postmaster.pid"); sleep 1; rm -rf "$1"', dataDir);
}

/** Whether a process still does something: `kill -0` would count a zombie too, and some containers reap late. */
export function isRunning(pid: number): boolean {
  try {
    if (process.platform !== 'linux') return process.kill(pid, 0);
    return /\) [^ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
