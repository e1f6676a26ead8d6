import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** Everything that the environment decides; docs/operations.md lists the variables. */
export interface Config {
  role: 'api' | 'worker' | 'all';
  host: string;
  /** Null for a worker that was given no PORT: it opens none. */
  port: number | null;
  /** Null: an embedded PostgreSQL under `dataDir`. */
  databaseUrl: string | null;
  redisUrl: string | null;
  dataDir: string;
  adminKey: string | null;
  /** Null: generated into `dataDir`, see `secretIn`. */
  secret: string | null;
  previousSecret: string | null;
  /** Null: `http://HOST:PORT`, known once the port is open. */
  publicUrl: string | null;
  storageUrl: string;
  trustProxy: BlockList;
  allowPrivatePeers: boolean;
  graphiql: boolean;
  demo: boolean;
  jwt: { jwksUrl: string; issuer: string; audience: string } | null;
  corsOrigins: ReadonlySet<string>;
  live: LiveLimits;
  logLevel: string;
}

/** What live clients may hold of a process. */
export interface LiveLimits {
  /** Open WebSockets and event streams of one credential. */
  socketsPerKey: number;
  /** Subscriptions on one WebSocket. */
  subscriptionsPerSocket: number;
  /** Bytes that may wait for a client before it is cut off as too slow. */
  queueBytes: number;
  /** How long a WebSocket may stay open on which nothing runs. */
  idleMs: number;
  /** How long a WebSocket may take to say who it is. */
  initMs: number;
}

/** A variable is set but unusable. The message is one line that says which and why. */
export class UnusableConfig extends Error {
  override name = 'UnusableConfig';
}

const minSecret = 32;
const words: Record<string, boolean> = {
  true: true,
  1: true,
  yes: true,
  on: true,
  false: false,
  0: false,
  no: false,
  off: false,
};

const flag = z.string().transform((text, check) => {
  const value = words[text.toLowerCase()];
  if (value !== undefined) return value;
  check.addIssue({ code: 'custom', message: `must be true or false, not "${text}"` });
  return z.NEVER;
});

const port = z
  .string()
  .regex(/^\d{1,5}$/, { error: (issue) => `must be a port number from 0 to 65535, not "${issue.input}"` })
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port number from 0 to 65535');

/** A whole number, at least this one. */
function count(least: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, { error: (issue) => `must be a whole number, not "${issue.input}"` })
    .transform(Number)
    .refine((value) => value >= least, `must be ${least} or more`);
}

/** The value itself may hold a password, so no message repeats it. */
function url(protocols: readonly string[], example: string) {
  return z
    .string()
    .refine(
      (text) => protocols.includes(URL.parse(text)?.protocol ?? ''),
      `must be a URL such as ${example}`,
    );
}

function oneOf<const Word extends string>(...allowed: Word[]) {
  return z.enum(allowed, { error: (issue) => `must be one of ${allowed.join(', ')}, not "${issue.input}"` });
}

const secret = z.string().min(minSecret, `must have ${minSecret} characters or more`);

const adminKey = secret
  .regex(
    /^[\x21-\x7e]+$/,
    'must be made of printable ASCII characters without spaces, since it travels in a header',
  )
  .refine((key) => !/^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(key), 'must not look like a JSON Web Token');

const origins = list((text) => {
  const parsed = URL.parse(text);
  if (text === '*') return 'must list exact origins; "*" would let every web page call';
  return parsed && parsed.origin !== 'null' && parsed.origin === text
    ? null
    : `must list exact origins such as https://app.example.com, and "${text}" is none`;
});

const proxies = list((text) => {
  const [address = '', bits] = text.split('/');
  const family = isIP(address);
  const known =
    text === 'loopback' ||
    (family > 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))));
  return known
    ? null
    : `must list addresses such as 10.0.0.0/8, or the word loopback, and "${text}" is neither`;
});

/** Items between commas; `wrong` says what is wrong with one. */
function list(wrong: (item: string) => string | null) {
  return z.string().transform((text, check) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean);
    for (const message of items.map(wrong)) if (message) check.addIssue({ code: 'custom', message });
    return items;
  });
}

const variables = z.object({
  ROLE: oneOf('api', 'worker', 'all').default('all'),
  HOST: z
    .string()
    .regex(/^[\w.:%-]+$/, { error: (issue) => `must be an address or a host name, not "${issue.input}"` })
    .default('127.0.0.1'),
  PORT: port.optional(),
  DATABASE_URL: url(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database').optional(),
  REDIS_URL: url(['redis:', 'rediss:'], 'redis://host:6379').optional(),
  DATA_DIR: z
    .string()
    .refine((path) => !path.includes('\0'), 'must be a path')
    .default('.data'),
  FRONTDESK_ADMIN_KEY: adminKey.optional(),
  FRONTDESK_SECRET: secret.optional(),
  FRONTDESK_SECRET_PREVIOUS: secret.optional(),
  PUBLIC_URL: url(['http:', 'https:'], 'https://desk.example.com')
    .transform((text) => text.replace(/\/+$/, ''))
    .optional(),
  STORAGE_URL: url(['file:', 's3:'], 'file:///var/lib/frontdesk or s3://bucket').optional(),
  TRUST_PROXY: proxies.optional(),
  ALLOW_PRIVATE_PEERS: flag.default(false),
  GRAPHIQL: flag.optional(),
  DEMO: flag.optional(),
  JWT_JWKS_URL: url(['http:', 'https:'], 'https://login.example.com/.well-known/jwks.json').optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  CORS_ORIGINS: origins.optional(),
  LIVE_SOCKETS_PER_KEY: count(1).default(2_000),
  LIVE_SUBSCRIPTIONS_PER_SOCKET: count(1).default(100),
  LIVE_QUEUE_BYTES: count(65_536).default(1_048_576),
  LIVE_IDLE_SECONDS: count(1).default(300),
  LIVE_INIT_SECONDS: count(1).default(3),
  LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
});

/** Reads the environment. An empty variable counts as not set. Throws `UnusableConfig`. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const read = variables.safeParse(given);
  if (!read.success)
    throw new UnusableConfig(
      read.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`).join('; '),
    );
  const is = read.data;
  const embedded = is.DATABASE_URL === undefined;
  if (!embedded && !is.FRONTDESK_SECRET) {
    throw new UnusableConfig(
      `FRONTDESK_SECRET is required with DATABASE_URL: ${minSecret} characters or more, the same for all processes and kept safe, since it encrypts stored credentials`,
    );
  }
  const dataDir = resolve(is.DATA_DIR);
  return {
    role: is.ROLE,
    host: is.HOST,
    port: is.PORT ?? (is.ROLE === 'worker' ? null : 4000),
    databaseUrl: is.DATABASE_URL ?? null,
    redisUrl: is.REDIS_URL ?? null,
    dataDir,
    adminKey: is.FRONTDESK_ADMIN_KEY ?? null,
    secret: is.FRONTDESK_SECRET ?? null,
    previousSecret: is.FRONTDESK_SECRET_PREVIOUS ?? null,
    publicUrl: is.PUBLIC_URL ?? null,
    storageUrl: is.STORAGE_URL ?? `file://${join(dataDir, 'files')}`,
    trustProxy: blockList(is.TRUST_PROXY ?? []),
    allowPrivatePeers: is.ALLOW_PRIVATE_PEERS,
    graphiql: is.GRAPHIQL ?? embedded,
    demo: is.DEMO ?? embedded,
    jwt: jwtOf(is.JWT_JWKS_URL, is.JWT_ISSUER, is.JWT_AUDIENCE),
    corsOrigins: new Set(is.CORS_ORIGINS),
    live: {
      socketsPerKey: is.LIVE_SOCKETS_PER_KEY,
      subscriptionsPerSocket: is.LIVE_SUBSCRIPTIONS_PER_SOCKET,
      queueBytes: is.LIVE_QUEUE_BYTES,
      idleMs: is.LIVE_IDLE_SECONDS * 1_000,
      initMs: is.LIVE_INIT_SECONDS * 1_000,
    },
    logLevel: is.LOG_LEVEL,
  };
}

/** All three or none: without issuer and audience, a token meant for another service would open this one. */
function jwtOf(
  jwksUrl: string | undefined,
  issuer: string | undefined,
  audience: string | undefined,
): Config['jwt'] {
  if (jwksUrl && issuer && audience) return { jwksUrl, issuer, audience };
  const missing = Object.entries({
    JWT_JWKS_URL: jwksUrl,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
  }).filter(([, value]) => !value);
  if (missing.length === 3) return null;
  throw new UnusableConfig(
    `${missing.map(([name]) => name).join(' and ')} must be set too: JWT_JWKS_URL, JWT_ISSUER and JWT_AUDIENCE belong together`,
  );
}

function blockList(items: readonly string[]): BlockList {
  const trusted = new BlockList();
  for (const item of items.flatMap((one) => (one === 'loopback' ? ['127.0.0.0/8', '::1'] : [one]))) {
    const [address = '', bits] = item.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    trusted.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return trusted;
}

/**
 * The secret of the embedded default: made on the first start, readable by its owner alone. Safe with
 * several starters: it is written aside and linked into place, which only one of them can do.
 */
export function secretIn(dataDir: string): string {
  const path = join(dataDir, 'secret');
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(dataDir, { recursive: true });
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    writeFileSync(aside, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    try {
      linkSync(aside, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(aside, { force: true });
    }
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new UnusableConfig(`DATA_DIR cannot be used: ${(error as Error).message}`);
  }
}
