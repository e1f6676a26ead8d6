import { setTimeout as sleep } from 'node:timers/promises';
import {
  GraphQLBoolean,
  GraphQLID,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { InvalidInput, NotFound, Refused } from '../../src/core/errors.ts';
import { allow } from '../../src/core/permissions.ts';
import type { OperationContext } from '../../src/server/graphqlContext.ts';

/** What happened inside, for tests to look at. */
export const seen = { mutations: 0, streamsOpen: 0, streamsEnded: 0 };

const Who = new GraphQLObjectType<OperationContext['viewer'], OperationContext>({
  name: 'Who',
  fields: {
    kind: { type: GraphQLString },
    id: { type: GraphQLString, resolve: (viewer) => ('id' in viewer ? viewer.id : null) },
    rowScope: { type: GraphQLString },
    permissions: { type: new GraphQLList(GraphQLString), resolve: ({ permissions }) => [...permissions] },
    principals: { type: new GraphQLList(GraphQLString) },
    workspace: { type: GraphQLString, resolve: (_viewer, _args, ctx) => ctx.workspace.id },
  },
});

const Loop: GraphQLObjectType<unknown, OperationContext> = new GraphQLObjectType<unknown, OperationContext>({
  name: 'Loop',
  fields: () => ({ loop: { type: Loop, resolve: () => ({}) }, leaf: { type: GraphQLInt, resolve: () => 1 } }),
});

const Query = new GraphQLObjectType<unknown, OperationContext>({
  name: 'Query',
  fields: {
    hello: {
      type: new GraphQLNonNull(GraphQLString),
      args: { name: { type: GraphQLString } },
      resolve: (_, { name }) => `Hello, ${name ?? 'you'}`,
    },
    who: { type: Who, resolve: (_root, _args, ctx) => ctx.viewer },
    loop: { type: Loop, resolve: () => ({}) },
    customers: {
      type: GraphQLString,
      resolve: (_root, _args, ctx) => {
        allow(ctx, 'customers.read');
        return 'customers';
      },
    },
    invalid: {
      type: GraphQLString,
      resolve: () => {
        throw new InvalidInput([{ path: 'after', message: 'Must be a cursor.' }]);
      },
    },
    missing: {
      type: GraphQLString,
      resolve: () => {
        throw new NotFound('cus_1');
      },
    },
    limited: {
      type: GraphQLString,
      resolve: () => {
        throw new Refused('RATE_LIMITED', 'Too many.', { retryAfterSeconds: 7 });
      },
    },
    bug: {
      type: GraphQLString,
      resolve: () => {
        throw new TypeError('the password is hunter2');
      },
    },
    wrongType: { type: GraphQLInt, resolve: () => 'hunter2' },
    unreachable: {
      type: GraphQLString,
      resolve: (_root, _args, ctx) => ctx.db.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`,
    },
    slow: {
      type: GraphQLString,
      args: { ms: { type: GraphQLInt } },
      resolve: (_root, { ms }) => sleep(ms, 'done'),
    },
    nodes: {
      type: GraphQLInt,
      args: { ids: { type: new GraphQLList(GraphQLID) } },
      resolve: (_root, { ids }) => ids.length,
    },
  },
});

const BumpInput = new GraphQLInputObjectType({
  name: 'BumpInput',
  fields: { by: { type: new GraphQLNonNull(GraphQLInt) } },
});

const Mutation = new GraphQLObjectType<unknown, OperationContext>({
  name: 'Mutation',
  fields: {
    bump: {
      type: GraphQLInt,
      args: { input: { type: BumpInput } },
      resolve: (_root, { input }) => (seen.mutations += input?.by ?? 1),
    },
    slowBump: {
      type: GraphQLInt,
      args: { ms: { type: GraphQLInt } },
      resolve: (_root, { ms }) => sleep(ms).then(() => ++seen.mutations),
    },
  },
});

const Tick = new GraphQLObjectType<number, OperationContext>({
  name: 'Tick',
  fields: {
    n: { type: GraphQLInt, resolve: (n) => n },
    padding: { type: GraphQLString, resolve: () => 'x'.repeat(60_000) },
    who: { type: Who, resolve: (_n, _args, ctx) => ctx.viewer },
    bug: {
      type: GraphQLString,
      resolve: () => {
        throw new Error('the password is hunter2');
      },
    },
    customers: {
      type: GraphQLString,
      resolve: (_n, _args, ctx) => {
        allow(ctx, 'customers.read');
        return 'customers';
      },
    },
  },
});

/** Waits like the event log does: until its time comes or the signal aborts. */
async function* ticks(ctx: OperationContext, everyMs: number, count: number) {
  seen.streamsOpen++;
  try {
    for (let n = 1; n <= count && !ctx.signal?.aborted; n++) {
      if (everyMs > 0) await sleep(everyMs, null, { signal: ctx.signal }).catch(() => {});
      if (!ctx.signal?.aborted) yield n;
    }
  } finally {
    seen.streamsOpen--;
    seen.streamsEnded++;
  }
}

async function* stubborn() {
  yield 1;
  await new Promise(() => {});
}

async function* failing() {
  yield 1;
  throw new Refused('CURSOR_EXPIRED', 'The cursor is too old.', { oldestCursor: 'abc' });
}

const Subscription = new GraphQLObjectType<number, OperationContext>({
  name: 'Subscription',
  fields: {
    tick: {
      type: Tick,
      args: { everyMs: { type: GraphQLInt }, count: { type: GraphQLInt }, secret: { type: GraphQLBoolean } },
      subscribe: (_root, { everyMs = 10, count = 1_000_000, secret }, ctx) => {
        if (secret) allow(ctx, 'customers.read');
        return ticks(ctx, everyMs, count);
      },
      resolve: (n) => n,
    },
    stubborn: { type: Tick, subscribe: stubborn, resolve: (n) => n },
    failing: { type: Tick, subscribe: failing, resolve: (n) => n },
  },
});

/** A schema that does on demand what a server must cope with. */
export const testSchema = new GraphQLSchema({ query: Query, mutation: Mutation, subscription: Subscription });
