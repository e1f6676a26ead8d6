import { PothosValidationError } from '@pothos/core';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { databaseError } from '../core/database.ts';
import { Failure, InvalidInput, Refused } from '../core/errors.ts';

/** Who asked what, for the log. */
export interface Asked {
  requestId: string;
  log: Logger;
  operationName?: string | null | undefined;
}

/**
 * The error as the caller may see it. What we say on purpose keeps its code and details; of a bug the
 * caller learns the request id, and the log all the rest.
 */
export function publicError(error: unknown, asked: Asked): GraphQLError {
  const cause = causeOf(error);
  const at = error instanceof GraphQLError ? error : null;
  const say = (message: string, extensions: Record<string, unknown>) =>
    new GraphQLError(message, {
      nodes: at?.nodes,
      source: at?.source,
      positions: at?.positions,
      path: at?.path,
      extensions,
    });

  if (cause instanceof Refused) return say(cause.message, { ...cause.details, code: cause.code });
  if (cause instanceof InvalidInput)
    return say(cause.message, { ...cause.details(), code: 'BAD_USER_INPUT' });
  if (cause instanceof Failure) return say(cause.message, { ...cause.details(), code: cause.code });
  if (cause instanceof PothosValidationError) {
    const limit = /^Query exceeds maximum (\w+) \(\w+: [\d.]+, max: ([\d.]+)\)/.exec(cause.message);
    if (limit)
      return say(`${cause.message}.`, { code: 'LIMIT_EXCEEDED', limit: limit[1], max: Number(limit[2]) });
    return say(cause.message, { code: 'BAD_USER_INPUT' }); // A cursor or page size that makes no sense.
  }
  if (cause instanceof GraphQLError && (cause.extensions.code || meant(cause, at))) {
    return cause.extensions.code
      ? say(cause.message, cause.extensions)
      : say(cause.message, { ...cause.extensions, code: 'BAD_USER_INPUT' });
  }

  const { log, requestId, operationName } = asked;
  if (unreachable(cause)) {
    log.warn(
      { requestId, operationName, path: at?.path?.join('.'), error: cause },
      'the database could not be reached',
    );
    return say('The database cannot be reached at present; try again.', { code: 'UNAVAILABLE', requestId });
  }
  log.error({ requestId, operationName, path: at?.path?.join('.'), error: cause }, 'a bug');
  return say('Something went wrong on our side. Tell us the request id when it happens again.', {
    code: 'INTERNAL',
    requestId,
  });
}

/** The error at the bottom of GraphQL's wrappings. */
function causeOf(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

/**
 * GraphQL's own errors about the request: without a path, or about an argument, which has a place in the
 * document. The rest come from resolvers that returned what their type does not allow: bugs.
 */
function meant(cause: GraphQLError, at: GraphQLError | null): boolean {
  return at?.path === undefined || cause.nodes !== undefined;
}

/** Connection lost, refused or timed out, pool exhausted, server starting or shutting down. */
const passingCodes = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  '57P01',
  '57P02',
  '57P03',
  '08006',
  '08001',
  '53300',
  'ECONNREFUSED',
  'ECONNRESET',
]);

function unreachable(cause: unknown): boolean {
  const code = databaseError(cause)?.code ?? (cause as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && passingCodes.has(code)) return true;
  return (
    cause instanceof Error &&
    /Can't reach database server|Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect|Server has closed the connection/.test(
      cause.message,
    )
  );
}
