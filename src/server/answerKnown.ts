import { wasCancelled } from '../core/database.ts';
import { answer } from './answer.ts';
import type { Caller } from './callers.ts';
import { type Exchange, goneSignal } from './exchange.ts';
import { graphqlContext } from './graphqlContext.ts';
import { schemaIsOpen } from './operation.ts';
import type { Params } from './params.ts';
import type { Services } from './services.ts';

/** What yoga answers these with. Other wishes are left to it to understand. */
const contentTypes: Record<string, string> = {
  '': 'application/json; charset=utf-8',
  '*/*': 'application/json; charset=utf-8',
  'application/json': 'application/json; charset=utf-8',
  'application/graphql-response+json': 'application/graphql-response+json; charset=utf-8',
};

/**
 * Answers a query that was seen and found valid before, and that is planned to its last field, without entering the
 * GraphQL engine: most of what a request costs is there. Who asks, their limits and the request itself are checked by
 * then. Answers false for anything else, and whenever something is not as it should be.
 * @returns `late` when the statement took too long, so that it is not begun again.
 */
export async function answerKnown(
  services: Services,
  exchange: Exchange,
  params: Params,
  caller: Caller,
): Promise<boolean | 'late'> {
  const { reads, documents, metrics, schema } = services;
  const contentType = contentTypes[exchange.req.headers.accept ?? ''];
  if (!reads || !contentType || params.extensions) return false;
  const document = documents.known(params.query, schemaIsOpen(services, caller));
  if (!document) return false;
  const contextValue = graphqlContext(services, caller, exchange.requestId, goneSignal(exchange));
  const { operationName, variables: variableValues } = params;
  let body: string | null;
  try {
    body = await reads.answer({ schema, document, operationName, variableValues, contextValue });
  } catch (error) {
    // Nobody waits any more, or nobody should.
    if (contextValue.signal?.aborted) return true;
    return wasCancelled(error) ? 'late' : false;
  }
  if (body === null) return false;
  metrics.operations.inc({ type: 'query', outcome: 'ok' });
  metrics.knownDocuments.inc();
  answer(exchange, 200, contentType, body);
  return true;
}
