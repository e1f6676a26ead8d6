import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type VariableValues,
  visit,
} from 'graphql';
import type { OperationContext } from '../operationContext.ts';
import { collectFields, type Source } from './collectFields.ts';
import { costOf } from './costOf.ts';
import { planRoot, type RootPlan } from './planRoot.ts';
import { Unplanned } from './unplanned.ts';

/** A root field: its plan, or why there is none. */
export interface Root {
  key: string;
  plan: RootPlan | null;
  reason: string;
  nodes: FieldNode[];
}

/** An operation for one set of answers to its @skip and @include. */
export interface OperationPlan {
  roots: Root[];
  /** The document with nothing but these root fields, for the executor. */
  only(keys: ReadonlySet<string>): DocumentNode;
}

export interface PlannedOperation {
  operation: OperationDefinitionNode;
  /** Null when the variables are refused. */
  variables(inputs: Record<string, unknown>): VariableValues | null;
  cost(ctx: OperationContext, inputs: Record<string, unknown>): number;
  /** Throws `Unplanned` for what is never planned. */
  plan(variables: VariableValues): OperationPlan;
}

/** Plans of an operation that are kept: one for each set of answers to @skip and @include. */
const mostVariants = 16;

export function planOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): PlannedOperation {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const definitions = operation.variableDefinitions ?? [];
  const conditions = conditionsOf(document);
  const variants = new Map<string, OperationPlan>();
  const none = getVariableValues(schema, [], {}).variableValues as VariableValues;
  const source = (variables: VariableValues): Source => ({ schema, fragments, variables });

  return {
    operation,
    cost: costOf(source(none), operation),
    variables: (inputs) =>
      definitions.length === 0
        ? none
        : (getVariableValues(schema, definitions, inputs).variableValues ?? null),
    plan(variables) {
      const variant = conditions.map((name) => String(variables.coerced[name])).join();
      let plan = variants.get(variant);
      if (!plan) {
        if (operation.directives?.length) throw new Unplanned('directives on the operation');
        plan = planVariant(document, operation, source(variables));
        if (variants.size >= mostVariants) variants.clear();
        variants.set(variant, plan);
      }
      return plan;
    },
  };
}

/** Variables on which the selection itself depends. */
function conditionsOf(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive(directive) {
      for (const { value } of directive.arguments ?? [])
        if (value.kind === Kind.VARIABLE) names.add(value.name.value);
      return false;
    },
  });
  return [...names];
}

function planVariant(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  source: Source,
): OperationPlan {
  const type = source.schema.getRootType(operation.operation) as GraphQLObjectType;
  const groups = collectFields(source, type, [operation.selectionSet]);
  const roots = [...groups].map(([key, nodes]): Root => {
    try {
      return { key, nodes, plan: planRoot(source, type, nodes), reason: '' };
    } catch (error) {
      if (!(error instanceof Unplanned)) throw error;
      return { key, nodes, plan: null, reason: error.reason };
    }
  });
  return {
    roots,
    only(keys) {
      const selections = roots.filter(({ key }) => keys.has(key)).flatMap(({ nodes }) => nodes);
      const selectionSet = { ...operation.selectionSet, selections };
      const definitions = document.definitions.map((one) =>
        one === operation ? { ...operation, selectionSet } : one,
      );
      return { ...document, definitions };
    },
  };
}
