import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Exchange } from './exchange.ts';

/** Pages that the dashboard knows, so that a link to one can be opened and reloaded. */
const pages = /^\/(?:activity|leads|customers(?:\/\w+)?)?$/;
/** Stands in the built page wherever the nonce of an answer goes; dashboard/vite.config.ts puts it there. */
const noncePlaceholder = 'NONCE-OF-THE-ANSWER';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

type Encoding = 'br' | 'gzip' | 'identity';

interface Asset {
  type: string;
  /** What lies under assets/ has its hash in its name. */
  immutable: boolean;
  bodies: Record<Encoding, () => Promise<Buffer>>;
}

export interface Dashboard {
  /** Answers a page or file of the dashboard; undefined when there is none at this path. */
  routeOf(path: string): ((exchange: Exchange) => Promise<void>) | undefined;
}

/**
 * The built dashboard, read once: what can be asked for is what was there, so no path leads anywhere else. Null when it
 * has not been built.
 */
export function openDashboard(folder: string): Dashboard | null {
  const index = join(folder, 'index.html');
  if (!existsSync(index)) return null;
  const page = readFileSync(index, 'utf8');
  const assets = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'index.html' && extname(entry.name) in types)
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(folder.length).replaceAll('\\', '/'), assetOf(file)]),
  );

  return {
    routeOf(path) {
      const asset = assets.get(path);
      if (asset) return (exchange) => answerAsset(exchange, asset);
      return pages.test(path) ? (exchange) => answerPage(exchange, page) : undefined;
    },
  };
}

function assetOf(file: string): Asset {
  const raw = readFileSync(file);
  const type = types[extname(file)] as string;
  const worthIt = raw.length > 1_000 && !type.startsWith('font/');
  const identity = async () => raw;
  return {
    type,
    immutable: file.includes('/assets/') || file.includes('\\assets\\'),
    bodies: {
      identity,
      br: worthIt ? once(() => brotli(raw)) : identity,
      gzip: worthIt ? once(() => zip(raw)) : identity,
    },
  };
}

const zip = promisify(gzip);
const brotli = (raw: Buffer) =>
  promisify(brotliCompress)(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });

/** Compressed when first asked for, and never again. */
function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

async function answerAsset(exchange: Exchange, asset: Asset): Promise<void> {
  const encoding = encodingFor(exchange.req.headers['accept-encoding']);
  const body = await asset.bodies[encoding]();
  const compressed = encoding !== 'identity' && body !== (await asset.bodies.identity());
  send(exchange, body, {
    'Content-Type': asset.type,
    'Cache-Control': asset.immutable ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
    Vary: 'Accept-Encoding',
    ...(compressed && { 'Content-Encoding': encoding }),
  });
}

async function answerPage(exchange: Exchange, page: string): Promise<void> {
  const nonce = randomBytes(16).toString('base64');
  send(exchange, Buffer.from(page.replaceAll(noncePlaceholder, nonce)), {
    'Content-Type': types['.html'] as string,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy(nonce),
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
    'X-Frame-Options': 'DENY',
  });
}

/** Its own files and its own gateway, and nothing else. The nonce is for the styles that the component library writes. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function encodingFor(accepted: string | string[] | undefined): Encoding {
  const wanted = String(accepted ?? '')
    .split(',')
    .map((part) => part.trim().split(/\s*;\s*/))
    .filter(([, quality]) => !/^q=0(\.0*)?$/.test(quality ?? ''))
    .map(([name]) => name);
  return wanted.includes('br') ? 'br' : wanted.includes('gzip') ? 'gzip' : 'identity';
}

function send({ req, res }: Exchange, body: Buffer, headers: Record<string, string>): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(200, { ...headers, 'Content-Length': body.length });
  res.end(req.method === 'HEAD' ? undefined : body);
}
