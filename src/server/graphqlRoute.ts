import { GraphQLError } from 'graphql';
import { answer, answerErrors } from './answer.ts';
import { answerKnown } from './answerKnown.ts';
import { credentialOf } from './credential.ts';
import type { Exchange } from './exchange.ts';
import { createGraphql } from './graphql.ts';
import { corsHeaders, originAllowed, preflightHeaders } from './origins.ts';
import { readParams } from './params.ts';
import { publicError } from './publicError.ts';
import { ClientGone } from './readBody.ts';
import type { Services } from './services.ts';
import { streamEvents } from './sse.ts';

/**
 * `/graphql` and `/graphql/stream` over HTTP: origin, credential, parameters, and then yoga or the event
 * stream. The order matters: a foreign page reaches nothing, and a stranger's body is not read.
 */
export function createGraphqlRoute(
  services: Services,
  goingAway: AbortSignal,
): (exchange: Exchange) => Promise<void> {
  const { config } = services;
  const graphql = createGraphql(services);

  return async (exchange) => {
    const { req, res } = exchange;
    const accept = req.headers.accept ?? '';
    const preflight = req.method === 'OPTIONS';
    const cors = preflight ? preflightHeaders(req, config) : corsHeaders(req, config);
    for (const [name, value] of Object.entries(cors)) res.setHeader(name, value);
    if (!originAllowed(req, config)) {
      return answerErrors(exchange, 403, [
        refusal('FORBIDDEN', 'Pages of this origin may not call: it is not in CORS_ORIGINS.'),
      ]);
    }
    if (preflight) return answer(exchange, 204, 'text/plain', '');
    if (req.method !== 'GET' && req.method !== 'POST') {
      return answerErrors(exchange, 405, [refusal('BAD_REQUEST', 'Send a GET or a POST.')], {
        Allow: 'GET, POST',
      });
    }
    const inBrowser = req.method === 'GET' && accept.includes('text/html') && exchange.path === '/graphql';
    if (config.graphiql && inBrowser && !/[?&]query=/.test(req.url ?? '')) return graphql(exchange, null);

    try {
      const caller = await services.authenticator.authenticate(credentialOf(req.headers));
      exchange.caller = caller;
      const params = await readParams(req);
      exchange.operationName = params.operationName;
      if (exchange.path === '/graphql' && !accept.includes('text/event-stream')) {
        const known = await answerKnown(services, exchange, params, caller);
        if (known === true) return;
        return await graphql(exchange, { params, caller, late: known === 'late' });
      }
      exchange.route = '/graphql/stream';
      await streamEvents(services, exchange, params, caller, goingAway);
    } catch (error) {
      if (res.headersSent || error instanceof ClientGone) throw error;
      const shown = publicError(error, { requestId: exchange.requestId, log: services.log });
      const { status, headers } = statusOf(shown);
      answerErrors(exchange, status, [shown], headers);
    }
  };
}

function statusOf(error: GraphQLError): { status: number; headers?: Record<string, string> } {
  const { code, http } = error.extensions as {
    code?: string;
    http?: { status: number; headers?: Record<string, string> };
  };
  if (code === 'UNAUTHENTICATED') return { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } };
  if (code === 'UNAVAILABLE') return { status: 503, headers: { 'Retry-After': '1' } };
  if (code === 'INTERNAL') return { status: 500 };
  if (error.extensions.limit === 'socketsPerKey') return { status: 429, headers: { 'Retry-After': '5' } };
  return http ?? { status: 400 };
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}
