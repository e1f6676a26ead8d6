import { Failure, InvalidInput } from '../core/errors.ts';
import { systemContext } from '../jobs/systemContext.ts';
import { connectionOf, receiveWebhook } from '../rest/webhooks.ts';
import { answerJson } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { readBody } from './readBody.ts';
import type { Services } from './services.ts';

const path = /^\/webhooks\/([a-z0-9-]{1,60})\/([\w-]{20,100})$/;
const maxBytes = 1024 * 1024;

/** Messages of outside systems. The secret in the path names the connection; the path itself is never logged. */
export function createWebhookRoute(services: Services): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    const { req, requestId } = exchange;
    exchange.route = '/webhooks/:integration/:connectionKey';
    const [, integration = '', key = ''] = path.exec(exchange.path) ?? [];
    exchange.path = `/webhooks/${integration}/***`;
    const refuse = (status: number, error: string) => answerJson(exchange, status, { error });
    if (req.method !== 'POST') return answerJson(exchange, 405, { error: 'Send a POST.' }, { Allow: 'POST' });
    const found = key ? await connectionOf(services, integration, key) : null;
    if (!found) return refuse(404, 'There is nothing here.');
    const body = await readBody(req, maxBytes);
    if (body.outcome === 'tooLarge') return refuse(413, 'At most 1 MB.');
    if (body.outcome === 'tooSlow') return refuse(408, 'It took too long to send.');
    const { db, clock, log, outside, sequencer } = services;
    const ctx = {
      ...systemContext({ db, clock, log, outside, committed: sequencer.run }, found.workspace),
      origin: 'SYNC' as const,
      connectionId: found.row.id,
      requestId,
    };
    const header = (name: string) => {
      const value = req.headers[name];
      return typeof value === 'string' ? value : undefined;
    };
    try {
      const answer = await receiveWebhook(ctx, found.row, {
        header,
        body: body.bytes,
        receivedAt: clock.now(),
      });
      answerJson(exchange, answer.status, answer.body);
    } catch (error) {
      if (error instanceof InvalidInput)
        return answerJson(exchange, 400, { error: error.message, issues: error.issues });
      if (error instanceof Failure) return refuse(409, error.message);
      throw error;
    }
  };
}
