import type { GraphQLError } from 'graphql';
import type { Exchange } from './exchange.ts';

type Headers = Record<string, string>;

/** Answers text, once. Nothing is written when the client is gone. */
export function answer(
  { req, res }: Exchange,
  status: number,
  contentType: string,
  body: string,
  given: Headers = {},
): void {
  if (res.headersSent || res.destroyed) return;
  // What is left of a body that nobody read must not be waited for.
  const bodyLeft =
    !req.complete && (Number(req.headers['content-length']) > 0 || 'transfer-encoding' in req.headers);
  const headers = bodyLeft ? { ...given, Connection: 'close' } : given;
  const length = Buffer.byteLength(body);
  res.writeHead(status, { ...headers, 'Content-Type': contentType, 'Content-Length': length });
  // What is nothing but ASCII is the same in either encoding, and this one is written without a detour.
  if (req.method === 'HEAD') res.end();
  else res.end(body, length === body.length ? 'latin1' : 'utf8');
  if (!bodyLeft) return;
  req.resume();
  // Time for the client to read the answer before the rest of what it sends is cut off.
  const cut = setTimeout(() => req.socket.destroy(), 1_000).unref();
  req.once('end', () => clearTimeout(cut));
}

export function answerJson(exchange: Exchange, status: number, body: unknown, headers: Headers = {}): void {
  answer(exchange, status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`, headers);
}

/** A GraphQL answer that is nothing but errors. */
export function answerErrors(
  exchange: Exchange,
  status: number,
  errors: readonly GraphQLError[],
  headers: Headers = {},
): void {
  const type = exchange.req.headers.accept?.includes('application/graphql-response+json')
    ? 'application/graphql-response+json'
    : 'application/json';
  const plain = errors.map((error) => {
    const { http: _, ...extensions } = error.extensions;
    return { ...error.toJSON(), extensions };
  });
  answer(exchange, status, `${type}; charset=utf-8`, JSON.stringify({ errors: plain }), headers);
}
