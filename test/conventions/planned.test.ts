import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  graphql,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { encodeId, type IdType, newId, prefixes } from '../../src/core/ids.ts';
import { visible } from '../../src/core/visible.ts';
import type { List, ReadDeclaration } from '../../src/schema/read.ts';
import { schema } from '../../src/schema/schema.ts';
import { shapeOf } from '../../src/server/reads/shapeOf.ts';
import { Unplanned } from '../../src/server/reads/unplanned.ts';
import { whereSql } from '../../src/server/reads/whereSql.ts';
import { createWorkspace, openTestDatabase } from '../support/context.ts';

/**
 * The rules that let the compiler (src/server/reads) turn every selection into one statement. It plans each field of the
 * schema here; this fails when one can no longer be planned.
 */

/** Fields that the compiler cannot plan, and why each may be so. Whoever adds one here gives up its speed for good. */
const opaque: Record<string, string> = {
  'LeadScoreRule.conditionSentence': 'Ids anywhere in the condition are looked up for their names.',
  'Query.daySummary': 'Sums over a day are one statement of their own.',
  'Query.leadScoreRulePreview': 'History is told to the engine again, which is not done in SQL.',
  'Query.settings': 'One row of the business, asked for by one page of the dashboard.',
  'Query.segmentExplanation': 'What the criteria ask for is read by a statement of their own.',
  'Query.segmentPreview': 'What the criteria ask for is read by a statement of their own.',
  'Segment.sentence': 'Ids anywhere in the criteria are looked up for their names.',
  'Segment.sizes': 'A history that pages of segments do not ask for.',
  'TagRule.sentence': 'Ids anywhere in the criteria are looked up for their names.',
  'IntegrationConnection.automations':
    'Stand in the settings; their counts are read at once for all connections of a page.',
  'IntegrationConnection.backlog': 'Two counts, made at once for all connections of a page.',
  'IntegrationConnection.stats':
    'Percentiles of what was sent, worked out at once for all connections of a page.',
  'IntegrationConnection.remoteAutomations': 'The outside system is asked.',
  'IntegrationConnection.remoteCampaigns': 'The outside system is asked.',
  'IntegrationConnection.remoteFields': 'The outside system is asked.',
  'IntegrationConnection.remoteLists': 'The outside system is asked.',
  'IntegrationConnection.remoteTags': 'The outside system is asked.',
};

/** Filters over columns without an index, and why that is no harm. */
const unindexed: Record<string, string> = {
  'Resource.active': 'A workspace has few resources.',
  'Service.active': 'A workspace has few services.',
  'StaffMember.active': 'A workspace has few staff members.',
};

interface Column {
  name: string;
  type: string;
  list: boolean;
  optional: boolean;
  /** Of a relation: the columns that hold the key, on the side that has them. */
  keys: string[];
}
interface Model {
  name: string;
  columns: Map<string, Column>;
  /** Column lists of every index, unique ones too. */
  indexes: string[][];
}

const repository = resolve(import.meta.dirname, '../..');
const models = readModels(readFileSync(join(repository, 'prisma/schema.prisma'), 'utf8'));

/** As much of Prisma's language as is needed here. */
function readModels(text: string): Map<string, Model> {
  const found = new Map<string, Model>();
  for (const [, name = '', body = ''] of text.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const model: Model = { name, columns: new Map(), indexes: [] };
    for (const line of body.split('\n').map((one) => one.replace(/\/\/.*$/, '').trim())) {
      const list = (of: string) => of.split(',').map((one) => one.trim().replace(/\(.*$/, ''));
      const [, index] = /^@@(?:index|unique|id)\(\[(.*?)\]/.exec(line) ?? [];
      if (index) model.indexes.push(list(index));
      const [, column = '', type = '', mark] = /^(\w+)\s+(\w+)(\[\]|\?)?(?:\s|$)/.exec(line) ?? [];
      if (!column) continue;
      const [, keys = ''] = /@relation\(fields: \[(.*?)\]/.exec(line) ?? [];
      model.columns.set(column, {
        name: column,
        type,
        list: mark === '[]',
        optional: mark === '?',
        keys: list(keys).filter(Boolean),
      });
      if (/@(id|unique)\b/.test(line)) model.indexes.push([column]);
    }
    found.set(name, model);
  }
  return found;
}

interface Extensions {
  read?: ReadDeclaration;
  permission?: string;
  pothosExposedField?: string;
  pothosPrismaSelect?: unknown;
  pothosPrismaTotalCount?: boolean;
  pothosOptions?: { authScopes?: unknown };
}
const extensionsOf = (of: { extensions: unknown }) => of.extensions as Extensions;
const modelOf = (type: unknown) =>
  isObjectType(type)
    ? models.get((type.extensions as { pothosPrismaModel?: string }).pothosPrismaModel ?? '')
    : undefined;
const selectOf = (of: { extensions: unknown }) =>
  extensionsOf(of).pothosPrismaSelect as Record<string, unknown> | undefined;

/** Object types that a query can reach, through unions and interfaces too. */
const reachable = (() => {
  const found = new Set<GraphQLObjectType>();
  const visit = (type: unknown): void => {
    if (isUnionType(type) || isInterfaceType(type))
      for (const one of schema.getPossibleTypes(type)) visit(one);
    if (!isObjectType(type) || found.has(type)) return;
    found.add(type);
    for (const field of Object.values(type.getFields())) visit(getNamedType(field.type));
  };
  visit(schema.getQueryType());
  return [...found];
})();
const fields = reachable.flatMap((type) =>
  Object.values(type.getFields()).map((field) => ({ type, field, name: `${type.name}.${field.name}` })),
);

/** The id of what a field leads to, or else its first column. */
function firstFieldOf(field: GraphQLField): string {
  const type = getNamedType(field.type);
  const names = isObjectType(type) ? Object.keys(type.getFields()) : [];
  return names.includes('id') ? 'id' : (names[0] ?? 'id');
}

/** How the compiler plans the field; null when it cannot. */
function plan(type: GraphQLObjectType, field: GraphQLField): string | null {
  const { pothosPrismaTotalCount: isCount } = extensionsOf(field);
  const [, of, machinery] = /^(\w+)(Connection|Edge)$/.exec(type.name) ?? [];
  if (of && modelOf(schema.getType(of))) {
    const made = machinery === 'Edge' ? ['node', 'cursor'] : ['edges', 'nodes', 'pageInfo'];
    return made.includes(field.name) || (field.name === 'totalCount' && isCount) ? 'connection' : null;
  }
  try {
    return shapeOf(schema, type, field).kind;
  } catch (error) {
    if (error instanceof Unplanned) return null;
    throw error;
  }
}

describe('The compiler of reads', () => {
  test('plans every field but the few that are known to be opaque.', ({ annotate }) => {
    const found = fields.filter(({ type, field }) => plan(type, field) === null).map(({ name }) => name);
    const entries = Object.keys(opaque);
    const covers = (entry: string, name: string) =>
      entry === name || (entry.endsWith('.*') && name.startsWith(entry.slice(0, -1)));
    const grown = found.filter((name) => !entries.some((entry) => covers(entry, name)));
    const stale = entries.filter((entry) => !found.some((name) => covers(entry, name)));

    const planned = fields.length - found.length;
    const text = `${planned} of ${fields.length} fields can be planned. Opaque are:\n${found.map((name) => `  ${name}`).join('\n')}`;
    console.info(text);
    void annotate(text);
    expect({ grown, stale }).toEqual({ grown: [], stale: [] });
    expect(planned).toBeGreaterThan(150);
  });

  test('finds at every type which columns to read when nothing else is asked.', () => {
    const wide = reachable.filter((type) => modelOf(type) && !selectOf(type)).map(({ name }) => name);
    expect(wide).toEqual([]);
  });

  test('never meets a null where the schema promises a value.', () => {
    const promised = fields.flatMap(({ type, field, name }) => {
      const { read, pothosExposedField: exposed } = extensionsOf(field);
      const column = modelOf(type)?.columns.get(
        exposed ?? (read?.shape === 'relation' ? (read.relation ?? '') : ''),
      );
      return column?.optional && isNonNullType(field.type) ? [name] : [];
    });
    expect(promised).toEqual([]);
  });

  test.each<[string, Partial<GraphQLField> & { on?: string }]>([
    ['whose resolver nobody declared', { extensions: {} }],
    [
      'that is computed from a column which is not there',
      {
        extensions: {
          read: { shape: 'computed', columns: ['shoeSize'] },
          pothosPrismaSelect: { shoeSize: true },
        },
      },
    ],
    [
      'that is computed from fewer columns than it reads',
      {
        extensions: {
          read: { shape: 'computed', columns: ['email'] },
          pothosPrismaSelect: { email: true, phone: true },
        },
      },
    ],
    [
      'that is a relation to another model than it says',
      { extensions: { read: { shape: 'relation', model: 'Team', relation: 'owner' } } },
    ],
    [
      'that exposes something beside its columns',
      { extensions: { pothosExposedField: 'initials', pothosPrismaSelect: { initials: true } } },
    ],
    ['of a connection that no helper made', { on: 'CustomerConnection', name: 'average', extensions: {} }],
    ['that counts by itself', { on: 'CustomerConnection', name: 'totalCount', extensions: {} }],
  ])('could not plan a field %s.', (_, { on = 'Customer', ...planted }) => {
    const type = schema.getType(on) as GraphQLObjectType;
    const field = { ...(type.getFields().email ?? type.getFields().totalCount), ...planted } as GraphQLField;
    expect(plan(type, field)).toBeNull();
  });
});

const lists = fields.flatMap(({ type, field, name }) => {
  const { read } = extensionsOf(field);
  return read?.shape === 'page' && read.list
    ? [{ type, field, name, list: read.list as List<never>, relation: read.relation }]
    : [];
});
const hasIndex = (model: string, ...columns: string[]) =>
  models.get(model)?.indexes.some((index) => columns.every((column, at) => index[at] === column)) === true;
const isUnique = (model: string, column: string) =>
  models.get(model)?.indexes.some((index) => index.join() === `workspaceId,${column}`) === true;

describe('A list', () => {
  test.each(lists)(
    'such as $name orders by columns that are never null and have an index which begins with the workspace.',
    ({ type, list, relation }) => {
      const model = models.get(list.model) as Model;
      const columns = [...new Set([list.order.default.column, ...Object.values(list.order.columns)])];
      expect(columns.filter((column) => model.columns.get(column)?.optional !== false)).toEqual([]);
      // A list that only a parent has is found by the parent; the index of a unique column needs no id: there are no ties.
      const ownRows = lists.some((other) => other.list === list && !other.relation);
      const without = columns.filter(
        (column) =>
          ownRows && !hasIndex(model.name, 'workspaceId', column, 'id') && !isUnique(model.name, column),
      );
      expect(without).toEqual([]);
      if (!relation) return;
      // The rows of one parent, in the order in which they are usually asked for.
      const back = [...model.columns.values()].find(
        ({ type: of, keys }) => of === modelOf(type)?.name && keys.length > 0,
      );
      const key = back?.keys.find((column) => column !== 'workspaceId') as string;
      expect(
        hasIndex(model.name, 'workspaceId', key, list.order.default.column, 'id'),
        `${model.name} by ${key}`,
      ).toBe(true);
    },
  );

  test('filters by indexed columns only, and by its own arguments too.', () => {
    const used = new Set<string>();
    const missing = lists.flatMap(({ field, name, list }) => {
      const given = [
        ...filterFields(field).map(([condition, value]) =>
          list.filter?.where({ [condition]: value } as never),
        ),
        ...ownArguments(field).map(([arg, value]) => list.args?.where({ [arg]: value } as never)),
      ];
      expect(
        given.every((where) => columnsOf(list.model, where).length > 0),
        `A condition of ${name} does nothing.`,
      ).toBe(true);
      return given
        .flatMap((where) => columnsOf(list.model, where))
        .filter(([model, column]) => !hasIndex(model, 'workspaceId', column))
        .map((pair) => pair.join('.'))
        .filter((column) => {
          if (column in unindexed) used.add(column);
          return !(column in unindexed);
        })
        .map((column) => `${name}: ${column}`);
    });
    expect(missing).toEqual([]);
    expect(Object.keys(unindexed).filter((column) => !used.has(column))).toEqual([]);
  });

  test('of rows that grow with the business says of each condition which index serves it, and has that index.', () => {
    const long = new Set(['Customer', 'Booking', 'Payment', 'Event']);
    for (const { field, name, list } of lists.filter((one) => long.has(one.list.model))) {
      const conditions = [...filterFields(field), ...ownArguments(field)].map(([condition]) => condition);
      expect(
        conditions.filter((condition) => !list.served?.[condition]),
        name,
      ).toEqual([]);
      for (const [condition, serving] of Object.entries(list.served ?? {})) {
        if (serving.as !== 'part' || serving.behind) continue;
        const column = condition === 'types' ? 'type' : condition;
        for (const order of serving.orders)
          expect(
            hasIndex(list.model, 'workspaceId', column, order, 'id'),
            `${name}, ${condition} by ${order}`,
          ).toBe(true);
      }
    }
  });

  test('searches indexed columns only.', () => {
    for (const { list, name } of lists) {
      const columns = columnsOf(list.model, list.search?.where('ada lovelace'));
      expect(
        columns.filter(([model, column]) => !hasIndex(model, 'workspaceId', column)),
        name,
      ).toEqual([]);
    }
    expect(lists.some(({ list }) => list.search)).toBe(true);
  });
});

test('Every condition that filters, searches and rights make is one that the compiler translates.', () => {
  const asked = () => ({ ctx: {}, variables: {}, values: [], aliases: 0, steady: true }) as never;
  const viewer = (rowScope: string, kind: string) => ({
    rowScope,
    kind,
    id: newId(),
    principals: [newId(), newId()],
    permissions: new Set(),
  });
  const scopes = [
    viewer('ALL', 'user'),
    viewer('TEAM', 'user'),
    viewer('ASSIGNED', 'user'),
    viewer('OWN', 'customer'),
    viewer('OWN', 'user'),
  ];
  const translated = lists.flatMap(({ field, list }) => {
    const wheres = [
      ...scopes.map((one) => visible({ viewer: one, workspace: { id: newId() } } as never, list.model)),
      ...filterFields(field).map(([condition, value]) => list.filter?.where({ [condition]: value } as never)),
      ...ownArguments(field).map(([arg, value]) => list.args?.where({ [arg]: value } as never)),
      ...['ada', 'ada lovelace', '+49 30 12', '%_'].map((text) => list.search?.where(text)),
      list.always,
    ];
    return wheres.flatMap((where) =>
      where ? whereSql(asked(), list.model, 't', where as Record<string, unknown>) : [],
    );
  });
  expect(translated.length).toBeGreaterThan(100);
  expect(translated.every((text) => text.length > 0)).toBe(true);
});

/** Each condition of the field's filter, with values for every operator that it has. */
function filterFields(field: GraphQLField): [string, Record<string, unknown>][] {
  const filter = getNamedType(
    field.args.find(({ name }) => name === 'filter')?.type as GraphQLInputType | undefined,
  );
  if (!isInputObjectType(filter)) return [];
  return Object.values(filter.getFields()).map(({ name, type }) => {
    const condition = getNamedType(type);
    const operators = isInputObjectType(condition) ? Object.values(condition.getFields()) : [];
    return [name, Object.fromEntries(operators.map((operator) => [operator.name, sample(operator.type)]))];
  });
}

const standard = new Set(['first', 'last', 'after', 'before', 'filter', 'orderBy', 'search']);
function ownArguments(field: GraphQLField): [string, unknown][] {
  return field.args.filter(({ name }) => !standard.has(name)).map(({ name, type }) => [name, sample(type)]);
}

/** Some value of an input type. */
function sample(type: unknown): unknown {
  const of = getNullableType(type as never);
  if (isListType(of)) return [sample(of.ofType)];
  if (isEnumType(of)) return of.getValues()[0]?.value;
  const { name } = of as unknown as { name: string };
  return { DateTime: new Date(0), Boolean: true, Int: 1, ID: encodeId('Customer', newId()) }[name] ?? 'text';
}

/** The columns that a condition looks at, through relations too. */
function columnsOf(model: string, where: unknown): [model: string, column: string][] {
  if (Array.isArray(where)) return where.flatMap((one) => columnsOf(model, one));
  return Object.entries((where ?? {}) as Record<string, unknown>).flatMap(
    ([name, value]): [string, string][] => {
      if (value === undefined) return [];
      if (name === 'AND' || name === 'OR' || name === 'NOT') return columnsOf(model, value);
      const column = models.get(model)?.columns.get(name);
      if (!column) throw new Error(`${model} has no column ${name}.`);
      if (!models.has(column.type)) return [[model, name]];
      const { some, every, none, is } = value as Record<string, unknown>;
      return columnsOf(column.type, some ?? every ?? none ?? is ?? value);
    },
  );
}

test('Authorisation of fields and types is a static map to one permission, which the refusal can name.', () => {
  const found = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => {
      const ofType = extensionsOf(type).pothosOptions?.authScopes;
      const ofFields = Object.values(type.getFields()).map((field) => {
        const { pothosOptions, permission } = extensionsOf(field);
        const scopes = pothosOptions?.authScopes;
        return JSON.stringify(scopes) === JSON.stringify(permission && { permission }) &&
          typeof scopes !== 'function'
          ? null
          : `${type.name}.${field.name}`;
      });
      return [ofType === undefined ? null : type.name, ...ofFields].filter((name) => name !== null);
    });
  expect(found).toEqual([]);
});

test('A field that leads to the rows of another model carries the permission for them.', () => {
  const unguarded = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => {
          const result = getNamedType(field.type);
          const target = modelOf(result) ?? modelOf(schema.getType(result.name.replace(/Connection$/, '')));
          // Who was answered with an edge or a payload held the permission at the field that leads there.
          const inside = /(Connection|Edge|Payload)$/.test(type.name);
          return target && !inside && !extensionsOf(field).permission;
        })
        .map(({ name }) => `${type.name}.${name}`),
    );
  expect(unguarded).toEqual([]);
});

/** What only `read.ts` and `narrowed.ts` may say: everything else asks its helpers. */
const forbidden =
  /\b(ctx|context|services?|tx)\??\.db\b|\bdb\b\s*[,.}]|\bprisma\s*\.|\$(query|execute)Raw|\bqueryFromInfo\b|\.(prismaField|prismaConnection|relatedConnection|relationCount|relation|prismaFieldWithInput)\s*[(<]|\bfind(First|Many|Unique)(OrThrow)?\s*\(/;

test('No file of the schema but read.ts and narrowed.ts reads the database.', () => {
  const folder = join(repository, 'src/schema');
  const files = readdirSync(folder).filter(
    (file) => file.endsWith('.ts') && !['read.ts', 'narrowed.ts'].includes(file),
  );
  const found = files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        forbidden.test(line.replace(/^\s*(\/\/|\*).*$/, '')) ? [`${file}:${at + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(files.length).toBeGreaterThan(10);
  // Hands the database to plugin-prisma, which runs what read.ts declares.
  expect(found.map((line) => line.replace(/:\d+:/, ':'))).toEqual(['builder.ts: client: (ctx) => ctx.db,']);
});

test.each([
  'resolve: (_root, _args, ctx) => ctx.db.customer.findMany(),',
  'resolve: (_root, _args, { db, viewer }) => count(db),',
  'const rows = await db.$queryRaw`SELECT 1`;',
  "t.prismaField({ type: 'Customer' })",
  "owner: t.relation('owner'),",
  "bookings: t.relatedConnection('bookings', { cursor: 'id' }),",
  'const found = await delegate.findFirst({ where });',
])('Such a line in a file of the schema would be found: %s', (line) => {
  expect(line).toMatch(forbidden);
});

describe('What reaches the database', async () => {
  const seen: { model: string; args: Record<string, unknown> }[] = [];
  const db = await openTestDatabase();
  const watched = db.$extends({
    query: {
      $allModels: {
        $allOperations({ model, args, query }) {
          seen.push({ model, args: args as Record<string, unknown> });
          return query(args);
        },
      },
    },
  });
  const shop = await createWorkspace(db);

  /** Runs a field with these arguments; answers what was asked of the database for it. */
  async function asked(type: string, selection: string): Promise<Record<string, unknown>[]> {
    const id = encodeId(type as IdType, newId());
    const source =
      type === 'Query' ? `{ ${selection} }` : `{ node(id: "${id}") { ... on ${type} { ${selection} } } }`;
    seen.length = 0;
    const contextValue = { ...shop.asSystem(), db: watched };
    const { errors } = await graphql({ schema, source, contextValue });
    expect(errors).toBeUndefined();
    return seen.map(({ args }) => args);
  }
  const workspaceOf = (where: unknown): unknown => {
    const { workspaceId, AND } = (where ?? {}) as Record<string, unknown>;
    return workspaceId ?? (Array.isArray(AND) ? AND.map(workspaceOf).find(Boolean) : undefined);
  };

  const nodes = lists.filter(({ type }) => type.name === 'Query' || type.name in prefixes);
  test.each(nodes)(
    'by the list $name names the workspace and ends its order in the id.',
    async ({ type, field, list }) => {
      const orders = Object.keys(list.order.columns).flatMap((name) =>
        ['ASC', 'DESC'].map((direction) => [name, direction]),
      );
      for (const [name, direction] of [[], ...orders]) {
        const order = name ? `(orderBy: { field: ${name}, direction: ${direction} })` : '';
        const [args] = await asked(type.name, `${field.name}${order} { nodes { id } }`);
        const { select } = args as { select?: Record<string, unknown> };
        const query = (type.name === 'Query' ? args : select?.[field.name]) as Record<string, unknown>;
        const way = direction?.toLowerCase() ?? list.order.default.direction;
        const column = name ? list.order.columns[name] : list.order.default.column;
        expect(query.orderBy).toEqual([{ [column as string]: way }, { id: way }]);
        expect(workspaceOf(query.where)).toBe(shop.workspace.id);
      }
    },
  );

  test('for every object and list begins with the workspace, at each level but that of what a row requires.', async () => {
    for (const { type, field, name } of fields) {
      const { read } = extensionsOf(field);
      if (!read?.model || (type.name !== 'Query' && !(type.name in prefixes))) continue;
      const args = field.args.some((arg) => arg.name === 'id')
        ? `(id: "${encodeId(idTypeOf(read.model), newId())}")`
        : '';
      const inner =
        isCompositeType(getNamedType(field.type)) && read.shape === 'page'
          ? 'nodes { id } totalCount'
          : firstFieldOf(field);
      const queries = await asked(type.name, `${field.name}${args} { ${inner} }`);
      expect(queries.length, name).toBeGreaterThan(0);
      for (const query of queries) expect(workspaceOf(query.where), name).toBe(shop.workspace.id);
      if (type.name === 'Query' || read.shape !== 'page') continue;
      const select = queries[0]?.select as Record<string, { where?: unknown }>;
      expect(workspaceOf(select[field.name]?.where), name).toBe(shop.workspace.id);
    }
    for (const kind of ['customer', 'user'] as const) {
      seen.length = 0;
      const viewer = { ...shop.asSystem().viewer, kind, id: newId(), role: 'ADMIN' };
      await graphql({
        schema,
        source: `{ viewer { ${kind} { id } } }`,
        contextValue: { ...shop.asSystem(), viewer, db: watched },
      });
      expect(
        seen.map(({ args }) => workspaceOf(args.where)),
        `Viewer.${kind}`,
      ).toEqual([shop.workspace.id]);
    }
  });
});

const idTypeOf = (model: string) => (model === 'Event' ? 'Activity' : model) as IdType;
