import type { graphql as typed } from '../generated/gql.ts';

/**
 * Marks a GraphQL document: `npm run codegen` gives it the types of its variables and its answer. At run time it is the
 * text itself, so a document must be complete.
 */
export const graphql = ((source: string) => source) as unknown as typeof typed;

/** As codegen types a document: it is never called, it only carries the types. */
export interface Document<Answer, Variables> {
  __apiType?: (variables: Variables) => Answer;
}
