import { type ExecutionResult, GraphQLError, OperationTypeNode } from 'graphql';
import type { Caller } from './callers.ts';
import type { Exchange } from './exchange.ts';
import { executeOperation } from './executeOperation.ts';
import { graphqlContext } from './graphqlContext.ts';
import { drained } from './live/drained.ts';
import { type Payload, serverSentOf } from './live/payload.ts';
import { newSeat, type Seat } from './live/seat.ts';
import { prepareOperation } from './operation.ts';
import type { Params } from './params.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import { subscribeOperation } from './subscribeOperation.ts';

const keepAliveMs = 12_000;
/** A client that takes nothing for so long is cut off; its cursor lets it resume. */
const slowMs = 15_000;
/** Bytes that may wait for the client before results other than live ones are held back. */
const maxWaiting = 65_536;

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
  const { req, res, requestId } = exchange;
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
  const evict = () => {
    services.metrics.live.evictions.inc();
    res.destroy();
  };
  const taken = async () => {
    const took = await drained(res, maxWaiting, slowMs);
    if (!took && !res.destroyed) evict();
    return took;
  };
  const write = async (chunk: string) => {
    if (res.destroyed) return;
    res.write(chunk);
    await taken();
  };
  let settle: (result?: ExecutionResult) => void = () => {};
  const ended = new Promise<ExecutionResult | undefined>((resolve) => {
    settle = resolve;
  });
  const seat = newSeat(session, {
    write(_seat, payloads) {
      if (res.destroyed || goingAway.aborted || over.refusal) return false;
      if (res.writableLength > services.config.live.queueBytes) {
        evict();
        return false;
      }
      res.write(
        payloads.length === 1
          ? serverSentOf(payloads[0] as Payload)
          : Buffer.concat(payloads.map(serverSentOf)),
      );
      return true;
    },
    taken,
    ended: (_seat, result) => settle(result),
  });
  const lastEventId = req.headers['last-event-id'];
  const resumeAfter = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : null;
  // A first byte at once: some clients wait for it before they believe in the connection.
  await write(':\n\n');
  const keepAlive = setInterval(() => {
    if (!res.writableNeedDrain) res.write(':\n\n');
  }, keepAliveMs);

  try {
    const results = await run(services, exchange, params, { seat, resumeAfter }, gone.signal);
    over.end = () => {
      if (results) return void results.return();
      services.live.leave(seat);
      settle();
    };
    const signal = AbortSignal.any([gone.signal, goingAway]);
    signal.addEventListener('abort', over.end);
    if (signal.aborted || over.refusal) over.end();
    const writeNext = (result: ExecutionResult) => write(`event: next\ndata: ${JSON.stringify(result)}\n\n`);
    if (results) for await (const result of results) await writeNext(result);
    const why = results ? undefined : await ended;
    if (signal.aborted) return;
    for (const last of [why, over.refusal]) if (last) await writeNext(last);
    await write('event: complete\ndata:\n\n');
  } finally {
    session.close();
    clearInterval(keepAlive);
    res.end();
  }
}

type Results = AsyncGenerator<ExecutionResult, void, void>;

/** The results of the operation; null when it sits in live delivery, which writes by itself. */
async function run(
  services: Services,
  { requestId, req }: Exchange,
  params: Params,
  { seat, resumeAfter }: { seat: Seat; resumeAfter: string | null },
  gone: AbortSignal,
): Promise<Results | null> {
  const { session } = seat;
  const { caller } = session;
  const operation = prepareOperation(services, params, caller, requestId);
  if (Array.isArray(operation)) return single({ errors: operation });
  const { document, operationName, variables: variableValues, type } = operation;
  if (type === OperationTypeNode.SUBSCRIPTION) {
    const result = await subscribeOperation(services, operation, { session, requestId }, (asked) =>
      services.live.join(seat, asked, resumeAfter ?? asked.following.after, requestId),
    );
    return result === null || Symbol.asyncIterator in result ? result : single(result);
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
