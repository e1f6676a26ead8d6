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
