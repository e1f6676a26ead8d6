import { once } from 'node:events';
import { type ExecutionResult, GraphQLError, OperationTypeNode } from 'graphql';
import type { Caller } from './callers.ts';
import type { Exchange } from './exchange.ts';
import { executeOperation } from './executeOperation.ts';
import { graphqlContext } from './graphqlContext.ts';
import { prepareOperation } from './operation.ts';
import type { Params } from './params.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions.ts';
import { subscribeOperation } from './subscribeOperation.ts';

const keepAliveMs = 12_000;
/** A client that takes nothing for so long is cut off; its cursor lets it resume. */
const slowMs = 15_000;

/**
 * Answers one operation as an event stream: GraphQL over SSE in distinct connections mode. Reads the next
 * event only when the client took the last, so a slow one costs no memory. Ends with `complete` when the
 * operation is over, and without it when the server goes away, which clients take as "connect again".
 */
export async function streamEvents(
  services: Services,
  exchange: Exchange,
  params: Params,
  caller: Caller,
  goingAway: AbortSignal,
): Promise<void> {
  const { res, requestId } = exchange;
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const over: { end: () => void; refusal?: ExecutionResult } = { end() {} };
  const session = services.sessions.open(caller, (reason) => {
    over.refusal = { errors: [publicError(reason, { requestId, log: services.log })] };
    over.end();
  });

  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  const write = async (chunk: string) => {
    if (res.destroyed || res.write(chunk)) return;
    const slow = setTimeout(() => res.destroy(), slowMs);
    await once(res, 'drain', { signal: gone.signal }).catch(() => {});
    clearTimeout(slow);
  };
  // A first byte at once: some clients wait for it before they believe in the connection.
  await write(':\n\n');
  const keepAlive = setInterval(() => {
    if (!res.writableNeedDrain) res.write(':\n\n');
  }, keepAliveMs);

  try {
    const results = await run(services, exchange, params, session, gone.signal);
    over.end = () => void results.return();
    const signal = AbortSignal.any([gone.signal, goingAway]);
    signal.addEventListener('abort', over.end);
    if (signal.aborted || over.refusal) over.end();
    for await (const result of results) await write(`event: next\ndata: ${JSON.stringify(result)}\n\n`);
    if (signal.aborted) return;
    if (over.refusal) await write(`event: next\ndata: ${JSON.stringify(over.refusal)}\n\n`);
    await write('event: complete\ndata:\n\n');
  } finally {
    session.close();
    clearInterval(keepAlive);
    res.end();
  }
}

type Results = AsyncGenerator<ExecutionResult, void, void>;

async function run(
  services: Services,
  { requestId, req }: Exchange,
  params: Params,
  session: Session,
  gone: AbortSignal,
): Promise<Results> {
  const { caller } = session;
  const operation = prepareOperation(services, params, caller, requestId);
  if (Array.isArray(operation)) return single({ errors: operation });
  const { document, operationName, variables: variableValues, type } = operation;
  if (type === OperationTypeNode.SUBSCRIPTION) {
    const result = await subscribeOperation(services, operation, { session, requestId });
    return Symbol.asyncIterator in result ? result : single(result);
  }
  if (type === OperationTypeNode.MUTATION && req.method === 'GET') {
    return single({
      errors: [new GraphQLError('Mutations need a POST.', { extensions: { code: 'BAD_REQUEST' } })],
    });
  }
  const contextValue = graphqlContext(services, caller, requestId, gone);
  return single(
    await executeOperation(services, {
      schema: services.schema,
      document,
      operationName,
      variableValues,
      contextValue,
    }),
  );
}

async function* single(result: ExecutionResult): Results {
  yield result;
}
