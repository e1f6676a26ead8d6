import { clientAddress } from './clientAddress.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** Counts and logs an exchange when its answer is out, or its client gone. The path is logged without its query. */
export function logExchange({ log, metrics, config }: Services, exchange: Exchange): void {
  const { req, res, path, requestId } = exchange;
  const start = performance.now();
  res.once('close', () => {
    const { route, caller, operationName } = exchange;
    const ms = performance.now() - start;
    const status = res.headersSent ? res.statusCode : 499;
    metrics.httpRequests.inc({ route, status });
    if (route !== '/graphql/stream') metrics.httpSeconds.observe({ route }, ms / 1_000);
    const level = status >= 500 ? 'info' : 'debug';
    if (!log.isLevelEnabled(level)) return;
    const viewer = caller && {
      kind: caller.viewer.kind,
      id: 'id' in caller.viewer ? caller.viewer.id : undefined,
    };
    const address = clientAddress(req, config.trustProxy);
    log[level](
      {
        requestId,
        method: req.method,
        path: path.slice(0, 200),
        status,
        ms: Math.round(ms * 10) / 10,
        address,
        viewer,
        operationName,
      },
      'request',
    );
  });
}
