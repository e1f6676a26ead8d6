import type { GraphQLContext } from '../schema/builder.ts';

/** What became of a root field, for administrators who look into plans. */
export interface PlanNote {
  field: string;
  outcome: 'planned' | 'fallback';
  reason?: string;
  sql?: string;
  ms: number;
}

/** One operation's context: what resolvers get, and what its execution is told. */
export type OperationContext = GraphQLContext & {
  /** Ends it. */
  signal?: AbortSignal;
  /** Where plans are noted, for who asked to see them. */
  plans?: PlanNote[];
  /** It took too long already, and is not begun again. */
  late?: boolean;
};
