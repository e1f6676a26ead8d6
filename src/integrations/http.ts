import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { z } from 'zod';
import { forTests, isPublic, lookupPublic, notPublic } from './addresses.ts';
import { OutsideFailure } from './failure.ts';

export interface OutsideRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form. */
  form?: Record<string, string>;
  /** What a failure means at this system, where statuses alone mislead. */
  meaning?(failure: OutsideFailure): OutsideFailure;
}

/** Makes a request and reads its answer by a schema. */
export type Call = <Schema extends z.ZodType>(
  request: OutsideRequest,
  schema: Schema,
) => Promise<z.output<Schema>>;

export interface OutsideAnswer {
  status: number;
  text: string;
}

export interface HttpOptions {
  /** Whether calls may go to loopback and private addresses, and without TLS. */
  allowPrivatePeers: boolean;
  /** For the whole exchange; 10 seconds when left out. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

const defaultTimeoutMs = 10_000;
const maxAnswerBytes = 10 * 1024 * 1024;
const agents = { keepAlive: true, keepAliveMsecs: 5_000, maxSockets: 50, timeout: 30_000 };
const httpsAgent = new HttpsAgent({ ...agents, minVersion: 'TLSv1.2' });
const httpAgent = new HttpAgent(agents);
const httpsPublicAgent = new HttpsAgent({ ...agents, minVersion: 'TLSv1.2', lookup: lookupPublic });

/**
 * Makes one request. Time-outs are set, redirects are not followed, and private addresses are refused at the moment of
 * connecting. Throws an `OutsideFailure` for everything but a status of 200 to 299.
 */
export async function send(request: OutsideRequest, options: HttpOptions): Promise<OutsideAnswer> {
  const url = URL.parse(request.url);
  const secure = url?.protocol === 'https:';
  if (!url || !(secure || (url.protocol === 'http:' && options.allowPrivatePeers)))
    throw new OutsideFailure('REJECTED', `The address of the system must begin with https://. ${forTests}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A literal address is never looked up.
  if (!options.allowPrivatePeers && isIP(host) && !isPublic(host)) throw notPublic(host);
  const body =
    request.form !== undefined
      ? { type: 'application/x-www-form-urlencoded', text: new URLSearchParams(request.form).toString() }
      : request.json !== undefined
        ? { type: 'application/json', text: JSON.stringify(request.json) }
        : null;
  const headers = {
    Accept: 'application/json',
    'User-Agent': 'Frontdesk',
    ...(body && { 'Content-Type': body.type, 'Content-Length': String(Buffer.byteLength(body.text)) }),
    ...request.headers,
  };
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const { status, retryAfter, text } = await exchange(url, {
    method: request.method,
    headers,
    signal,
    agent: secure ? (options.allowPrivatePeers ? httpsAgent : httpsPublicAgent) : httpAgent,
    body: body?.text ?? null,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof OutsideFailure) throw error;
    if (timeout.aborted) throw new OutsideFailure('UNAVAILABLE', `${host} did not answer in time.`);
    throw new OutsideFailure('UNAVAILABLE', `${host} cannot be reached: ${error.code ?? error.message}.`);
  });
  if (status >= 200 && status < 300) return { status, text };
  const failure = failureOf(host, status, retryAfter, text);
  throw request.meaning?.(failure) ?? failure;
}

interface Exchange {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal;
  agent: HttpAgent | HttpsAgent;
  body: string | null;
}

function exchange(
  url: URL,
  { body, ...options }: Exchange,
): Promise<{ status: number; retryAfter: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const sent = request(url, options, (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes)
          sent.destroy(new OutsideFailure('UNEXPECTED', `${url.hostname} answered more than 10 MB.`));
        else chunks.push(chunk);
      });
      answer.once('error', reject);
      answer.once('aborted', () => reject(new Error('connection cut')));
      answer.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers['retry-after'],
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.once('error', reject);
    sent.end(body ?? undefined);
  });
}

function failureOf(host: string, status: number, retryAfter: string | undefined, answer: string) {
  const more = { status, retryAfterMs: waitOf(retryAfter), answer };
  const says = (what: string) => `${host} answered ${status}: ${what}`;
  if (status === 401 || status === 403)
    return new OutsideFailure('UNAUTHORIZED', says('it refuses the credentials.'), more);
  if (status === 404 || status === 410) return new OutsideFailure('NOT_FOUND', says('there is none.'), more);
  if (status === 429) return new OutsideFailure('RATE_LIMITED', says('too many requests.'), more);
  if (status === 408 || status === 425 || status >= 500)
    return new OutsideFailure('UNAVAILABLE', says('it cannot do it now.'), more);
  if (status >= 300 && status < 400)
    return new OutsideFailure(
      'REJECTED',
      says('it sends us elsewhere. Give the address that it leads to.'),
      more,
    );
  return new OutsideFailure('REJECTED', says('it does not take this.'), more);
}

/** Seconds or a date, as HTTP has it; an hour at most. */
function waitOf(retryAfter: string | undefined): number | null {
  if (!retryAfter) return null;
  const ms = /^\d+(\.\d+)?$/.test(retryAfter)
    ? Number(retryAfter) * 1_000
    : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3_600_000) : null;
}

/** Reads an answer by a schema; an empty one as null. */
export function readAnswer<Schema extends z.ZodType>(
  { status, text }: OutsideAnswer,
  schema: Schema,
): z.output<Schema> {
  let json: unknown = null;
  try {
    json = text.trim() === '' ? null : JSON.parse(text);
  } catch {
    throw new OutsideFailure('UNEXPECTED', 'The answer is no JSON.', { status });
  }
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new OutsideFailure(
    'UNEXPECTED',
    `The answer is not as documented: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`,
    { status },
  );
}
