import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { answer, answerErrors, answerJson } from './answer.ts';
import { openDashboard } from './dashboard.ts';
import type { Exchange } from './exchange.ts';
import { createGraphqlRoute } from './graphqlRoute.ts';
import { createHealth } from './health.ts';
import { originAllowed } from './origins.ts';
import { ClientGone } from './readBody.ts';
import { logExchange } from './requestLog.ts';
import { createRestRoute } from './restRoute.ts';
import type { Services } from './services.ts';
import { createWebhookRoute } from './webhookRoute.ts';
import { createWebSockets } from './websocket.ts';

/** After SIGTERM, how long new requests are still taken: time for a load balancer to look at /health/ready. */
const graceMs = 300;
const drainMs = 7_000;

export interface Http {
  /** Opens the port and answers where. */
  listen(port: number, host: string): Promise<string>;
  /** Answers what is under way, ends streams so that their clients connect elsewhere, and closes the port. */
  drain(): Promise<void>;
}

type Route = (exchange: Exchange) => void | Promise<void>;

const dashboardFolder = join(import.meta.dirname, '../../dashboard/dist');

/** All routes of a process. A worker answers for its health alone. */
export function createHttp(services: Services): Http {
  const { config, log, metrics } = services;
  const goingAway = new AbortController();
  let draining = false;
  let underWay = 0;
  const health = createHealth(services, () => draining);
  const webSockets = createWebSockets(services);
  const graphql = createGraphqlRoute(services, goingAway.signal);
  const webhooks = config.role === 'worker' ? undefined : createWebhookRoute(services);
  const rest = config.role === 'worker' ? undefined : createRestRoute(services);
  const dashboard = config.role === 'worker' ? null : openDashboard(dashboardFolder);

  const routes: Record<string, Route> = {
    '/health/live': only('GET', (exchange) => answerJson(exchange, 200, { status: 'live' })),
    '/health/ready': only('GET', async (exchange) => {
      const state = await health();
      answerJson(exchange, state.status === 'ready' ? 200 : 503, state);
    }),
    '/metrics': only('GET', async (exchange) =>
      answer(exchange, 200, metrics.registry.contentType, await metrics.scrape()),
    ),
  };
  if (config.role !== 'worker') {
    if (!dashboard)
      routes['/'] = only('GET', (exchange) => answer(exchange, 200, 'text/html; charset=utf-8', frontPage));
    routes['/graphql'] = graphql;
    routes['/graphql/stream'] = graphql;
  }

  const server = createServer(
    { headersTimeout: 20_000, requestTimeout: 300_000, keepAliveTimeout: 65_000 },
    (req, res) => {
      const path = req.url?.split('?')[0] ?? '/';
      const ofDashboard = Object.hasOwn(routes, path) ? undefined : dashboard?.routeOf(path);
      const route = ofDashboard ? '/' : Object.hasOwn(routes, path) ? path : 'other';
      const exchange: Exchange = { req, res, path, route, requestId: requestIdOf(req) };
      logExchange(services, exchange);
      underWay++;
      res.once('close', () => underWay--);
      res.setHeader('x-request-id', exchange.requestId);
      res.setHeader('X-Content-Type-Options', 'nosniff');
      if (draining) res.setHeader('Connection', 'close');
      const known = routes[path] ?? (ofDashboard && only('GET', ofDashboard));
      const prefixed = path.startsWith('/rest/v1/')
        ? rest
        : path.startsWith('/webhooks/')
          ? webhooks
          : undefined;
      void respond(exchange, known ?? prefixed);
    },
  );

  async function respond(exchange: Exchange, route: Route | undefined): Promise<void> {
    try {
      if (!goodHost(exchange.req)) answerJson(exchange, 400, { error: 'The Host header names no host.' });
      else if (!route) answerJson(exchange, 404, { error: 'There is nothing here.' });
      else await route(exchange);
    } catch (error) {
      if (error instanceof ClientGone) return;
      const { requestId } = exchange;
      log.error({ requestId, path: exchange.path, error }, 'a bug');
      answerErrors(exchange, 500, [
        new GraphQLError('Something went wrong on our side.', {
          extensions: { code: 'INTERNAL', requestId },
        }),
      ]);
      exchange.res.end();
    }
  }

  server.on('upgrade', (req, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    if (!goodHost(req)) return refuseRaw(socket, '400 Bad Request');
    if (req.url?.split('?')[0] !== '/graphql' || config.role === 'worker')
      return refuseRaw(socket, '404 Not Found');
    if (draining) return refuseRaw(socket, '503 Service Unavailable');
    if (!originAllowed(req, config)) return refuseRaw(socket, '403 Forbidden');
    webSockets.accept(req, socket, head, requestIdOf(req));
  });

  // What is no HTTP at all never reaches a route.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request';
    if (error.code !== 'ECONNRESET') refuseRaw(socket, status);
    else socket.destroy();
  });

  return {
    listen: (port, host) => listen(server, port, host),
    async drain() {
      draining = true;
      await sleep(graceMs);
      // node:http would cut idle connections here, on which a request may be on its way already.
      NetServer.prototype.close.call(server);
      goingAway.abort();
      const deadline = AbortSignal.timeout(drainMs);
      const sockets = webSockets.drain();
      await Promise.race([Promise.all([sockets, idle(() => underWay, deadline)]), aborted(deadline)]);
      webSockets.terminate();
      server.closeAllConnections();
    },
  };
}

function only(method: string, route: Route): Route {
  return (exchange) => {
    if (exchange.req.method === method || (method === 'GET' && exchange.req.method === 'HEAD'))
      return route(exchange);
    answerJson(exchange, 405, { error: `Send a ${method}.` }, { Allow: method });
  };
}

/** The caller's own id when it is a sane one, so that traces join up; otherwise a new one. */
function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{8,100}$/.test(given) ? given : randomUUID();
}

function goodHost({ headers }: IncomingMessage): boolean {
  return (
    headers.host === undefined ||
    (/^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(headers.host) && URL.canParse(`http://${headers.host}`))
  );
}

function refuseRaw(socket: Duplex, status: string): void {
  if (!socket.writable) return void socket.destroy();
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`);
    });
  });
}

async function idle(count: () => number, deadline: AbortSignal): Promise<void> {
  while (count() > 0 && !deadline.aborted) await sleep(20);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

const frontPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Frontdesk</title>
<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }</style>
<h1>Frontdesk</h1>
<p>This is a GraphQL gateway for businesses that live on bookings. Its dashboard has not been built: <code>npm run build</code>, and start again.</p>
<ul>
<li><a href="/graphql">/graphql</a>: the API, over HTTP and WebSocket; in a browser the query page, where it is enabled</li>
<li>/rest/v1/imports: takes files in, see docs/import.md</li>
<li>/graphql/stream: the API as server-sent events</li>
<li><a href="/health/ready">/health/ready</a>, <a href="/health/live">/health/live</a>, <a href="/metrics">/metrics</a>: for those who run it</li>
</ul>
</html>
`;
