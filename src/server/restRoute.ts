import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure, type FailureCode, InvalidInput, type RefusalCode, Refused } from '../core/errors.ts';
import { WrongChecksum } from '../resolvers/uploads/appendToUpload.ts';
import type { RestAnswer } from '../rest/rest.ts';
import { restRoutes } from '../rest/routes.ts';
import { answer, answerJson } from './answer.ts';
import { credentialOf } from './credential.ts';
import type { Exchange } from './exchange.ts';
import { graphqlContext } from './graphqlContext.ts';
import { corsHeaders, originAllowed, preflightHeaders } from './origins.ts';
import { publicError } from './publicError.ts';
import { ClientGone } from './readBody.ts';
import type { Services } from './services.ts';

const prefix = '/rest/v1';
const statuses: Record<FailureCode | RefusalCode, number> = {
  INVALID_INPUT: 400,
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  INVALID_STATE: 409,
  SLOT_TAKEN: 409,
  CLASS_FULL: 409,
  CURSOR_EXPIRED: 410,
  IDEMPOTENCY_KEY_REUSED: 422,
  LIMIT_EXCEEDED: 429,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTEGRATION_UNAVAILABLE: 503,
};

/** `/rest/v1/...` over HTTP: origin, credential, the route, and errors as `{ error: { code, message, ... } }`. */
export function createRestRoute(services: Services): (exchange: Exchange) => Promise<void> {
  const { config } = services;
  const routes = restRoutes.map((route) => ({ route, segments: route.path.split('/') }));

  return async (exchange) => {
    const { req, res, path, requestId } = exchange;
    const preflight = req.method === 'OPTIONS';
    const found = routes.flatMap(({ route, segments }) => {
      const params = matched(segments, path.slice(prefix.length).split('/'));
      return params ? [{ route, params }] : [];
    });
    const methods = [...new Set(found.map(({ route }) => route.method)), 'OPTIONS'].join(', ');
    const cors = preflight ? preflightHeaders(req, config, methods) : corsHeaders(req, config);
    for (const [name, value] of Object.entries(cors)) res.setHeader(name, value);
    const refuse = (status: number, code: string, message: string, more: object = {}) =>
      answerJson(exchange, status, { error: { code, message, ...more, requestId } });

    const first = found[0];
    if (!first) return refuse(404, 'NOT_FOUND', 'There is nothing here.');
    exchange.route = prefix + first.route.path;
    if (!originAllowed(req, config))
      return refuse(403, 'FORBIDDEN', 'Pages of this origin may not call: it is not in CORS_ORIGINS.');
    if (preflight) return answer(exchange, 204, 'text/plain', '', tusOptions);
    const called = found.find(({ route }) => route.method === req.method);
    if (!called) {
      res.setHeader('Allow', methods);
      return refuse(405, 'BAD_REQUEST', `Send ${methods}.`);
    }
    try {
      const caller = await services.authenticator.authenticate(credentialOf(req.headers));
      exchange.caller = caller;
      const ctx = graphqlContext(services, caller, requestId);
      const header = (name: string) => {
        const value = req.headers[name];
        return typeof value === 'string' ? value : undefined;
      };
      await send(exchange, await called.route.run(ctx, { header, params: called.params, body: req }));
    } catch (error) {
      if (req.errored || res.destroyed) throw new ClientGone();
      if (res.headersSent) throw error;
      if (error instanceof WrongChecksum) return refuse(460, error.code, error.message);
      if (error instanceof Failure || error instanceof Refused) {
        if (error.code === 'UNAUTHENTICATED') res.setHeader('WWW-Authenticate', 'Bearer');
        const issues = error instanceof InvalidInput ? { issues: error.issues } : {};
        return refuse(statuses[error.code], error.code, error.message, issues);
      }
      const { message, extensions } = publicError(error, { requestId, log: services.log });
      const unavailable = extensions.code === 'UNAVAILABLE';
      if (unavailable) res.setHeader('Retry-After', '1');
      refuse(unavailable ? 503 : 500, String(extensions.code), message);
    }
  };
}

/** What a tus client learns before it sends anything. */
const tusOptions = {
  'Tus-Resumable': '1.0.0',
  'Tus-Version': '1.0.0',
  'Tus-Extension': 'creation,creation-with-upload',
};

function matched(pattern: readonly string[], path: readonly string[]): Record<string, string> | null {
  if (pattern.length !== path.length) return null;
  const params: Record<string, string> = {};
  for (const [at, segment] of pattern.entries()) {
    const given = path[at] as string;
    if (segment.startsWith(':') && given) params[segment.slice(1)] = given;
    else if (segment !== given) return null;
  }
  return params;
}

async function send(exchange: Exchange, { status, headers = {}, body }: RestAnswer): Promise<void> {
  if (!body) return answer(exchange, status, 'text/plain', '', headers);
  if (!(Symbol.asyncIterator in body)) return answerJson(exchange, status, body, headers);
  exchange.res.writeHead(status, headers);
  await pipeline(Readable.from(body), exchange.res).catch(() => {
    throw new ClientGone();
  });
}
