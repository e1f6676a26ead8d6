import type { FieldRef, InputFieldMap } from '@pothos/core';
import { decodeBase64 } from '@pothos/core';
import { type PothosPrismaDatamodel, type PrismaObjectRef, queryFromInfo } from '@pothos/plugin-prisma';
import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import { Refused } from '../core/errors.ts';
import { decodeId, uuidOf } from '../core/ids.ts';
import { type Permission, readPermission, refusal } from '../core/permissions.ts';
import { type VisibleModel, visible } from '../core/visible.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { OrderDirectionEnum } from './enums.ts';
import type { List, PageArgs, Where } from './list.ts';
import { MoneyObject } from './money.ts';
import { countedByWord, narrowed } from './narrowed.ts';
import { served, type Way } from './served.ts';

/**
 * The only way in which data comes into the schema. Each helper makes the plugin-prisma field and, from the
 * same description, its declaration (`extensions.read`), so that a compiler can turn any selection into one
 * statement. Each adds the permission that the model needs and, for lists and look-ups, what the viewer may see.
 * `design: reads` in ARCHITECTURE.md has the rules.
 */

export type { List, PageArgs };
export type Schema = (typeof builder)['$inferSchemaTypes'];
type Model = VisibleModel;
type OrderBy = Where[];
type Direction = 'asc' | 'desc';
type QueryFields = PothosSchemaTypes.QueryFieldBuilder<Schema, Schema['Root']>;
// Fields of an object over any model: which one is known by the name that is passed along.
type ObjectFields = PothosSchemaTypes.PrismaObjectFieldBuilder<Schema, never>;

/** What a helper says about its field. `shape` is how rows become the answer; `known` takes none, only the request or the log. */
export interface ReadDeclaration {
  shape: 'one' | 'page' | 'relation' | 'through' | 'money' | 'computed' | 'node' | 'known' | 'opaque';
  model?: Model;
  relation?: string;
  list?: List<Model>;
  columns?: readonly string[];
  /** Of a page: its rows and their order. */
  query?: ListQuery;
  /** Of a list through a join table: what of its rows is shown, in which order. */
  through?: { to: string; orderBy: OrderBy; take: number };
  /** Of an object that is known by an id which its parent has. */
  idOf?: (parent: never) => string;
}

/** The pure reading of a list's arguments. Refuses arguments that make no sense, and what no index serves. */
export type ListQuery = (
  args: PageArgs,
  ctx: GraphQLContext,
) => {
  where: Where;
  orderBy: OrderBy;
  /** How the page is found; the compiler plans those that one range of an index holds. */
  way: Way;
};

/** The object type of each model, for connections and `node`. */
const objects = new Map<Model, PrismaObjectRef<Schema, never>>();
const typenames = new Map<string, Model>();

/** Registers the object type of a model; `Activity` is the type of model `Event`. */
export function objectOf<Ref>(model: Model, typename: string, ref: Ref): Ref {
  objects.set(model, ref as never);
  typenames.set(typename, model);
  return ref;
}

const may = (model: Model) => {
  const permission = readPermission[model];
  return { authScopes: { permission }, extensions: { permission } };
};

const declared = (declaration: ReadDeclaration) => {
  const rights = declaration.model ? may(declaration.model) : { extensions: {} };
  return { ...rights, extensions: { ...rights.extensions, read: declaration } };
};

const delegateOf = (ctx: GraphQLContext, model: Model) =>
  ctx.db[`${model[0]?.toLowerCase()}${model.slice(1)}` as 'customer'] as unknown as {
    findFirst(query: unknown): Promise<unknown>;
    findMany(query: unknown): Promise<unknown[]>;
    count(query: unknown): Promise<number>;
    groupBy(query: unknown): Promise<({ _count: { _all: number } } & Record<string, unknown>)[]>;
  };

/** The model whose object type has this name. */
export const modelNamed = (typename: string): Model | undefined => typenames.get(typename);

/** The row with this uuid if the viewer may see it. Never spread together: what a viewer may see can be an id as well. */
export const visibleRow = (ctx: GraphQLContext, model: Model, uuid: string): Where => ({
  AND: [{ id: uuid }, visible(ctx, model)],
});

/** Root field: the row with this id, or null when there is none that the viewer may see. */
export function one(
  t: QueryFields,
  model: Model,
  typename: Parameters<typeof uuidOf>[0],
  description: string,
) {
  return t.prismaField({
    type: objects.get(model) as never,
    nullable: true,
    description,
    args: { id: t.arg.id({ required: true, description: `The id of a ${typename}.` }) },
    ...declared({ shape: 'one', model }),
    resolve: (query: object, _root: unknown, args: unknown, ctx: GraphQLContext) => {
      const uuid = uuidOf(typename, (args as { id: string }).id);
      return uuid && delegateOf(ctx, model).findFirst({ ...query, where: visibleRow(ctx, model, uuid) });
    },
  } as never) as FieldRef<Schema, unknown>;
}

/** The object with this id as the viewer sees it, with what the selection needs; null when there is none. */
export async function findNode(id: string, ctx: GraphQLContext, info: GraphQLResolveInfo): Promise<unknown> {
  const decoded = decodeId(id);
  if (decoded?.type === 'Workspace') return ownWorkspace(ctx, decoded.uuid);
  const model = decoded && typenames.get(decoded.type);
  if (!decoded || !model || !ctx.viewer.permissions.has(readPermission[model])) return null;
  const query = await queryFromInfo({ context: ctx, info, typeName: decoded.type, awaitSelections: true });
  const row = await delegateOf(ctx, model).findFirst({
    ...query,
    where: visibleRow(ctx, model, decoded.uuid),
  });
  return row && { ...row, __typename: decoded.type };
}

/**
 * The row that a verb answered, for a field whose type is this object: read again only if the selection wants more than
 * its columns. Without this it would be read again for each of its fields' sake.
 */
export async function answered(
  type: unknown,
  row: { id: string },
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<unknown> {
  const model = [...objects].find(([, ref]) => ref === type)?.[0];
  const typename = [...typenames].find(([, of]) => of === model)?.[0];
  if (!model || !typename) return row;
  const query = await queryFromInfo({ context: ctx, info, typeName: typename, awaitSelections: true });
  const wanted = Object.entries((query as { select?: object }).select ?? {});
  if (wanted.length > 0 && wanted.every(([column, value]) => value === true && column in row)) return row;
  const where = { id: row.id, workspaceId: ctx.workspace.id };
  return delegateOf(ctx, model).findFirst({ ...query, where });
}

/** No row of a list and without a permission of its own: everyone who is signed in sees the one they are in. */
function ownWorkspace({ viewer, workspace }: GraphQLContext, uuid: string) {
  return viewer.kind !== 'anonymous' && workspace.id === uuid
    ? { ...workspace, __typename: 'Workspace' }
    : null;
}

/** Field of an object that only knows an id, such as the event of a subscription: the row as the viewer sees it now. */
export function loaded<Parent>(
  t: unknown,
  model: Model,
  options: { description: string; nullable: boolean },
  idOf: (parent: Parent) => string,
) {
  return (t as QueryFields).prismaField({
    type: objects.get(model) as never,
    ...options,
    ...declared({ shape: 'one', model, idOf: idOf as never }),
    resolve: (query: object, parent: unknown, _args: unknown, ctx: GraphQLContext) =>
      delegateOf(ctx, model).findFirst({ ...query, where: visibleRow(ctx, model, idOf(parent as Parent)) }),
  } as never) as FieldRef<Schema, unknown>;
}

/** `loaded` for a short list of ids, in their order; those that the viewer may not see are left out. */
export function loadedMany<Parent>(
  t: unknown,
  model: Model,
  options: { description: string },
  idsOf: (parent: Parent) => readonly string[],
) {
  return (t as QueryFields).prismaField({
    type: [objects.get(model)] as never,
    ...options,
    ...may(model),
    complexity: { field: 1, multiplier: 10 },
    resolve: async (query: object, parent: unknown, _args: unknown, ctx: GraphQLContext) => {
      const ids = idsOf(parent as Parent);
      const where = { AND: [{ id: { in: [...ids] } }, visible(ctx, model)] };
      const rows = (await delegateOf(ctx, model).findMany({ ...query, where })) as { id: string }[];
      return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
    },
  } as never) as FieldRef<Schema, unknown>;
}

/** Root field: a page of the rows that the viewer may see. */
export function page<M extends Model>(t: QueryFields, list: List<M>, description: string) {
  const query = queryOf(list);
  return t.prismaConnection(
    {
      type: objects.get(list.model) as never,
      cursor: list.cursor as never,
      description,
      args: argsOf(t, list) as never,
      ...declared({ shape: 'page', model: list.model, list: list as never, query }),
      complexity: costOfPage,
      totalCount: async (_root: unknown, args: never, ctx: GraphQLContext) => {
        const { where } = query(args, ctx);
        return (
          (await countedByWord(ctx, list as never, args)) ?? delegateOf(ctx, list.model).count({ where })
        );
      },
      resolve: async (
        selection: Record<string, unknown>,
        _root: unknown,
        args: PageArgs,
        ctx: GraphQLContext,
      ) => {
        const { where, orderBy, way } = query(args, ctx);
        const {
          cursor: _cursor,
          skip: _skip,
          ...rest
        } = selection as {
          take: number;
          cursor?: unknown;
          skip?: unknown;
        };
        const delegate = delegateOf(ctx, list.model);
        const beyond = way.search === 'ranked' ? null : await beyondCursor(list as never, args, way, ctx);
        const at = args.after ?? args.before;
        const cursor = at == null ? null : rowOf(at);
        const found = await narrowed(ctx, delegate, list as never, {
          ...{ args, way, query, cursor, beyond },
          conditions: conditionsOf(list),
          take: rest.take,
        });
        if (!found) {
          const of = (condition: Where | null, take: number) =>
            delegate.findMany({ ...rest, take, where: both(where, condition), orderBy });
          const parts = partsOf(beyond);
          if (!parts) return of(beyond, rest.take);
          const [tied, past] = parts;
          const near = await of(tied, rest.take);
          const missing = Math.abs(rest.take) - near.length;
          if (missing === 0) return near;
          const far = await of(past, Math.sign(rest.take) * missing);
          return rest.take < 0 ? [...far, ...near] : [...near, ...far];
        }
        const among = { workspaceId: ctx.workspace.id, id: { in: found } };
        const rows = await delegate.findMany({ ...rest, take: undefined, where: among });
        const rank = new Map(found.map((id, at) => [id, at]));
        const rankOf = (row: unknown) => rank.get((row as { id: string }).id) as number;
        return rows.sort((a, b) => rankOf(a) - rankOf(b));
      },
    } as never,
    connectionOf(list.model),
  ) as FieldRef<Schema, unknown>;
}

/** Field of an object: a page of its related rows that the viewer may see. */
export function related<M extends Model>(t: unknown, relation: string, list: List<M>, description: string) {
  const fields = t as ObjectFields & { model: string };
  const key = keyOf(fields.model, relation, list.model);
  const query = queryOf(list, key);
  const field = fields.relatedConnection(
    relation as never,
    {
      cursor: list.cursor as never,
      description,
      args: argsOf(fields as never, list) as never,
      ...declared({ shape: 'page', model: list.model, relation, list: list as never, query }),
      complexity: costOfPage,
      query: ((args: PageArgs, ctx: GraphQLContext) => {
        const { where, orderBy } = query(args, ctx);
        return { where, orderBy };
      }) as never,
    } as never,
    connectionOf(list.model) as never,
  ) as unknown as UpdatableField;
  field.updateConfig(({ extensions, resolve, ...config }) => ({
    ...config,
    extensions: {
      ...extensions,
      pothosPrismaSelect: (args, ctx, nested, selected) => {
        const plan = extensions.pothosPrismaSelect(withoutCursor(args, selected()), ctx, nested, selected);
        return args.after == null && args.before == null
          ? plan
          : from(plan, relation, beyondCursor(list as never, args, query(args, ctx).way, ctx));
      },
    },
    resolve: async (parent, args, ctx, info) => {
      const totalCount = () => countOf(list.model, key, query(args, ctx).where, parent.id, ctx);
      return Object.assign(await resolve(parent, args, ctx, info), { totalCount });
    },
  }));
  return field as unknown as FieldRef<Schema, unknown>;
}

/** What `related` changes about plugin-prisma's field: the selection that it plans, and what it answers with. */
interface UpdatableField {
  updateConfig(change: (config: FieldConfig) => FieldConfig): void;
}
interface FieldConfig {
  extensions: {
    pothosPrismaSelect: (
      args: PageArgs,
      ctx: GraphQLContext,
      nested: unknown,
      selected: () => ReadonlySet<string>,
    ) => Plan;
  };
  resolve: (
    parent: { id: string },
    args: PageArgs,
    ctx: GraphQLContext,
    info: GraphQLResolveInfo,
  ) => object | Promise<object>;
}
type Plan = Selection | Promise<Selection>;
interface Selection {
  select: Record<string, unknown>;
}

/** The planned selection, with another condition on the relation. */
async function from(plan: Plan, relation: string, beyond: Promise<Where | null>): Promise<Selection> {
  const [{ select }, condition] = await Promise.all([plan, beyond]);
  const page = select[relation] as { where: Where };
  return { select: { ...select, [relation]: { ...page, where: both(page.where, condition) } } };
}

/** Prisma is not told of the cursor; nor does it read a page of which nothing but the count is wanted. */
function withoutCursor({ after: _, before, ...args }: PageArgs, selected: ReadonlySet<string>): PageArgs {
  if ([...selected].every((name) => name === 'totalCount' || name === '__typename'))
    return { ...args, first: 0, last: null };
  return before == null ? args : { ...args, last: args.last ?? defaultPage };
}

/** The column of `model` that refers to the parent, next to the workspace. */
function keyOf(parent: string, relation: string, model: string): string {
  const { models } = (builder.options.prisma as unknown as { dmmf: PothosPrismaDatamodel }).dmmf.datamodel;
  const name = models[parent]?.fields.find((field) => field.name === relation)?.relationName;
  const back = models[model]?.fields.find(
    (field) => field.relationName === name && field.relationFromFields?.length,
  );
  const key = back?.relationFromFields?.find((column) => column !== 'workspaceId');
  if (!key) throw new Error(`${parent}.${relation} has no column to go by.`);
  return key;
}

const counters = new WeakMap<GraphQLContext, Map<string, DataLoader<string, number>>>();

/**
 * How many rows the list of this parent has: asked at once for all parents of a page, and for no others. Prisma's
 * own count of a relation counts for every parent in the workspace.
 */
function countOf(
  model: Model,
  key: string,
  where: Where,
  parentId: string,
  ctx: GraphQLContext,
): Promise<number> {
  const known = counters.get(ctx) ?? new Map<string, DataLoader<string, number>>();
  counters.set(ctx, known);
  const name = JSON.stringify([model, key, where]);
  const counter =
    known.get(name) ??
    new DataLoader(async (ids: readonly string[]) => {
      const rows = await delegateOf(ctx, model).groupBy({
        by: [key],
        where: both(where, { [key]: { in: [...ids] } }),
        _count: { _all: true },
      });
      const counts = new Map(rows.map((row) => [row[key], row._count._all]));
      return ids.map((id) => counts.get(id) ?? 0);
    });
  known.set(name, counter);
  return counter.load(parentId);
}

/** Field of an object: the one row that it refers to. Never a boundary of visibility: who may see the row may see what it requires. */
export function relation(
  t: unknown,
  model: Model,
  name: string,
  options: { description: string; nullable: boolean },
) {
  return (t as ObjectFields).relation(
    name as never,
    { ...options, ...declared({ shape: 'relation', model, relation: name }) } as never,
  ) as FieldRef<Schema, unknown>;
}

/** How many objects behind a join table are read at most. */
const maxThrough = 100;

/** Field of an object: a short list through a join table, such as a customer's tags. At most 100. */
export function through(
  t: unknown,
  model: Model,
  options: { relation: string; to: string; orderBy: OrderBy; description: string },
) {
  const fields = t as ObjectFields;
  const { relation, to, orderBy } = options;
  return fields.field({
    type: [objects.get(model)] as never,
    description: options.description,
    ...declared({ shape: 'through', model, relation, through: { to, orderBy, take: maxThrough } }),
    complexity: { field: 1, multiplier: 5 },
    select: (_args: unknown, _ctx: unknown, nested: (q: unknown) => unknown) => {
      const rows = (below: unknown) => ({
        [relation]: { select: { [to]: below }, orderBy, take: maxThrough },
      });
      const below = nested(true);
      // A page behind a cursor, further down, has to find its place first.
      return below instanceof Promise ? below.then(rows) : rows(below);
    },
    resolve: (parent: Record<string, Record<string, unknown>[]>) =>
      (parent[relation] as Record<string, unknown>[]).map((row) => row[to]),
  } as never) as FieldRef<Schema, unknown>;
}

function argsOf<M extends Model>(t: QueryFields, list: List<M>): InputFieldMap {
  const search = list.search && { search: t.arg.string({ description: list.search.description }) };
  const filter = list.filter && {
    filter: t.arg({ type: list.filter.type, description: 'Only rows that meet every condition given.' }),
  };
  const orderBy = list.order.type && {
    orderBy: t.arg({ type: list.order.type, description: 'The order of the list; ties are ordered by id.' }),
  };
  return { ...list.args?.fields(t), ...filter, ...search, ...orderBy } as InputFieldMap;
}

/** The pure reading of a list's arguments: rows, order. Both ends of an order follow the same direction, so one index serves it. */
function queryOf<M extends Model>(list: List<M>, parent: string | null = null): ListQuery {
  const conditions = conditionsOf(list);
  return (args, ctx) => {
    checkPage(args);
    const where = conditions(args, ctx);
    const way = served(list as never, args, parent);
    return { where, orderBy: [{ [way.column]: way.direction }, { id: way.direction }], way };
  };
}

/** The rows that a list's arguments ask for, among those that the viewer may see. */
function conditionsOf<M extends Model>(list: List<M>) {
  return (args: PageArgs, ctx: GraphQLContext): Where => {
    for (const [condition, permission] of Object.entries(list.filter?.needs ?? {})) {
      const given = (args.filter as Record<string, unknown> | null | undefined)?.[condition];
      if (given != null && !ctx.viewer.permissions.has(permission)) throw refusal(ctx, permission);
    }
    const needs = args.orderBy && list.order.needs?.[args.orderBy.field];
    if (needs && !ctx.viewer.permissions.has(needs)) throw refusal(ctx, needs);
    const conditions: Where[] = [visible(ctx, list.model) as Where];
    if (list.always) conditions.push(list.always);
    if (list.args) conditions.push(list.args.where(args as never));
    if (args.filter && list.filter) conditions.push(list.filter.where(args.filter as never));
    if (args.search?.trim() && list.search) conditions.push(list.search.where(args.search));
    return conditions.length === 1 ? (conditions[0] as Where) : { AND: conditions };
  };
}

const both = (where: Where, more: Where | null): Where => (more ? { AND: [where, more] } : where);

const maxPage = 100;
/** Rows of a page that does not say. */
export const defaultPage = 50;

/** Says what is wrong with the arguments of a page, rather than answering another page than was asked for. */
function checkPage({ first, last, after, before }: PageArgs): void {
  for (const cursor of [after, before]) if (cursor != null) rowOf(cursor);
  for (const [name, size] of Object.entries({ first, last })) {
    if (size != null && (size < 0 || size > maxPage))
      throw new Refused('BAD_USER_INPUT', `${name}: Must be between 0 and ${maxPage}, is ${size}.`);
  }
}

const cursorRows = new WeakMap<GraphQLContext, Map<string, Promise<Record<string, unknown> | null>>>();

/**
 * The rows beyond the page's cursor, as a condition on the columns of the order; null without a cursor. The bound on
 * the column is what an index can begin at: with a cursor of Prisma's own, the database reads everything before the
 * page, and in the list of an object everything after it too. A cursor whose row the viewer may not see leads
 * nowhere, like that of no row: its place in the order would tell about a row that is hidden.
 */
async function beyondCursor(
  list: List<Model>,
  args: PageArgs,
  { column, direction }: Way,
  ctx: GraphQLContext,
): Promise<Where | null> {
  const cursor = args.after ?? args.before;
  if (cursor == null) return null;
  const id = rowOf(cursor);
  const row = await cursorRow(list.model, id, column, ctx);
  if (!row) return { id: { in: [] } };
  const past = (direction === 'asc') === (args.after != null) ? 'gt' : 'lt';
  const value = row[column];
  return { [column]: { [`${past}e`]: value }, OR: [{ [column]: { [past]: value } }, { id: { [past]: id } }] };
}

/**
 * What lies beyond a cursor, as the rows with its own value and those past it: there may be any number with the same
 * score, and an index finds a place among them only when they are asked for alone. Null where few share a value, as a time.
 */
function partsOf(beyond: Where | null): [Where, Where] | null {
  const [past, other] = (beyond?.OR ?? []) as Where[];
  const [column] = Object.keys(past ?? {});
  if (!past || !other || !column) return null;
  const [value] = Object.values(past[column] as Where);
  return typeof value === 'number' ? [{ [column]: value, id: other.id }, past] : null;
}

/** Read once, however many lists of one operation begin at it. */
function cursorRow(
  model: Model,
  id: string,
  column: string,
  ctx: GraphQLContext,
): Promise<Record<string, unknown> | null> {
  const known = cursorRows.get(ctx) ?? new Map<string, Promise<Record<string, unknown> | null>>();
  cursorRows.set(ctx, known);
  const name = `${model} ${id} ${column}`;
  const find = () =>
    delegateOf(ctx, model).findFirst({ where: visibleRow(ctx, model, id), select: { [column]: true } });
  const row = known.get(name) ?? (find() as Promise<Record<string, unknown> | null>);
  known.set(name, row);
  return row;
}

/** The row's uuid. A cursor is base64 of `GPC:` and it, or the workspace's and it; anything else would reach the database as an error. */
export function rowOf(cursor: string): string {
  let text = '';
  try {
    text = decodeBase64(cursor);
  } catch {}
  const uuids = text.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g);
  if (/^GPC:[ST]:[\w:,."[\]-]+$/.test(text) && uuids && uuids.length <= 2) return uuids.at(-1) as string;
  throw new Refused('BAD_USER_INPUT', 'after and before: Must be a cursor that this list gave out.');
}

const costOfPage = (args: PageArgs) => ({
  field: 2,
  multiplier: Math.max(1, args.first ?? args.last ?? defaultPage),
});

const connections = new Map<Model, unknown>();

/** `CustomerConnection` and `CustomerEdge`, made once and shared by every list of customers. */
function connectionOf(model: Model) {
  const known = connections.get(model);
  if (known) return known as never;
  const ref = objects.get(model) as PrismaObjectRef<Schema, never>;
  const typename = [...typenames].find(([, of]) => of === model)?.[0] as string;
  const connection = builder.connectionObject(
    {
      type: ref as never,
      name: `${typename}Connection`,
      description: `A page of a list of ${typename} objects.`,
      fields: (t: never) => {
        const fields = t as PothosSchemaTypes.ObjectFieldBuilder<
          Schema,
          { totalCount?: number | (() => Promise<number>) }
        >;
        return {
          totalCount: fields.int({
            description:
              'How many rows the list has in all. Counted only when asked for; costs more than a page on long lists.',
            extensions: { pothosPrismaTotalCount: true },
            resolve: (page) =>
              typeof page.totalCount === 'function' ? page.totalCount() : (page.totalCount ?? 0),
          }),
        } as never;
      },
    } as never,
    { name: `${typename}Edge`, description: `A ${typename} with its place in a list.` } as never,
  );
  connections.set(model, connection);
  return connection as never;
}

/** Declares the orders of a list: an enum `XOrderField` and an input `XOrder`. Columns are never null and indexed behind the workspace. */
export function orderInput(
  typename: string,
  fields: Record<string, { column: string; description: string; needs?: Permission }>,
  fallback: { column: string; direction: Direction },
): List<Model>['order'] {
  const field = builder.enumType(`${typename}OrderField`, {
    description: `What a list of ${typename} objects can be ordered by.`,
    values: Object.fromEntries(
      Object.entries(fields).map(([name, { description }]) => [name, { value: name, description }]),
    ),
  });
  const type = builder.inputType(`${typename}Order`, {
    description: `The order of a list of ${typename} objects.`,
    fields: (t) => ({
      field: t.field({ type: field, required: true, description: 'What to order by.' }),
      direction: t.field({ type: OrderDirectionEnum, required: true, description: 'Which end comes first.' }),
    }),
  });
  return {
    type: type as never,
    columns: Object.fromEntries(Object.entries(fields).map(([name, { column }]) => [name, column])),
    needs: Object.fromEntries(
      Object.entries(fields).flatMap(([name, { needs }]) => (needs ? [[name, needs]] : [])),
    ),
    default: fallback,
  };
}

/** Field of an object: an amount and its currency from two columns. */
export function money(t: unknown, columns: { minor: string; currency: string }, description: string) {
  return (t as ObjectFields).field({
    type: MoneyObject as never,
    description,
    ...declared({ shape: 'money', columns: [columns.minor, columns.currency] }),
    select: { [columns.minor]: true, [columns.currency]: true },
    resolve: (row: Record<string, unknown>) => ({
      minor: row[columns.minor],
      currency: row[columns.currency],
    }),
  } as never) as FieldRef<Schema, unknown>;
}

/** Field of an object: a leaf worked out from columns of the row, purely. */
export function computed<Row extends object>(
  t: unknown,
  type: unknown,
  columns: readonly (keyof Row & string)[],
  options: { description: string; nullable?: boolean; permission?: Permission },
  resolve: (row: Row) => unknown,
) {
  const { permission, ...rest } = options;
  return (t as ObjectFields).field({
    type: type as never,
    ...rest,
    ...guarded(permission, { shape: 'computed', columns }),
    select: Object.fromEntries(columns.map((column) => [column, true])),
    resolve,
  } as never) as FieldRef<Schema, unknown>;
}

/** Options of a field that only holders of a permission may read, beyond that of its object. */
export function guarded(permission: Permission | undefined, read?: ReadDeclaration) {
  const extensions = read ? { read } : {};
  return permission
    ? { authScopes: { permission }, extensions: { ...extensions, permission } }
    : { extensions };
}
