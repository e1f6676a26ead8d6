import { type ExecutionArgs, GraphQLError, type Source } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { answer } from './answer.ts';
import type { Caller } from './callers.ts';
import { type Exchange, goneSignal } from './exchange.ts';
import { executeOperation } from './executeOperation.ts';
import { graphqlContext, type OperationContext } from './graphqlContext.ts';
import { schemaIsOpen } from './operation.ts';
import type { Params } from './params.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';

/** What we hand to yoga with a request; it becomes part of the context. */
interface Handed {
  params: Params | null;
  schemaOpen: boolean;
  operation: OperationContext | null;
}

interface Asked {
  params: Params;
  caller: Caller;
  /** It took too long already. */
  late?: boolean;
}

/** Answers one GraphQL request over HTTP; without parameters, the query page. */
export type AnswerGraphql = (exchange: Exchange, asked: Asked | null) => Promise<void>;

/**
 * GraphQL over HTTP by yoga: content negotiation, status codes, the query page. Reading the request,
 * origins, limits, parsing and masking are ours, the same for every transport: yoga's own let forms
 * through, answer hostile input with 500 and share a cache of errors.
 */
export function createGraphql(services: Services): AnswerGraphql {
  const { schema, log, documents, config } = services;
  const yoga = createYoga<Handed>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ operation }) => operation ?? {},
    graphiql: config.graphiql && {
      title: 'Frontdesk',
      headers: '{\n  "Authorization": "Bearer "\n}',
      subscriptionsProtocol: 'WS',
    },
    // From the package rather than from a host on the internet; loaded when somebody opens the page.
    renderGraphiQL: async (options) =>
      (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    landingPage: false,
    healthCheckEndpoint: '/-',
    cors: false,
    multipart: false,
    batching: false,
    parserAndValidationCache: false,
    maxRequestBodySize: false,
    logging: {
      debug() {},
      info() {},
      warn: (...args) => log.warn({ args }, 'yoga'),
      error: (...args) => log.error({ args }, 'yoga'),
    },
    maskedErrors: { maskError },
    plugins: [ownParams, ownEngine()],
  });

  // Taken out once: yoga is a proxy that binds its methods anew each time they are asked for.
  const handle = yoga.handleNodeRequestAndResponse;

  function ownEngine(): Plugin<Handed> {
    return {
      onParse({ setParseFn }) {
        setParseFn((source: string | Source) =>
          documents.parse(typeof source === 'string' ? source : source.body),
        );
      },
      onValidate({ params, context, setResult }) {
        setResult(documents.validate(params.documentAST, (context as unknown as Handed).schemaOpen));
      },
      onExecute({ setExecuteFn }) {
        setExecuteFn(async (args: ExecutionArgs) => overHttp(await executeOperation(services, args)));
      },
      onSubscribe({ setSubscribeFn }) {
        setSubscribeFn(() => ({
          errors: [
            new GraphQLError(subscribeElsewhere, {
              extensions: { code: 'BAD_REQUEST', http: { status: 406 } },
            }),
          ],
        }));
      },
    };
  }

  /** What we made is left as it is; the rest is a bug in this very file. */
  function maskError(error: unknown): GraphQLError {
    return error instanceof GraphQLError && !error.originalError
      ? error
      : publicError(error, { requestId: '', log });
  }

  /** The context of the operation; with a place for its plans, if an administrator asks to see them where the query page is on. */
  function operationOf(exchange: Exchange, { params, caller, late }: Asked): OperationContext {
    const context = { ...graphqlContext(services, caller, exchange.requestId, goneSignal(exchange)), late };
    const { viewer } = caller;
    const mayLook = config.graphiql && 'role' in viewer && viewer.role === 'ADMIN';
    return mayLook && params.extensions?.plan === true ? { ...context, plans: [] } : context;
  }

  return async (exchange, asked) => {
    const { req, res } = exchange;
    const handed: Handed = {
      params: asked?.params ?? null,
      schemaOpen: asked !== null && schemaIsOpen(services, asked.caller),
      operation: asked && operationOf(exchange, asked),
    };
    const response = await handle(req, res, handed);
    const headers: Record<string, string> = {};
    response.headers.forEach((value, name) => {
      if (!/^(content-type|content-length|connection)$/i.test(name)) headers[name] = value;
    });
    answer(
      exchange,
      response.status,
      response.headers.get('content-type') ?? 'text/plain',
      await response.text(),
      headers,
    );
  };
}

const subscribeElsewhere = 'Subscribe over WebSocket, or over POST with `Accept: text/event-stream`.';

const ownParams: Plugin<Handed> = {
  onRequestParse({ setRequestParser, serverContext }) {
    const { params } = serverContext as unknown as Handed;
    if (params) setRequestParser(() => params as never);
  },
};

/** A request that was never executed is a client error, which clients that accept the newer type are told by the status. */
function overHttp(result: Awaited<ReturnType<typeof executeOperation>>) {
  // Not to look at data that is a text yet and would be parsed for it.
  if (result.errors && result.data === undefined)
    for (const error of result.errors) error.extensions.http = { status: 400, spec: true };
  return result;
}
