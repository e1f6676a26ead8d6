import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  type VariableValues,
} from 'graphql';
import { defaultPage, type ListQuery, type PageArgs, rowOf, visibleRow } from '../../schema/read.ts';
import { apart } from '../../schema/served.ts';
import type { OperationContext } from '../operationContext.ts';
import { collectFields, selectionsOf } from './collectFields.ts';
import type { Leaf } from './leaf.ts';
import { argumentsOf, bracketed, item, leafItems, newAlias, type Plan, text } from './plan.ts';
import type { Page } from './shapeOf.ts';
import { type Asked, commaSeparated, fill, type Gap, rowSql, rowsSql, type Sql, sql } from './sql.ts';
import { columnSql, tableSql } from './tableOf.ts';
import { Unplanned } from './unplanned.ts';
import { whereSql } from './whereSql.ts';

interface PageField {
  read: Page;
  field: GraphQLField;
  nodes: readonly FieldNode[];
  /** The type of the nodes. */
  type: GraphQLObjectType;
  /** That a row belongs to the parent; null at the root. */
  inside: ((alias: string) => string) | null;
}

/** What is asked of a connection: each a column of its JSON. */
type Part =
  | { kind: 'constant'; columns: Sql }
  | { kind: 'rows'; key: string; select: Sql }
  | { kind: 'pageInfo'; key: string; items: (bounds: Bounds) => Sql }
  | { kind: 'count'; key: string };

/** Where the page lies among the rows that were read: SQL over the subselect `p`. */
interface Bounds {
  first: string;
  last: string;
  hasNext: string;
  hasPrevious: string;
}

/**
 * A connection. Where only its rows are asked for, they are one array; where the page is too, one row more is read,
 * and the page cut out of what came. The count is a statement of its own inside the statement.
 */
export function pageSql(plan: Plan, page: PageField): Gap {
  const prepared = prepare(plan, page);
  const only = onlyRows(prepared);
  if (!only) return connectionSql(prepared);
  Object.assign(plan, { before: only.before, after: only.after });
  return (asked) => `array_to_json(${only.rows(asked)})`;
}

/** The same as columns of an object. Brackets around nothing but rows are put there in the end. */
export function pageItems(plan: Plan, page: PageField, key: string): Sql[] {
  const prepared = prepare(plan, page);
  const only = onlyRows(prepared);
  if (!only) return [item([connectionSql(prepared)], key)];
  return bracketed(plan, [only.rows], key, only.before, only.after);
}

/** A connection of which nothing is asked but its rows: an array, with the rest around it. */
function onlyRows({ parts, rows }: Prepared): { before: string; rows: Gap; after: string } | null {
  const [only] = parts;
  if (parts.length !== 1 || only?.kind !== 'rows') return null;
  const array: Gap = (asked) => {
    const { from, size } = rows(asked);
    return fill(rowsSql(sql(only.select, ` FROM ${from(size)}`)), asked);
  };
  return { before: `{"${only.key}":`, rows: array, after: '}' };
}

interface Prepared {
  parts: Part[];
  rows: (asked: Asked) => Rows;
  id: string;
}

function prepare(plan: Plan, page: PageField): Prepared {
  const alias = newAlias(plan);
  const parts = connectionParts(plan, page, alias);
  const argsOf = argumentsOf(page.field, page.nodes[0] as FieldNode) as (
    variables: VariableValues,
  ) => PageArgs;
  const { list, query, model } = page.read;
  return {
    parts,
    id: columnSql(model, alias, 'id'),
    rows(asked) {
      const args = argsOf(asked.variables);
      checkArguments(args, list.cursor, asked.ctx);
      return rowsOf(asked, { query, list, model, alias, args, inside: page.inside });
    },
  };
}

function connectionSql({ parts, rows, id }: Prepared): Gap {
  const lists = parts.filter((part) => part.kind === 'rows');
  const simple = lists.length <= 1 && parts.every(({ kind }) => kind !== 'pageInfo');
  return (asked) => {
    const found = rows(asked);
    const connection = simple ? simpleSql(parts, found) : pagedSql(parts, found, id);
    return fill(sql('(SELECT row_to_json(c) FROM (SELECT ', connection, ') c)'), asked);
  };
}

/** What the normal path refuses, or reads in a way of its own, is left to it. */
function checkArguments(
  { first, last, after, before }: PageArgs,
  cursor: string,
  ctx: OperationContext,
): void {
  if (after != null && before != null) throw new Unplanned('two cursors');
  if (first != null && (last != null || before != null)) throw new Unplanned('a page from both ends');
  if (last != null && after != null) throw new Unplanned('a page from both ends');
  const given = after ?? before;
  if (given != null && cursorOf(cursor, ctx, rowOf(given)) !== given) throw new Unplanned('a foreign cursor');
}

/** As plugin-prisma writes it. */
function cursorOf(cursor: string, ctx: OperationContext, id: string): string {
  const value = cursor === 'id' ? `S:${id}` : `T:["S:${ctx.workspace.id}","S:${id}"]`;
  return Buffer.from(`GPC:${value}`).toString('base64');
}

function cursorLeaf(cursor: string): Leaf {
  if (cursor !== 'id' && cursor !== 'workspaceId_id') throw new Unplanned(`cursors by ${cursor}`);
  return {
    kind: 'token',
    columns: 1,
    before: '',
    print: (text, start, end, ctx) =>
      text[start] === 'n' ? 'null' : `"${cursorOf(cursor, ctx, text.slice(start + 1, end - 1))}"`,
  };
}

function connectionParts(plan: Plan, { read, field, nodes, type }: PageField, alias: string): Part[] {
  const connection = getNamedType(field.type) as GraphQLObjectType;
  const id = columnSql(read.model, alias, 'id');
  return [...collectFields(plan.source, connection, selectionsOf(nodes))].map(([key, below]): Part => {
    const name = below[0]?.name.value;
    if (name === '__typename') return { kind: 'constant', columns: item(text(connection.name), key) };
    if (name === 'totalCount') return { kind: 'count', key };
    if (name === 'nodes') return { kind: 'rows', key, select: plan.columns(plan, type, below, alias) };
    if (name === 'edges')
      return { kind: 'rows', key, select: edgeSql(plan, connection, type, below, alias, id, read) };
    if (name === 'pageInfo') return { kind: 'pageInfo', key, items: pageInfoSql(plan, below, read) };
    throw new Unplanned(`${connection.name}.${name} is not known`);
  });
}

function edgeSql(
  plan: Plan,
  connection: GraphQLObjectType,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  alias: string,
  id: string,
  read: Page,
): Sql {
  const edge = getNamedType(connection.getFields().edges?.type) as GraphQLObjectType;
  const items = [...collectFields(plan.source, edge, selectionsOf(nodes))].flatMap(([key, below]) => {
    const name = below[0]?.name.value;
    if (name === '__typename') return [item(text(edge.name), key)];
    if (name === 'cursor') return leafItems(plan, cursorLeaf(read.list.cursor), [id], key);
    if (name === 'node') return [item(rowSql(plan.columns(plan, type, below, alias)), key)];
    throw new Unplanned(`${edge.name}.${name} is not known`);
  });
  return commaSeparated(items);
}

function pageInfoSql(plan: Plan, nodes: readonly FieldNode[], read: Page): (bounds: Bounds) => Sql {
  const type = plan.source.schema.getType('PageInfo') as GraphQLObjectType;
  const leaf = cursorLeaf(read.list.cursor);
  const items = [...collectFields(plan.source, type, selectionsOf(nodes))].map(([key, below]) => {
    const name = below[0]?.name.value;
    if (name === '__typename') return () => [item(text(type.name), key)];
    if (name === 'hasNextPage') return ({ hasNext }: Bounds) => [item(hasNext, key)];
    if (name === 'hasPreviousPage') return ({ hasPrevious }: Bounds) => [item(hasPrevious, key)];
    if (name !== 'startCursor' && name !== 'endCursor') throw new Unplanned(`PageInfo.${name} is not known`);
    // The number of the leaf is taken now; the place in SQL is known with the arguments.
    const mark = '\0';
    const [marked] = leafItems(plan, leaf, [mark], key) as [Sql];
    const end = String(marked[0]).slice(mark.length);
    return ({ first, last }: Bounds) => [sql(name === 'startCursor' ? first : last, end)];
  });
  return (bounds) => commaSeparated(items.flatMap((one) => one(bounds)));
}

interface Rows {
  /** `FROM … WHERE … ORDER BY … LIMIT`, in the order of the list. */
  from: (size: number) => string;
  count: () => string;
  size: number;
  backward: boolean;
  args: PageArgs;
}

/**
 * Tables in parts by workspace. Without its value PostgreSQL cannot know that one part holds all the rows: it would read
 * and sort them, rather than read a page in the order of an index. So the workspace stands in the text, and each has a
 * statement of its own.
 */
const partitioned: ReadonlySet<string> = new Set(['Event']);

interface RowsOf {
  query: ListQuery;
  list: Page['list'];
  model: Page['model'];
  alias: string;
  args: PageArgs;
  inside: PageField['inside'];
}

function rowsOf(asked: Asked, { query, list, model, alias, args, inside }: RowsOf): Rows {
  const { where, orderBy, way } = query(args, asked.ctx);
  if (way.search || (way.apart && behindTable(list, way.apart)))
    throw new Unplanned('a page that is found in several looks');
  const part = partitioned.has(model)
    ? `${columnSql(model, alias, 'workspaceId')} = ${text(asked.ctx.workspace.id)}::uuid AND `
    : '';
  const belonging = part + (inside ? `${inside(alias)} AND ` : '');
  // Not before it is needed: every parameter must have a place in the statement.
  let known: string | undefined;
  const condition = () => (known ??= belonging + whereSql(asked, model, alias, where));
  const backward = args.before != null || args.last != null;
  const order = (reversed: boolean) =>
    orderBy
      .flatMap((one) => Object.entries(one))
      .map(
        ([field, way]) =>
          `${columnSql(model, alias, field)} ${(way === 'asc') === reversed ? 'DESC' : 'ASC'}`,
      )
      .join(', ');
  const table = `${tableSql(model)} ${alias}`;
  return {
    args,
    backward,
    size: args.first ?? args.last ?? defaultPage,
    count() {
      // What a count costs depends on the size of the workspace.
      asked.steady = false;
      return `(SELECT count(*) FROM ${table} WHERE ${condition()})`;
    },
    from(size) {
      const beyond = beyondSql(asked, model, alias, args, orderBy);
      const ranges = way.apart
        ? apart(args, way.apart).map(
            (one) => belonging + whereSql(asked, model, alias, query(one, asked.ctx).where),
          )
        : [condition()];
      const each = ranges.map(
        (range) => `${table} WHERE ${range}${beyond} ORDER BY ${order(backward)} LIMIT ${size}`,
      );
      const page = each.length === 1 ? (each[0] as string) : merged(each, alias, order(backward), size);
      return backward ? `(SELECT * FROM ${page}) ${alias} ORDER BY ${order(false)}` : page;
    },
  };
}

/** Several values are several ranges of an index: the page is among the pages of each. */
function merged(pages: readonly string[], alias: string, order: string, size: number): string {
  const all = pages.map((page) => `(SELECT ${alias}.* FROM ${page})`).join(' UNION ALL ');
  return `(${all}) ${alias} ORDER BY ${order} LIMIT ${size}`;
}

/** Rows that are found at another table, such as a tag's customers, are not one range each. */
function behindTable(list: Page['list'], condition: string): boolean {
  const serving = list.served?.[condition];
  return serving?.as === 'part' && serving.behind !== undefined;
}

/** The rows behind or before that of the cursor, by its place in the order. None when the viewer may not see it. */
function beyondSql(
  asked: Asked,
  model: Page['model'],
  alias: string,
  { after, before }: PageArgs,
  orderBy: Record<string, unknown>[],
): string {
  const cursor = after ?? before;
  if (cursor == null) return '';
  const at = `w${++asked.aliases}`;
  const fields = orderBy.flatMap((one) => Object.keys(one));
  const ascending = Object.values(orderBy[0] as object)[0] === 'asc';
  const place = (of: string) => fields.map((field) => columnSql(model, of, field)).join(', ');
  const found = whereSql(asked, model, at, visibleRow(asked.ctx, model, rowOf(cursor)));
  return ` AND (${place(alias)}) ${ascending === (after != null) ? '>' : '<'} (SELECT ${place(at)} FROM ${tableSql(model)} ${at} WHERE ${found})`;
}

function simpleSql(parts: Part[], { from, size, count }: Rows): Sql {
  return commaSeparated(
    parts.map((part) => {
      if (part.kind === 'constant') return part.columns;
      if (part.kind === 'count') return item(count(), part.key);
      if (part.kind === 'rows') return item(rowsSql(sql(part.select, ` FROM ${from(size)}`)), part.key);
      throw new Unplanned('a page without its bounds');
    }),
  );
}

/** Every list of rows is an array `p.a0`, `p.a1`…, beside their ids, of one row more than the page. */
function pagedSql(parts: Part[], { from, size, count, backward, args }: Rows, id: string): Sql {
  const full = `p.n > ${size}`;
  const start = backward ? `greatest(p.n - ${size}, 0) + 1` : '1';
  const end = backward ? 'p.n' : `least(p.n, ${size})`;
  const at = (place: string) => (size === 0 ? 'NULL::uuid' : `p.ids[${place}]`);
  const bounds: Bounds = {
    first: at(start),
    last: at(end),
    hasNext: args.before != null ? 'TRUE' : args.last != null ? 'FALSE' : full,
    hasPrevious: args.after != null ? 'TRUE' : backward ? full : 'FALSE',
  };
  let arrays = 0;
  const read: Sql[] = [];
  const columns = parts.map((part): Sql => {
    if (part.kind === 'constant') return part.columns;
    if (part.kind === 'count') return item(count(), part.key);
    if (part.kind === 'pageInfo') return item(rowSql(part.items(bounds)), part.key);
    const array = `a${arrays++}`;
    read.push(item(rowSql(part.select), array));
    return item(`coalesce(p.${array}[${start}:${end}], '{}')`, part.key);
  });
  const gathered = Array.from({ length: arrays }, (_, at) => `array_agg(r.a${at}) AS a${at}`);
  return sql(
    commaSeparated(columns),
    ` FROM (SELECT ${['array_agg(r.id) AS ids', 'count(*)::integer AS n', ...gathered].join(', ')} FROM (SELECT `,
    commaSeparated([...read, [`${id} AS id`]]),
    ` FROM ${from(size + 1)}) r) p`,
  );
}
