import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExecutionResult, type GraphQLError, OperationTypeNode } from 'graphql';
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  handleProtocols,
  type Message,
  MessageType,
  parseMessage,
  type SubscribeMessage,
} from 'graphql-ws';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { Refused } from '../core/errors.ts';
import type { Caller } from './callers.ts';
import { credentialOf, credentialOfParams } from './credential.ts';
import { executeOperation } from './executeOperation.ts';
import { graphqlContext } from './graphqlContext.ts';
import { limitExceeded, limits, subscriptionsExceeded } from './limits.ts';
import { drained } from './live/drained.ts';
import { createOutbox, type Outgoing } from './live/outbox.ts';
import { newSeat, type Seat, type Transport } from './live/seat.ts';
import { type Operation, prepareOperation } from './operation.ts';
import { maxBody } from './params.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions.ts';
import { subscribeOperation } from './subscribeOperation.ts';

/** One ping in this time; a client that has not answered by the next is gone. */
const keepAliveMs = 12_000;
/** A client that takes nothing for so long is cut off; its cursor lets it resume. */
const slowMs = 15_000;
/** How long a client that was cut off may still read what it had, and the close code behind it. */
const farewellMs = 5_000;
/** Bytes that may wait for the client before results other than live ones, or ones to catch up on, are held back. */
const maxWaiting = 65_536;
/** How often all sockets are looked at. One timer for all: thousands of sockets are idle most of the time. */
const sweepMs = 1_000;

/** Close codes of ours beside the protocol's. */
export const closeCodes = {
  idle: 1000,
  goingAway: 1001,
  tryAgain: 1013,
  expired: 4401,
  withdrawn: 4403,
  slow: 4413,
} as const;

interface Connection extends Outgoing {
  socket: WebSocket;
  /** What `socket` speaks over. */
  readonly stream: Duplex;
  requestId: string;
  /** Until it is known who it is. */
  headers: IncomingMessage['headers'] | null;
  /** Has said connection_init. */
  initialised: boolean;
  session: Session | null;
  /** Operations under way, by the client's ids. */
  operations: Map<string, Underway>;
  /** Operations so far. */
  asked: number;
  /** Subscriptions under way. */
  subscriptions: number;
  /** Queries and mutations under way: they are answered before the server goes away. */
  answering: number;
  /** Takes nothing more. */
  closing: boolean;
  /** Answered the last ping. */
  alive: boolean;
  pingedAt: number;
  /** When something ran last. */
  busyAt: number;
  /** Ends the statements of a socket that is gone; made for its first query. */
  gone: AbortController | null;
}

/** An operation under way; a `SocketSeat` is one that waits for events of the log. */
interface Underway {
  stop?(): void;
}

interface SocketSeat extends Seat, Underway {
  connection: Connection;
  /** The client's id of the operation as JSON, and its length in bytes. */
  id: string;
  idLength: number;
}

export interface WebSockets {
  accept(req: IncomingMessage, socket: Duplex, head: Buffer, requestId: string): void;
  /** Takes no more operations, answers those under way, and closes each socket with 1001. */
  drain(): Promise<void>;
  terminate(): void;
}

/**
 * GraphQL over WebSocket, as `graphql-transport-ws` writes it. What is said is read by graphql-ws; the server is our own,
 * since a socket that waits should hold next to nothing: no pending promise, no timer, no listener of its own.
 */
export function createWebSockets(services: Services): WebSockets {
  const { log, metrics, live } = services;
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: maxBody,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const connections = new Set<Connection>();
  const connectionOf = new WeakMap<WebSocket, Connection>();
  const outbox = createOutbox<Connection>((connection) => {
    if (!isOpen(connection)) return false;
    // Asked before, so that one large batch cuts nobody off who has taken all before it.
    if (connection.stream.writableLength <= services.config.live.queueBytes) return true;
    evict(connection);
    return false;
  });
  let sweeper: NodeJS.Timeout | null = null;

  const transport: Transport = {
    write(seat, payloads) {
      const { connection, id, idLength } = seat as SocketSeat;
      if (connection.closing) return false;
      outbox.put(connection, { id, idLength, payloads });
      return true;
    },
    taken: (seat) => taken((seat as SocketSeat).connection),
    ended(seat, result) {
      const { connection, id } = seat as SocketSeat;
      void finish(connection, JSON.parse(id), seat as SocketSeat, result);
    },
  };

  async function handle(connection: Connection, text: string): Promise<void> {
    let message: Message;
    try {
      message = parseMessage(text);
    } catch {
      return close(connection, CloseCode.BadRequest, 'Invalid message received');
    }
    if (message.type === MessageType.ConnectionInit) return initialise(connection, message.payload);
    if (message.type === MessageType.Subscribe) return begin(connection, message);
    if (message.type === MessageType.Ping)
      return say(connection, {
        type: MessageType.Pong,
        ...(message.payload && { payload: message.payload }),
      });
    if (message.type === MessageType.Pong) return;
    if (message.type !== MessageType.Complete)
      return close(connection, CloseCode.BadRequest, `Unexpected message of type ${message.type}`);
    const underway = connection.operations.get(message.id);
    if (underway) stop(connection, message.id, underway);
  }

  async function initialise(
    connection: Connection,
    params: Record<string, unknown> | undefined,
  ): Promise<void> {
    if (connection.initialised)
      return close(connection, CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests');
    connection.initialised = true;
    const caller = await identify(connection, params);
    if (!caller || !isOpen(connection)) return;
    try {
      connection.session = services.sessions.open(caller, (reason) => close(connection, ...codeOf(reason)));
    } catch {
      return close(connection, closeCodes.tryAgain, 'Too many sockets of this credential');
    }
    connection.headers = null;
    await say(connection, { type: MessageType.ConnectionAck });
  }

  async function begin(connection: Connection, { id, payload }: SubscribeMessage): Promise<void> {
    const { session, operations } = connection;
    if (!session) return close(connection, CloseCode.Unauthorized, 'Unauthorized');
    if (operations.has(id))
      return close(connection, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
    const requestId = `${connection.requestId}-${++connection.asked}`;
    if (operations.size - connection.subscriptions >= limits.operations)
      return refuse(connection, id, [
        limitExceeded('operations', 'This socket has too many operations under way'),
      ]);
    const operation = prepareOperation(services, payload, session.caller, requestId);
    if (Array.isArray(operation)) return refuse(connection, id, operation);
    if (operation.type === OperationTypeNode.SUBSCRIPTION)
      return beginSubscription(connection, session, id, operation, requestId);

    const underway: Underway = {};
    operations.set(id, underway);
    connection.answering++;
    connection.gone ??= new AbortController();
    try {
      const { document, operationName, variables: variableValues } = operation;
      const contextValue = graphqlContext(services, session.caller, requestId, connection.gone.signal);
      const result = await executeOperation(services, {
        schema: services.schema,
        document,
        operationName,
        variableValues,
        contextValue,
      });
      await finish(connection, id, underway, result);
    } finally {
      connection.answering--;
    }
  }

  async function beginSubscription(
    connection: Connection,
    session: Session,
    id: string,
    operation: Operation,
    requestId: string,
  ): Promise<void> {
    const { subscriptionsPerSocket } = services.config.live;
    if (connection.subscriptions >= subscriptionsPerSocket)
      return refuse(connection, id, [subscriptionsExceeded(subscriptionsPerSocket)]);
    connection.subscriptions++;
    const name = JSON.stringify(id);
    const seat: SocketSeat = Object.assign(newSeat(session, transport), {
      connection,
      id: name,
      idLength: Buffer.byteLength(name),
    });
    connection.operations.set(id, seat);
    const results = await subscribeOperation(services, operation, { session, requestId }, (asked) =>
      live.join(seat, asked, asked.following.after, requestId),
    );
    if (results === null) return;
    if (!(Symbol.asyncIterator in results)) return finish(connection, id, seat, results);
    seat.stop = () => void results.return();
    if (connection.operations.get(id) !== seat) return seat.stop();
    for await (const result of results)
      if (connection.operations.get(id) === seat) await say(connection, next(id, result));
    await finish(connection, id, seat);
  }

  /** The client wants no more of it, or is gone. */
  function stop(connection: Connection, id: string, underway: Underway): void {
    forget(connection, id, underway);
    if ('transport' in underway) live.leave(underway as SocketSeat);
    underway.stop?.();
  }

  function forget(connection: Connection, id: string, underway: Underway): void {
    if (connection.operations.get(id) !== underway) return;
    connection.operations.delete(id);
    if ('transport' in underway) connection.subscriptions--;
    connection.busyAt = performance.now();
  }

  /** Says the last result, if the client still wants it, and that it was the last. */
  async function finish(
    connection: Connection,
    id: string,
    underway: Underway,
    result?: ExecutionResult,
  ): Promise<void> {
    if (connection.operations.get(id) !== underway) return;
    forget(connection, id, underway);
    if (result) await say(connection, next(id, result));
    await say(connection, { id, type: MessageType.Complete });
  }

  function refuse(connection: Connection, id: string, errors: readonly GraphQLError[]): Promise<void> {
    return say(connection, { id, type: MessageType.Error, payload: errors });
  }

  /** Null when the socket is not let in; its close code says why. */
  async function identify(
    connection: Connection,
    params: Record<string, unknown> | undefined,
  ): Promise<Caller | null> {
    try {
      return await services.authenticator.authenticate(
        credentialOfParams(params) ?? credentialOf(connection.headers ?? {}),
      );
    } catch (error) {
      const refusal = error instanceof Refused ? error : new Refused('UNAVAILABLE', 'Try again.');
      if (refusal !== error) publicError(error, { requestId: connection.requestId, log });
      close(connection, ...codeOf(refusal));
      return null;
    }
  }

  function close(connection: Connection, code: number, reason: string): void {
    outbox.flush(connection);
    connection.closing = true;
    connection.socket.close(code, reason);
  }

  function evict(connection: Connection): void {
    if (connection.closing) return;
    metrics.live.evictions.inc();
    close(connection, closeCodes.slow, 'Consumer too slow');
    setTimeout(() => connection.socket.terminate(), farewellMs).unref();
  }

  /** Once the client took most of what it was sent; one that takes too long is cut off. */
  async function taken(connection: Connection): Promise<boolean> {
    outbox.flush(connection);
    if (connection.closing) return false;
    const took = await drained(connection.stream, maxWaiting, slowMs);
    if (!took) evict(connection);
    return took && !connection.closing;
  }

  /** Resolves when the client took it, which is what holds back the next result. */
  async function say(connection: Connection, message: object): Promise<void> {
    if (connection.socket.readyState !== connection.socket.OPEN) return;
    outbox.flush(connection);
    connection.socket.send(JSON.stringify(message));
    if (connection.stream.writableLength >= maxWaiting) await taken(connection);
  }

  function sweep(): void {
    const { idleMs, initMs } = services.config.live;
    const now = performance.now();
    for (const connection of connections) {
      const { socket, closing, operations, initialised } = connection;
      if (operations.size > 0) connection.busyAt = now;
      if (!closing && !initialised && now - connection.busyAt > initMs)
        close(connection, CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
      if (!closing && now - connection.busyAt > idleMs) close(connection, closeCodes.idle, 'Idle');
      if (now - connection.pingedAt < keepAliveMs) continue;
      if (!connection.alive) socket.terminate();
      connection.alive = false;
      connection.pingedAt = now;
      if (socket.readyState === socket.OPEN) socket.ping();
    }
  }

  // Listeners of every socket, made once: which connection they are about is looked up.

  function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
    const connection = connectionOf.get(this) as Connection;
    // A socket that is closing takes nothing more: what it asked will be asked again elsewhere.
    if (connection.closing) return;
    handle(connection, isBinary ? '' : data.toString()).catch((error: unknown) => {
      log.error({ requestId: connection.requestId, error }, 'websocket: a message was not handled');
      close(connection, CloseCode.InternalServerError, 'Internal server error');
    });
  }

  function onPong(this: WebSocket): void {
    (connectionOf.get(this) as Connection).alive = true;
  }

  /** A message that is too large or malformed: ws has answered it with its close code. */
  function onError(this: WebSocket, error: Error): void {
    const { requestId } = connectionOf.get(this) as Connection;
    log.debug({ requestId, error }, 'websocket: the client broke the protocol');
  }

  function onClose(this: WebSocket, code: number): void {
    const connection = connectionOf.get(this) as Connection;
    connection.closing = true;
    connections.delete(connection);
    if (connections.size === 0 && sweeper) {
      clearInterval(sweeper);
      sweeper = null;
    }
    metrics.live.sockets.dec();
    connection.gone?.abort();
    connection.session?.close();
    for (const [id, underway] of connection.operations) stop(connection, id, underway);
    log.debug({ requestId: connection.requestId, code, operations: connection.asked }, 'websocket closed');
  }

  function opened(socket: WebSocket, stream: Duplex, { headers }: IncomingMessage, requestId: string): void {
    const now = performance.now();
    const connection: Connection = {
      socket,
      stream,
      waiting: null,
      requestId,
      headers,
      initialised: false,
      session: null,
      operations: new Map(),
      asked: 0,
      subscriptions: 0,
      answering: 0,
      closing: false,
      alive: true,
      pingedAt: now,
      busyAt: now,
      gone: null,
    };
    connections.add(connection);
    connectionOf.set(socket, connection);
    metrics.live.sockets.inc();
    sweeper ??= setInterval(sweep, sweepMs).unref();
    socket.on('message', onMessage).on('pong', onPong).on('error', onError).once('close', onClose);
    if (socket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL)
      close(connection, CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable');
  }

  return {
    accept: (req, socket, head, requestId) =>
      wss.handleUpgrade(req, socket, head, (ws) => opened(ws, socket, req, requestId)),
    async drain() {
      for (const connection of connections) connection.closing = true;
      for (; connections.size > 0; await sleep(20)) {
        for (const connection of connections)
          if (connection.answering === 0) close(connection, closeCodes.goingAway, 'Going away');
      }
    },
    terminate() {
      for (const { socket } of connections) socket.terminate();
    },
  };
}

function isOpen({ closing, socket }: Connection): boolean {
  return !closing && socket.readyState === socket.OPEN;
}

function codeOf(refusal: Refused): [number, string] {
  if (refusal.code === 'UNAVAILABLE') return [closeCodes.tryAgain, 'Try again'];
  return refusal.details.reason === 'EXPIRED'
    ? [closeCodes.expired, 'Token expired']
    : [closeCodes.withdrawn, 'Forbidden'];
}

/** A result as a message; one that has no errors does not name them. */
function next(id: string, { errors, ...rest }: ExecutionResult): object {
  return { id, type: MessageType.Next, payload: errors ? { ...rest, errors } : rest };
}
