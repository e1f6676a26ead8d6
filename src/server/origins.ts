import type { IncomingMessage } from 'node:http';
import type { Config } from '../core/config.ts';
import { isTrusted } from './clientAddress.ts';

type Settings = Pick<Config, 'corsOrigins' | 'publicUrl' | 'trustProxy'>;

/**
 * Whether a browser page may call: pages of this server, and of the origins in CORS_ORIGINS. Programs send
 * no Origin and are let through. Browsers check WebSockets by nothing else, so it is refused here.
 */
export function originAllowed(req: IncomingMessage, settings: Settings): boolean {
  const origin = req.headers.origin;
  if (origin === undefined || settings.corsOrigins.has(origin)) return true;
  const from = URL.parse(origin);
  if (!from || from.origin === 'null') return false;
  if (settings.publicUrl && URL.parse(settings.publicUrl)?.origin === from.origin) return true;
  const forwarded = isTrusted(req.socket.remoteAddress, settings.trustProxy)
    ? req.headers['x-forwarded-host']
    : undefined;
  return [req.headers.host, forwarded].some(
    (host) => typeof host === 'string' && URL.parse(`${from.protocol}//${host}`)?.host === from.host,
  );
}

/** What lets the page read the answer. No cookies are ever used, so none are allowed. */
export function corsHeaders(req: IncomingMessage, settings: Settings): Record<string, string> {
  if (settings.corsOrigins.size === 0) return {};
  const origin = req.headers.origin;
  if (origin === undefined || !settings.corsOrigins.has(origin)) return { Vary: 'Origin' };
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'x-request-id, Location, Tus-Resumable, Upload-Length, Upload-Offset',
  };
}

/** What a browser asks before it sends anything but the simplest request. */
export function preflightHeaders(
  req: IncomingMessage,
  settings: Settings,
  methods = 'GET, POST, OPTIONS',
): Record<string, string> {
  const cors = corsHeaders(req, settings);
  if (!cors['Access-Control-Allow-Origin']) return { ...cors, Allow: methods };
  const asked = String(req.headers['access-control-request-headers'] ?? '');
  return {
    ...cors,
    Allow: methods,
    'Access-Control-Allow-Methods': methods.replace(', OPTIONS', ''),
    'Access-Control-Allow-Headers': /^[\w\s,-]{1,1000}$/.test(asked)
      ? asked
      : 'authorization, content-type, x-api-key',
    'Access-Control-Max-Age': '7200',
  };
}
