import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Context } from '../core/context.ts';
import { decodeId, encodeId, type IdType } from '../core/ids.ts';
import { type Permission, refusal } from '../core/permissions.ts';
import type { EventLog } from '../events/log.ts';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';

/** What resolvers are handed: the context of every verb, and the log for subscriptions. */
export interface GraphQLContext extends Context {
  eventLog: EventLog;
}

export interface Types {
  PrismaTypes: PrismaTypes;
  Context: GraphQLContext;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  AuthScopes: { permission: Permission };
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    Date: { Input: Date; Output: Date };
    Decimal: { Input: string; Output: string };
    CurrencyCode: { Input: string; Output: string };
    TimeZone: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
}

/** Nodes that one request may cost, by page sizes; said in the error when it is exceeded. */
export const maxCost = 50_000;

/**
 * Makes the schema; defines no types itself. Errors come first so that they wrap authorisation too.
 */
export const builder = new SchemaBuilder<Types>({
  plugins: [ErrorsPlugin, ScopeAuthPlugin, ComplexityPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: 'String',
    encodeGlobalID: (type, id) => encodeId(type as IdType, String(id)),
    decodeGlobalID: (id) => {
      const decoded = decodeId(id);
      return { typename: decoded?.type ?? '', id: decoded?.uuid ?? '' };
    },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'What `node` finds by its id.' },
    idFieldOptions: {
      description: 'Says what it names by its prefix; the same in GraphQL, REST and webhooks.',
    },
    nodesOnConnection: {
      description: 'The objects of this page, without their edges.',
      complexity: { field: 1, multiplier: 1 },
    },
    edgesFieldOptions: {
      nullable: false,
      description: 'The objects of this page, each with its cursor.',
      complexity: { field: 1, multiplier: 1 },
    },
    nodeFieldOptions: { nullable: false, description: 'The object at this place.' },
    cursorFieldOptions: { description: 'The place itself: hand it back as `after` or `before`.' },
    pageInfoFieldOptions: { description: 'Where this page lies in the list.' },
    pageInfoTypeOptions: { description: 'Where a page lies in its list.' },
    hasNextPageFieldOptions: { description: 'Whether there is more behind this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before this page.' },
    startCursorFieldOptions: {
      description: 'The cursor of the first object of this page; null when it is empty.',
    },
    endCursorFieldOptions: {
      description: 'The cursor of the last object of this page, for `after`; null when it is empty.',
    },
    firstArgOptions: { description: 'How many from the start: 50 when left out, 100 at most.' },
    lastArgOptions: { description: 'How many from the end, 100 at most.' },
    afterArgOptions: { description: 'Only what comes behind this cursor.' },
    beforeArgOptions: { description: 'Only what comes before this cursor.' },
  },
  prisma: {
    client: (ctx) => ctx.db,
    dmmf: getDatamodel(),
    maxConnectionSize: 100,
    defaultConnectionSize: 50,
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: (ctx) => ({ permission: (permission) => ctx.viewer.permissions.has(permission) }),
    unauthorizedError: (_parent, ctx, info) => {
      const scopes = info.parentType.getFields()[info.fieldName]?.extensions.permission;
      return refusal(ctx, scopes as Permission);
    },
  },
  errors: {
    defaultTypes: [],
    directResult: true,
    defaultUnionOptions: {
      name: ({ fieldName }) => `${fieldName[0]?.toUpperCase()}${fieldName.slice(1)}Result`,
    },
  },
  complexity: {
    defaultComplexity: 1,
    defaultListMultiplier: 10,
    limit: { complexity: maxCost },
  },
});

builder.queryType({});
builder.mutationType({});
builder.subscriptionType({});
