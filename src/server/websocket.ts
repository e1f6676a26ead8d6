import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { Refused } from '../core/errors.ts';
import { nobody } from './authenticate.ts';
import type { Caller } from './callers.ts';
import { credentialOf, credentialOfParams } from './credential.ts';
import { executeOperation } from './executeOperation.ts';
import { graphqlContext, type OperationContext } from './graphqlContext.ts';
import { limitExceeded, limits } from './limits.ts';
import { type Operation, prepareOperation } from './operation.ts';
import { maxBody } from './params.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions.ts';
import { subscribeOperation } from './subscribeOperation.ts';

const initTimeoutMs = 3_000;
const keepAliveMs = 12_000;
/** A client that takes nothing for so long is cut off; its cursor lets it resume. */
const slowMs = 15_000;
/** Bytes that may wait for the client before the next event is held back. */
const maxWaiting = 65_536;

/** Close codes of ours beside the protocol's. */
export const closeCodes = {
  goingAway: 1001,
  tryAgain: 1013,
  expired: 4401,
  withdrawn: 4403,
  slow: 4413,
} as const;

interface Connection {
  socket: WebSocket;
  requestId: string;
  headers: IncomingMessage['headers'];
  session: Session;
  /** Operations so far. */
  operations: number;
  /** Operations under way. */
  running: number;
  /** Queries and mutations among them: they are answered before the server goes away. */
  answering: number;
  /** Takes nothing more. */
  closing: boolean;
  /** Ends the statements of a socket that is gone. */
  gone: AbortController;
}

export interface WebSockets {
  accept(req: IncomingMessage, socket: Duplex, head: Buffer, requestId: string): void;
  /** Takes no more operations, answers those under way, and closes each socket with 1001. */
  drain(): Promise<void>;
  terminate(): void;
}

/** GraphQL over WebSocket, as `graphql-transport-ws` writes it. */
export function createWebSockets(services: Services): WebSockets {
  const { log, metrics } = services;
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: maxBody,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const connections = new Set<Connection>();
  const prepared = new WeakMap<object, Operation>();

  const server = makeServer<Record<string, unknown>, { connection: Connection }>({
    connectionInitWaitTimeout: initTimeoutMs,
    async onConnect({ connectionParams, extra: { connection } }) {
      const caller = await identify(connection, connectionParams);
      if (!caller) return false;
      connection.session = services.sessions.open(caller, (reason) => close(connection, ...codeOf(reason)));
      if (connection.socket.readyState !== connection.socket.OPEN) connection.session.close();
      return true;
    },
    onSubscribe({ extra: { connection } }, _id, payload) {
      const requestId = `${connection.requestId}-${++connection.operations}`;
      const { caller } = connection.session;
      if (connection.running > limits.operations)
        return [limitExceeded('operations', 'This socket has too many operations under way')];
      const operation = prepareOperation(services, payload, caller, requestId);
      if (Array.isArray(operation)) return operation;
      const contextValue = graphqlContext(services, caller, requestId, connection.gone.signal);
      prepared.set(contextValue, operation);
      const { document, operationName, variables: variableValues } = operation;
      return { schema: services.schema, document, operationName, variableValues, contextValue, connection };
    },
    async execute(args) {
      const { connection } = args as unknown as { connection: Connection };
      connection.answering++;
      // Not before the answer is on its way.
      return executeOperation(services, args).finally(() => setImmediate(() => connection.answering--));
    },
    subscribe(args) {
      const { contextValue, connection } = args as unknown as {
        contextValue: OperationContext;
        connection: Connection;
      };
      const operation = prepared.get(contextValue) as Operation;
      return subscribeOperation(services, operation, {
        session: connection.session,
        requestId: contextValue.requestId,
      });
    },
  });

  /** Null when the socket is not let in; its close code says why. */
  async function identify(
    connection: Connection,
    params: Record<string, unknown> | undefined,
  ): Promise<Caller | null> {
    try {
      return await services.authenticator.authenticate(
        credentialOfParams(params) ?? credentialOf(connection.headers),
      );
    } catch (error) {
      const refusal = error instanceof Refused ? error : new Refused('UNAVAILABLE', 'Try again.');
      if (refusal !== error) publicError(error, { requestId: connection.requestId, log });
      close(connection, ...codeOf(refusal));
      return null;
    }
  }

  function codeOf(refusal: Refused): [number, string] {
    if (refusal.code === 'UNAVAILABLE') return [closeCodes.tryAgain, 'Try again'];
    return refusal.details.reason === 'EXPIRED'
      ? [closeCodes.expired, 'Token expired']
      : [closeCodes.withdrawn, 'Forbidden'];
  }

  function close(connection: Connection, code: number, reason: string): void {
    connection.closing = true;
    connection.socket.close(code, reason);
  }

  function opened(socket: WebSocket, req: IncomingMessage, requestId: string): void {
    const session = { caller: nobody, close() {} };
    const connection: Connection = {
      socket,
      requestId,
      headers: req.headers,
      session,
      operations: 0,
      running: 0,
      answering: 0,
      closing: false,
      gone: new AbortController(),
    };
    connections.add(connection);
    metrics.sockets.inc();

    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(connection, data),
        close: (code = closeCodes.goingAway, reason = '') => close(connection, code, reason),
        onMessage: (listener) =>
          socket.on('message', async (data, isBinary) => {
            // A socket that is closing takes nothing more: what it asked will be asked again elsewhere.
            if (connection.closing) return;
            connection.running++;
            try {
              await listener(isBinary ? '' : data.toString());
            } catch (error) {
              log.error({ requestId, error }, 'websocket: a message was not handled');
              close(connection, CloseCode.InternalServerError, 'Internal server error');
            } finally {
              connection.running--;
            }
          }),
      },
      { connection },
    );

    let alive = true;
    const keepAlive = setInterval(() => {
      if (!alive) return socket.terminate();
      alive = false;
      socket.ping();
    }, keepAliveMs);
    socket.on('pong', () => {
      alive = true;
    });
    // A message that is too large or malformed: ws has answered it with its close code.
    socket.on('error', (error) =>
      log.debug({ requestId, error }, 'websocket: the client broke the protocol'),
    );
    socket.once('close', (code, reason) => {
      clearInterval(keepAlive);
      connections.delete(connection);
      metrics.sockets.dec();
      connection.gone.abort();
      connection.session.close();
      log.debug({ requestId, code, operations: connection.operations }, 'websocket closed');
      Promise.resolve(closed(code, reason.toString())).catch((error: unknown) =>
        log.error({ requestId, error }, 'websocket: closing failed'),
      );
    });
  }

  return {
    accept: (req, socket, head, requestId) =>
      wss.handleUpgrade(req, socket, head, (ws) => opened(ws, req, requestId)),
    async drain() {
      for (const connection of connections) connection.closing = true;
      for (; connections.size > 0; await sleep(20)) {
        for (const { answering, socket } of connections)
          if (answering === 0) socket.close(closeCodes.goingAway, 'Going away');
      }
    },
    terminate() {
      for (const { socket } of connections) socket.terminate();
    },
  };
}

/** Resolves when the client took it, which is what holds back the next event. */
function send({ socket }: Connection, data: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  if (socket.bufferedAmount < maxWaiting) {
    socket.send(data);
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const slow = setTimeout(() => {
      socket.close(closeCodes.slow, 'Consumer too slow');
      setTimeout(() => socket.terminate(), 1_000).unref();
    }, slowMs);
    socket.send(data, () => {
      clearTimeout(slow);
      resolve();
    });
  });
}
