import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createFailures, type Failing, type FailureKind } from './failures.ts';
import { createRate, type Rate } from './rate.ts';

export interface PeerRequest {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface PeerAnswer {
  status: number;
  /** A string goes as it is, anything else as JSON; undefined is an empty body. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface PeerCall {
  method: string;
  /** Without the query. */
  path: string;
  query: string;
  /** When its head arrived, in milliseconds of the epoch with a fraction. */
  time: number;
  body: string;
  /** Null until it is answered, and for good when it never was. */
  status: number | null;
  failure?: FailureKind;
}

export interface PeerOptions {
  /** Any free one unless told. */
  port?: number;
  /** No limit unless told. */
  rate?: Rate;
  answer(request: PeerRequest): PeerAnswer;
  /** How this system says that it is too much, that it is down, and that it refuses. */
  tooMany?(waitMs: number): PeerAnswer;
  unavailable?: PeerAnswer;
  refused?: PeerAnswer;
  /** Added to each answer that counts against the rate. */
  rateHeaders?(rate: Rate, now: number): Record<string, string>;
  /** Not part of the system's API: neither counted, nor limited, nor failed. */
  aside?(request: PeerRequest): boolean;
}

export interface HttpPeer {
  url: string;
  calls(): PeerCall[];
  forgetCalls(): void;
  /** How many calls in the time that the system counts by. */
  setRate(calls: number): void;
  failWith(failing: Failing): void;
  /** Gone at once, as after kill -9: whoever waits for an answer loses it. */
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

/** A real HTTP server that answers as an outside system does, and can be made to limit, fail, hang, cut and die. */
export async function httpPeer(options: PeerOptions): Promise<HttpPeer> {
  const {
    tooMany = () => ({ status: 429 }),
    unavailable = { status: 503 },
    refused = { status: 403 },
  } = options;
  const rate = options.rate ?? createRate(Number.POSITIVE_INFINITY);
  const failures = createFailures();
  let calls: PeerCall[] = [];
  let port = options.port ?? 0;
  let server = createServer(receive);

  async function receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const time = performance.timeOrigin + performance.now();
    const method = incoming.method ?? 'GET';
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? `127.0.0.1:${port}`}`);
    const call: PeerCall = { method, path: url.pathname, query: url.search, time, body: '', status: null };
    const head = { method, url, headers: incoming.headers, body: '' };
    if (options.aside?.(head)) {
      const body = await text(incoming).catch(() => undefined);
      if (body !== undefined) send(response, answerSafely({ ...head, body }));
      return;
    }
    calls.push(call);
    const body = await text(incoming).catch(() => undefined);
    if (body === undefined) return; // the caller went away half-way
    call.body = body;

    const failure = failures.next();
    if (failure) call.failure = failure.kind;
    const waitMs = failure?.kind === 429 ? 1000 : rate.take(time);
    if (waitMs > 0) return finish(call, response, tooMany(waitMs));
    if (failure?.kind === 503) return finish(call, response, unavailable);
    if (failure?.kind === 403) return finish(call, response, refused);
    if (failure && !failure.afterEffect) return lose(response, failure.kind);
    const answer = answerSafely({ ...head, body });
    if (failure) return lose(response, failure.kind);
    finish(call, response, {
      ...answer,
      headers: { ...options.rateHeaders?.(rate, time), ...answer.headers },
    });
  }

  function answerSafely(request: PeerRequest): PeerAnswer {
    try {
      return options.answer(request);
    } catch (error) {
      // A fault of the peer must not look like one of the system it stands for.
      console.error(`${request.method} ${request.url.pathname}`, error);
      return { status: 500, body: { peerFailed: String(error) } };
    }
  }

  async function start(): Promise<void> {
    await new Promise<void>((done, failed) => {
      server.once('error', failed).listen(port, '127.0.0.1', done);
    });
    port = (server.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
    server = createServer(receive);
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => [...calls],
    forgetCalls() {
      calls = [];
    },
    setRate(calls) {
      rate.calls = calls;
    },
    failWith: failures.failWith,
    stop,
    start,
  };
}

function finish(call: PeerCall, response: ServerResponse, answer: PeerAnswer): void {
  call.status = answer.status;
  send(response, answer);
}

function send(response: ServerResponse, { status, body, headers }: PeerAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
}

/** A time-out is the caller's to notice: nothing is said, and the connection stays. */
function lose(response: ServerResponse, kind: FailureKind): void {
  if (kind === 'cut') response.socket?.destroy();
}
