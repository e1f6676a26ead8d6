import { connect } from 'node:net';
import { WebSocket } from 'ws';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; null when it is none. */
  body: {
    data?: Record<string, unknown> | null;
    errors?: { message: string; path?: string[]; extensions: Record<string, unknown> }[];
  } | null;
}

/** Posts to /graphql: an object as JSON, a string as it is. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
  path = '/graphql',
): Promise<Answer> {
  return read(
    await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return read(await fetch(url, { headers, redirect: 'manual' }));
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {}
  return { status: response.status, headers: response.headers, text, body };
}

/** The code of the first error. */
export function codeOf(answer: Pick<Answer, 'body'>): unknown {
  return answer.body?.errors?.[0]?.extensions.code;
}

/** Writes bytes to the port, and reads until the server closes the connection or says nothing more. */
export function raw(url: string, bytes: string, quietMs = 500): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      said += chunk;
    });
    socket
      .once('close', () => resolve(said))
      .once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? resolve(said) : reject(error),
      );
  });
}

type Message = { type: string; id?: string; payload?: unknown };

/** A WebSocket that speaks the protocol by hand, so that a test can break it. */
export interface RawSocket {
  socket: WebSocket;
  send(message: Message | string): void;
  /** The next message that the test has not yet seen. */
  next(): Promise<Message>;
  messages: Message[];
  closed: Promise<{ code: number; reason: string }>;
}

export async function openSocket(
  wsUrl: string,
  options: { headers?: Record<string, string>; params?: object; init?: boolean } = {},
): Promise<RawSocket> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { headers: options.headers });
  const messages: Message[] = [];
  const unread: Message[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    messages.push(message);
    unread.push(message);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
      wake();
    });
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => {});
  const opened: RawSocket = {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      for (;;) {
        const message = unread.shift();
        if (message) return message;
        if (socket.readyState >= socket.CLOSING) throw new Error('The socket is closed.');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
  if (options.init !== false) {
    opened.send({ type: 'connection_init', payload: options.params ?? {} });
    await Promise.race([opened.next(), closed]);
  }
  return opened;
}
