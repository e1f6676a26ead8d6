import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from './callers.ts';

/** One HTTP request and its answer, with what is learnt on the way for the log and the metrics. */
export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  path: string;
  requestId: string;
  /** The route as metrics know it; `other` for what does not exist. */
  route: string;
  caller?: Caller;
  operationName?: string | null | undefined;
}

/** Aborted when the client goes away before it is answered: nobody waits for what is under way then. */
export function goneSignal({ res }: Exchange): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  return gone.signal;
}
