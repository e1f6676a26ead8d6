import {
  type FieldNode,
  type GraphQLField,
  GraphQLObjectType,
  getNullableType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { decodeId, type IdType, uuidOf } from '../../core/ids.ts';
import { readPermission } from '../../core/permissions.ts';
import type { Statement } from '../../core/reader.ts';
import type { VisibleModel } from '../../core/visible.ts';
import { modelNamed, visibleRow } from '../../schema/read.ts';
import type { OperationContext } from '../operationContext.ts';
import { collectFields, type Source, selectionsOf } from './collectFields.ts';
import { finish } from './finish.ts';
import { argumentsOf, newAlias, type Plan } from './plan.ts';
import { columnsSql } from './planObject.ts';
import { pageSql } from './planPage.ts';
import { printerOf } from './printer.ts';
import { extensionsOf, type Resolve, resolverOf, type Shape, shapeOf } from './shapeOf.ts';
import { type Asked, fill, type Gap, parameter, type Sql, sql } from './sql.ts';
import { tableSql } from './tableOf.ts';
import { Unplanned } from './unplanned.ts';
import { whereSql } from './whereSql.ts';

/** Runs a statement: its JSON, `null` when there is no row. */
export type Read = (statement: Statement) => Promise<string>;
/** A request that is ready to be run; the answer is JSON. */
export type Bound = (read: Read) => Promise<string>;

/** What a plan is asked for. */
export interface Wish extends Pick<Asked, 'ctx' | 'variables'> {
  /** Of a subscription: the event. */
  root?: unknown;
}

/** One root field, planned for every request that asks for it like this. */
export interface RootPlan {
  /** Throws when the executor has to do it, or would refuse it. */
  bind(asked: Wish): Bound;
}

/** Plans a root field. Throws `Unplanned` when its resolver has to do it. */
export function planRoot(source: Source, type: GraphQLObjectType, nodes: readonly FieldNode[]): RootPlan {
  const node = nodes[0] as FieldNode;
  const field = type.getFields()[node.name.value];
  if (node.name.value === '__typename') return { bind: () => async () => JSON.stringify(type.name) };
  if (!field) throw new Unplanned(`there is no field ${type.name}.${node.name.value}`);
  // Arguments of a subscription choose events; what one shows is known from the event and the ids in it.
  const shape: Shape =
    type === source.schema.getSubscriptionType()
      ? { kind: 'known', resolve: resolverOf(field) }
      : shapeOf(source.schema, type, field);
  const plan: Plan = {
    source,
    leaves: [],
    needs: new Set(),
    tables: 0,
    columns: columnsSql,
    before: '',
    after: '',
  };
  const { permission } = extensionsOf(field);
  if (permission) plan.needs.add(permission);
  const run =
    shape.kind === 'known'
      ? knownField(plan, field, nodes, shape.resolve)
      : readField(plan, field, statementOf(plan, field, nodes, shape));
  return {
    bind(asked) {
      checkRights(plan, asked.ctx);
      return run(asked);
    },
  };
}

type Run = RootPlan['bind'];

function readField(plan: Plan, field: GraphQLField, statement: Text): Run {
  const known = new WeakMap<OperationContext['viewer'], { workspace: string; made: Statement | null }>();

  /** Where nothing depends on variables, a viewer is always asked about in the same words: what goes into them is pure. */
  function statementFor(asked: Wish): Statement | null {
    const { ctx, variables } = asked;
    const constant = Object.keys(variables.coerced).length === 0;
    const before = constant ? known.get(ctx.viewer) : undefined;
    if (before?.workspace === ctx.workspace.id) return before.made;
    const whole: Asked = { ctx, variables, values: [ctx.workspace.id], aliases: 0, steady: true };
    const text = statement(whole);
    // Every row is asked for by its workspace; only a statement without rows has no place for it.
    const values = text?.includes('$1') ? whole.values : [];
    const made = text === null ? null : { text, values, steady: whole.steady };
    if (constant) known.set(ctx.viewer, { workspace: ctx.workspace.id, made });
    return made;
  }

  return (asked) => {
    const { ctx } = asked;
    const made = statementFor(asked);
    return async (read) => {
      const json = made === null ? 'null' : await read(made);
      if (json === 'null' && isNonNullType(field.type)) throw new Unplanned('no answer');
      return plan.before + finish(json, plan.leaves, ctx) + plan.after;
    };
  };
}

/** A field that is known without a row, such as who asks or an event; a row may be below it, known by an id. */
function knownField(plan: Plan, field: GraphQLField, nodes: readonly FieldNode[], resolve: Resolve): Run {
  const type = getNullableType(field.type);
  if (!isObjectType(type)) {
    const print = printerOf(plan.source, field.type, nodes, plan.needs);
    return ({ ctx, root }) =>
      async () =>
        print(await resolve(root as never, {}, ctx), ctx);
  }
  const parts = [...collectFields(plan.source, type, selectionsOf(nodes))].map(([key, below]) => {
    const run = knownPart(plan, type, below);
    return { start: `${JSON.stringify(key)}:`, run };
  });
  return (asked) => async (read) => {
    const parent = await resolve(asked.root as never, {}, asked.ctx);
    if (parent == null && !isNonNullType(field.type)) return 'null';
    const texts = await Promise.all(
      parts.map(async ({ start, run }) => start + (await run(parent, asked, read))),
    );
    return `{${texts.join(',')}}`;
  };
}

type Part = (parent: unknown, asked: Parameters<Run>[0], read: Read) => string | Promise<string>;

function knownPart(plan: Plan, type: GraphQLObjectType, nodes: readonly FieldNode[]): Part {
  const name = nodes[0]?.name.value ?? '';
  if (name === '__typename') return () => JSON.stringify(type.name);
  const field = type.getFields()[name];
  if (!field) throw new Unplanned(`there is no field ${type.name}.${name}`);
  const shape = shapeOf(plan.source.schema, type, field);
  const { permission } = extensionsOf(field);
  if (permission) plan.needs.add(permission);
  if (shape.kind === 'known') {
    const print = printerOf(plan.source, field.type, nodes, plan.needs);
    return (parent, { ctx }) => print(shape.resolve(parent as never, {}, ctx), ctx);
  }
  const { kind } = shape;
  if (kind !== 'one' || !shape.idOf) throw new Unplanned(`${type.name}.${name} is not planned here`);
  const select = selectOne(plan, shape.type, shape.model as VisibleModel, nodes);
  const { idOf } = shape;
  return (parent, asked, read) =>
    readField(plan, field, (one) =>
      fill(
        select((of) => parameter(of, idOf(parent as never), 'uuid')),
        one,
      ),
    )(asked)(read);
}

function checkRights({ needs }: Plan, { viewer }: OperationContext): void {
  for (const permission of needs)
    if (!viewer.permissions.has(permission)) throw new Unplanned('a permission that the viewer lacks');
}

/** A statement of one column, which is the JSON; null when the answer is null without asking. */
type Text = (asked: Asked) => string | null;

function statementOf(
  plan: Plan,
  field: GraphQLField,
  nodes: readonly FieldNode[],
  shape: ReturnType<typeof shapeOf>,
): Text {
  const argsOf = argumentsOf(field, nodes[0] as FieldNode);
  if (shape.kind === 'page') {
    const page = pageSql(plan, { ...shape, field, nodes, inside: null });
    return (asked) => `SELECT ${page(asked)}`;
  }
  if (shape.kind === 'one' && !shape.idOf) {
    const select = selectOne(plan, shape.type, shape.model as VisibleModel, nodes);
    return (asked) => {
      const { id } = argsOf(asked.variables) as { id: string };
      const uuid = uuidOf(shape.type.name as IdType, id);
      // Also of an id that names nothing the rest is read: an argument inside may be refused.
      const text = fill(
        select((one) => parameter(one, uuid, 'uuid')),
        asked,
      );
      return uuid && text;
    };
  }
  if (shape.kind === 'node') {
    const find = nodeSql(plan, nodes);
    return (asked) => {
      const { id, ids } = argsOf(asked.variables) as { id?: string; ids?: string[] };
      if (ids === undefined) return find(asked, id as string);
      if (ids.length > 100) throw new Unplanned('too many ids');
      if (ids.length === 0) return "SELECT '[]'";
      const found = ids.map(
        (one) =>
          find(asked, one)
            ?.replace(/^SELECT/, '(SELECT')
            .concat(')') ?? 'NULL',
      );
      return `SELECT array_to_json(ARRAY[${found.join(', ')}]::json[])`;
    };
  }
  throw new Unplanned(`${field.name} is not for the root`);
}

/** The row with an id, if the viewer may see it. */
function selectOne(
  plan: Plan,
  type: GraphQLObjectType,
  model: VisibleModel,
  nodes: readonly FieldNode[],
): (id: Gap) => Sql {
  const alias = newAlias(plan);
  const columns = columnsSql(plan, type, nodes, alias);
  return (id) => {
    const condition: Gap = (asked) => {
      // The condition is made by the one function that makes it; the uuid takes its place in it as a parameter.
      const where = visibleRow(asked.ctx, model, '');
      const [, visible] = where.AND as [unknown, Record<string, unknown>];
      return `${alias}."id" = ${id(asked)} AND ${whereSql(asked, model, alias, visible)}`;
    };
    return sql(
      'SELECT row_to_json(x) FROM (SELECT ',
      columns,
      ` FROM ${tableSql(model)} ${alias} WHERE `,
      condition,
      ') x',
    );
  };
}

/** By the type that the id names: each is planned when it is first asked for. */
function nodeSql(plan: Plan, nodes: readonly FieldNode[]): (asked: Asked, id: string) => string | null {
  const known = new Map<string, { select: (id: Gap) => Sql; needs: Plan['needs'] }>();
  return (asked, id) => {
    const decoded = decodeId(id);
    const model = decoded && modelNamed(decoded.type);
    if (decoded?.type === 'Workspace') throw new Unplanned('the workspace itself');
    if (!decoded || !model || !asked.ctx.viewer.permissions.has(readPermission[model])) return null;
    let found = known.get(decoded.type);
    if (!found) {
      const type = plan.source.schema.getType(decoded.type);
      if (!(type instanceof GraphQLObjectType)) throw new Unplanned(`no type ${decoded.type}`);
      const own: Plan = { ...plan, needs: new Set() };
      found = { select: selectOne(own, type, model, nodes), needs: own.needs };
      plan.tables = own.tables;
      known.set(decoded.type, found);
    }
    checkRights({ ...plan, needs: found.needs }, asked.ctx);
    return fill(
      found.select((one) => parameter(one, decoded.uuid, 'uuid')),
      asked,
    );
  };
}
