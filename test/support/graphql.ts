import type { graphql as typed } from './generated/gql.ts';

/**
 * Marks a GraphQL document: `npm run codegen` gives it the types of its variables and its answer. At run time it is
 * the text itself, so a document must be complete: fragments belong into the same text.
 */
export const graphql = ((source: string) => source) as unknown as typeof typed;
